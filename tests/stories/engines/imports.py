"""Tasks that import distributions, in an order that a seed gives, and tell what was new with them."""

import importlib
import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# They change how other modules are imported, start something, or cannot be imported alone.
LEFT_OUT = {"_distutils_hack", "debugpy", "distutils", "ipykernel_launcher", "matplotlib_inline", "pkg_resources", "setuptools", "this"}


def names():
    """What can be imported from the distributions of this environment."""
    from importlib.metadata import packages_distributions

    return sorted(name for name in packages_distributions() if name.isidentifier() and name not in LEFT_OUT)


def owners():
    """By the code of each distribution, its name: as Python's own reading of the lists has it."""
    from importlib.metadata import distributions

    return {
        os.path.normpath(file.locate()): one.metadata["Name"]
        for one in distributions()
        for file in one.files or []
        if file.suffix in (".py", ".pyc", ".so")
    }


def loaded():
    """By each module's name, its file."""
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    return {name: file for name, file in files.items() if file is not None}


def task(engine, n, chosen):
    with open(f"{HERE}/data/{engine}-{n}.txt") as file:
        file.read()
    before = loaded()
    for name in chosen:
        importlib.import_module(name)
    new = {file for name, file in loaded().items() if name not in before}
    known = set(before.values())
    # A module that gets a second name is read again, or not.
    return {"n": n, "pid": os.getpid(), "before": sorted(known), "new": sorted(new - known), "again": sorted(new & known)}


def choices(seed, engine, tasks):
    """For each task some of the names, and most of them with many tasks."""
    known, draw = names(), random.Random(f"{seed} {engine}")
    return [draw.sample(known, 3) for _ in range(tasks)]


def keep(engine, told):
    with open(f"{HERE}/imports-{engine}.json", "w") as file:
        json.dump({"owners": owners(), "tasks": list(told)}, file)
