"""What workers of a pool are asked to do."""

import os
import time


def touch(path):
    """Makes a file; long enough that every worker of a small pool gets its share. Tells the worker's pid."""
    open(path, "x").close()
    time.sleep(0.05)
    return os.getpid()


def touch_by_child(path):
    """The same by a child of the worker."""
    import subprocess

    subprocess.run(["touch", path], check=True)
    return os.getpid()
