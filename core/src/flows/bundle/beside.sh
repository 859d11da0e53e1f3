#!/bin/sh
# beside.sh FOLDER PID: shows every half minute that a worker's tracer lives, and when it has ended says so, and lets go of the folder.

trap '' HUP INT TERM
folder=$1 worker=$2 seconds=0
# The lock is the worker's own until its tracer is known.
tracer=$worker
while [ "$tracer" = "$worker" ] && [ -d "/proc/$worker" ] && [ -d "$folder" ]; do
	tracer=$(sed 's/.*"pid":\([0-9]*\).*/\1/' "$folder/lock")
	[ "$tracer" = "$worker" ] && sleep 1
done
tracer=$(sed 's/.*"pid":\([0-9]*\).*/\1/' "$folder/lock") || exit
while [ -d "/proc/$tracer" ]; do
	seconds=$((seconds + 1))
	[ $((seconds % 30)) = 0 ] && touch -c "$folder/lock"
	sleep 1
done
sed "s/\"ended\":null/\"ended\":\"$(date -u +%Y-%m-%dT%H:%M:%S.000Z)\"/" "$folder/worker.json" >"$folder/worker.new"
mv "$folder/worker.new" "$folder/worker.json"
rm -f "$folder/lock"
