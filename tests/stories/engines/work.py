"""What the tasks of the engines' stories do, and the truth that they tell of themselves."""

import asyncio
import ctypes
import importlib
import json
import os
import subprocess
import sys
import threading

ONLY = "toolz"
HERE = os.path.dirname(os.path.abspath(__file__))


def path(engine, n, how=""):
    return f"{HERE}/data/{engine}-{n}{how}.txt"


def read(name):
    with open(name) as file:
        return file.read()


def task(engine, n, child=True):
    """Reads a file of its own, some of them in several ways, and tells on which thread of which process; some import a module."""
    read(path(engine, n))
    if n % 10 == 0 and child:
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
    # A package that nothing else uses: which task of a worker is its first is told by the task.
    first = None
    if n % 20 == 9 and threading.current_thread() is threading.main_thread():
        first = None if ONLY in sys.modules else ONLY
        importlib.import_module(ONLY)
    return {"n": n, "pid": os.getpid(), "thread": threading.get_native_id(), "imported": imported, "first": first}


async def coroutine(engine, n):
    await asyncio.sleep(0.01)
    told = task(engine, n, child=False)
    await asyncio.sleep(0.01)
    if n % 10 == 0:
        process = await asyncio.create_subprocess_exec("cat", path(engine, n, "-child"), stdout=subprocess.DEVNULL)
        await process.wait()
    return told


def ends_its_worker(n):
    """The first time that it runs."""
    flag = f"{HERE}/ended-{n}"
    if not os.path.exists(flag):
        open(flag, "x").close()
        os._exit(1)
    return n


def version(module, _):
    return importlib.import_module(module).__version__


def returns(n):
    return n


def fails_once(n):
    flag = f"{HERE}/failed-{n}"
    if not os.path.exists(flag):
        open(flag, "x").close()
        raise ValueError(n)
    return n


def into(queue, engine, n):
    queue.put(task(engine, n))


def keep(engine, told, number=None):
    """Writes down what came back; `number`: what the engine calls each task."""
    told = list(told)
    numbers = [None] * len(told) if number is None else list(number)
    with open(f"{HERE}/truth-{engine}.json", "w") as file:
        json.dump([{**one, "number": number} for one, number in zip(told, numbers, strict=True)], file)
