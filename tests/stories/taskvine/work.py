"""What a task of TaskVine's stories does in its own folder, and what it tells of itself."""

import ctypes
import importlib
import json
import os
import subprocess
import sys
import threading
import time


def read(name):
    with open(name) as file:
        return file.read()


def task(n, pause=0):
    read("data.txt")
    if n % 10 == 0:
        subprocess.run(["cat", "child.txt"], stdout=subprocess.DEVNULL, check=True)
    if n % 10 == 3:
        thread = threading.Thread(target=read, args=("thread.txt",))
        thread.start()
        thread.join()
    if n % 10 == 5:
        library = ctypes.CDLL(None)
        library.fopen.restype = ctypes.c_void_p
        library.fclose.argtypes = [ctypes.c_void_p]
        library.fclose(library.fopen(b"library.txt", b"r"))
    if os.path.exists(f"extra_{n}.py"):
        sys.path.insert(0, os.getcwd())
        importlib.import_module(f"extra_{n}")
        sys.path.pop(0)
        # None but such tasks need it.
        importlib.import_module("sortedcontainers")
    time.sleep(pause)
    return {"pid": os.getpid()}


if __name__ == "__main__":
    told = task(int(sys.argv[1]))
    with open("out.txt", "w") as file:
        file.write("done")
    print(json.dumps(told))
