"""A wheel of one module, made by hand: python wheel.py FOLDER NAME VERSION MODULE; prints its path."""

import sys, zipfile
from pathlib import Path

folder, name, version, module = sys.argv[1:]
info = f"{name}-{version}.dist-info"
files = {f"{module}/__init__.py": f"__version__ = '{version}'\n\n\ndef main():\n    print(__version__)\n",
         f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
         f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
path = Path(folder) / f"{name}-{version}-py3-none-any.whl"
with zipfile.ZipFile(path, "w") as wheel:
    for place, text in files.items():
        wheel.writestr(place, text)
print(path)
