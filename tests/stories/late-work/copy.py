"""Copies a file once a line comes in on its stdin. Tells what it opened where a story's truth is written down."""

import os
import sys


def tell(how, path):
    log = os.environ.get('CELLAR_STORY_LOG')
    if log:
        with open(log, 'a') as file:
            file.write(f'{os.environ["CELLAR_STORY_CELL"]}\t{how}\t{path}\n')


tell('read', sys.argv[0])
print('ready', flush=True)
sys.stdin.readline()
with open(sys.argv[1]) as file:
    text = file.read()
tell('read', sys.argv[1])
with open(sys.argv[2], 'w') as file:
    file.write(text)
tell('write', sys.argv[2])
