"""Tasks that do what is hard to attribute. Each reads files that are named by the task to which that belongs: `FUNCTION-N-….txt`."""

import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

FORK = multiprocessing.get_context("fork")


def read(name):
    with open(f"{name}.txt") as file:
        return file.read()


class Argument:
    """It reads a file when it is unpickled, which is before anybody knows the task."""

    def __init__(self, name):
        self.name = name

    def __setstate__(self, state):
        self.__dict__.update(state)
        read(self.name)


class Result:
    """It reads a file when it is pickled, which is after the function has returned."""

    def __init__(self, name):
        self.name = name

    def __getstate__(self):
        read(self.name)
        return self.__dict__


def pickles(n, argument):
    return Result(f"pickles-{n}-result")


def inner(n):
    read(f"inner-{n}")


def nested(n):
    read(f"nested-{n}-before")
    with ProcessPoolExecutor(1, mp_context=FORK) as executor:
        list(executor.map(inner, [n]))
    with ThreadPoolExecutor(1) as executor:
        list(executor.map(inner, [n + 10]))
    read(f"nested-{n}-after")


def forks(n):
    child = os.fork()
    if child == 0:
        read(f"forks-{n}-child")
        os._exit(0)
    os.waitpid(child, 0)


def leaves(n):
    """A thread that goes on when the task has ended, while the worker has another."""
    threading.Thread(target=lambda: (time.sleep(0.3), read(f"leaves-{n}-late"))).start()


def waits(n):
    time.sleep(0.6)
    read(f"waits-{n}")


def raises(n):
    read(f"raises-{n}")
    raise ValueError(n)


def ends(n):
    read(f"ends-{n}")
    os._exit(3)


def begins(name):
    """A worker's initializer: no task."""
    read(name)


def tried(call):
    try:
        call()
    except Exception as error:
        print(type(error).__name__)


if __name__ == "__main__":
    with ProcessPoolExecutor(1, mp_context=FORK, initializer=begins, initargs=("none-initializer",)) as executor:
        executor.submit(pickles, 1, Argument("pickles-1-argument")).result()
        for function, n in ((nested, 1), (forks, 1), (leaves, 1), (waits, 1)):
            executor.submit(function, n).result()
        tried(executor.submit(raises, 1).result)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(pickles, (2, Argument("pickles-2-argument")))
        pool.apply(forks, (2,))
        tried(lambda: pool.apply(raises, (2,)))
    executor = ProcessPoolExecutor(1, mp_context=FORK)
    tried(executor.submit(ends, 1).result)
    sys.exit(0)
