#!/bin/bash
# Counts the lines of a file. Tells what it opened where a story's truth is written down.
tell() { if [ -n "$CELLAR_STORY_LOG" ]; then printf '%s\t%s\t%s\n' "$CELLAR_STORY_CELL" "$1" "$2" >> "$CELLAR_STORY_LOG"; fi; }
tell read "$0"
lines=0
while read -r line; do lines=$((lines + 1)); done < "$1"
tell read "$1"
echo "$1: $lines lines"
