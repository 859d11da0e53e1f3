"""What the tasks of the engines' stories do, and the truth that they tell of themselves."""

import ctypes
import importlib
import json
import os
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))


def path(engine, n, how=""):
    return f"{HERE}/data/{engine}-{n}{how}.txt"


def read(name):
    with open(name) as file:
        return file.read()


def task(engine, n):
    """Reads a file of its own, some of them in several ways, and tells on which thread of which process; some import a module."""
    read(path(engine, n))
    if n % 10 == 0:
        subprocess.run(["cat", path(engine, n, "-child")], stdout=subprocess.DEVNULL, check=True)
    if n % 10 == 3:
        thread = threading.Thread(target=read, args=(path(engine, n, "-thread"),))
        thread.start()
        thread.join()
    if n % 10 == 5:
        library = ctypes.CDLL(None)
        library.fopen.restype = ctypes.c_void_p
        library.fclose.argtypes = [ctypes.c_void_p]
        library.fclose(library.fopen(path(engine, n, "-library").encode(), b"r"))
    imported = None
    if n % 20 == 7:
        name = f"extra_{engine}_{n}"
        assert name not in sys.modules
        importlib.import_module(name)
        imported = name
    return {"n": n, "pid": os.getpid(), "thread": threading.get_native_id(), "imported": imported}


def into(queue, engine, n):
    queue.put(task(engine, n))


def keep(engine, told, number=None):
    """Writes down what came back; `number`: what the engine calls each task."""
    told = list(told)
    numbers = [None] * len(told) if number is None else list(number)
    with open(f"{HERE}/truth-{engine}.json", "w") as file:
        json.dump([{**one, "number": number} for one, number in zip(told, numbers, strict=True)], file)
