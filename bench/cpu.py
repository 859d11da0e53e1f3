"""Runs a command and tells the CPU seconds of it and of all that it started, orphans too, in the file that is named first."""

import ctypes
import os
import resource
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
# What has been left running, Parsl's helpers for example, ends by itself within this time, or is not counted.
PATIENCE = 15

ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
began = time.monotonic()
code = subprocess.run(sys.argv[2:]).returncode
seconds = time.monotonic() - began
until = time.monotonic() + PATIENCE
left = False
while True:
    try:
        left = os.waitpid(-1, os.WNOHANG)[0] == 0
    except ChildProcessError:
        left = False
        break
    if time.monotonic() > until:
        break
    if left:
        time.sleep(0.05)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], 'w') as file:
    print(seconds, used.ru_utime + used.ru_stime, int(left), file=file)
sys.exit(code)
