"""The Python that runs this, as the files of a conda package: it can be moved, as conda's can."""

import os, re, sys
from pathlib import Path

PY = "%d.%d" % sys.version_info[:2]
BASE = Path(sys.base_prefix).resolve()
UNNEEDED = re.compile(r"^(test|tests|idlelib|lib2to3|ensurepip|turtledemo|config-.*|EXTERNALLY-MANAGED|site-packages|dist-packages)$")


def interpreter_files():
    library = Path(os.__file__).resolve().parent
    files = {f"bin/python{PY}": moved(Path(sys.executable).resolve()), "bin/python": Path(f"python{PY}"),
             f"lib/python{PY}/site-packages/README.txt": "what is installed goes here\n",
             f"include/python{PY}/patchlevel.h": '#define PY_VERSION "%d.%d.%d"\n' % sys.version_info[:3]}
    for shared in sorted((BASE / "lib").glob(f"libpython{PY}.so*")):
        files[f"lib/{shared.name}"] = Path(os.readlink(shared)) if shared.is_symlink() else shared.read_bytes()
    for folder, folders, names in os.walk(library):
        folders[:] = sorted(one for one in folders if not UNNEEDED.match(one) and one != "__pycache__")
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and not UNNEEDED.match(name):
                files[f"lib/python{PY}/{path.relative_to(library)}"] = path.read_bytes()
    return files | as_upstream(files)


def moved(program):
    """Its shared library is found beside it, wherever it is put."""
    data, there = program.read_bytes(), f"{BASE}/lib\0".encode()
    here = b"$ORIGIN/../lib\0"
    return data.replace(there, here.ljust(len(there), b"\0")) if len(there) >= len(here) else data


def as_upstream(files):
    """Debian's Python looks for packages in a folder of its own name: here it leads to upstream's, as conda's Python has it."""
    config = f"lib/python{PY}/sysconfig.py"
    if b"'posix_local'" not in files.get(config, b""):
        return {}
    return {f"lib/python{PY}/dist-packages": Path("site-packages"),
            config: files[config].replace(b"prefix_scheme = 'posix_local'", b"prefix_scheme = 'posix_prefix'")}
