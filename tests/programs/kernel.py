"""A kernel in miniature: runs cells on its main thread, in one namespace and one event loop, and says when each is done.

kernel.py FIFO [CONNECTION-FILE]     a cell is a line of JSON, a string; an empty one ends it
"""

import ast
import asyncio
import inspect
import json
import os
import sys
import threading


def start_thread():
    """A thread that is there before any cell, and does what a cell asks it to."""
    asked = threading.Event()
    todo = []

    def wait():
        while True:
            asked.wait()
            asked.clear()
            while todo:
                todo.pop()()

    threading.Thread(target=wait, daemon=True).start()

    def ask(what):
        done = threading.Event()
        todo.append(lambda: (what(), done.set()))
        asked.set()
        done.wait()

    return ask


async def run(fifo):
    names = {"__name__": "__main__", "early": start_thread()}
    reader = asyncio.StreamReader(limit=1 << 20)
    pipe = os.fdopen(os.open(fifo, os.O_RDWR), "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    print("ready", flush=True)
    number = 0
    while code := json.loads(await reader.readline()):
        number += 1
        compiled = compile(code, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(compiled, names)
        if inspect.isawaitable(result):
            await result
        print(f"done {number}.", flush=True)


if __name__ == "__main__":
    for file in sys.argv[2:]:
        open(file).close()
    asyncio.run(run(sys.argv[1]))
    print("over", flush=True)
