"""Real conda packages, a local channel and a prefix, made without a network by py-rattler.

    python channel.py make WORK [SITE]          WORK/channel, and WORK/prefix from it; into the prefix also, as pip leaves
                                                them, the distributions of the folder SITE (of them traitlets as conda's)
    python channel.py packages WORK             WORK/channel alone
    python channel.py later WORK SITE           WORK/channel a while later: a newer version or build of each, and pip
    python channel.py install CHANNEL PREFIX SPEC...   a prefix of what the specs come to
    python channel.py solve CHANNEL SPEC...     what the specs come to: a JSON list of name, version, build, url, md5, sha256
    python channel.py explicit FILE             what rattler reads in an @EXPLICIT list: the platform, and of each archive its
                                                address, the hash that is written and the hash that the archive has

It ends by os._exit: py-rattler 0.28 sometimes crashes when its interpreter ends.
"""

import asyncio, csv, hashlib, json, os, shutil, sys
from email.parser import Parser
from pathlib import Path
from urllib.parse import unquote, urlparse

import rattler
from rattler.explicit_environment import ExplicitEnvironmentSpec

from interpreter import PY, interpreter_files
from packages import PLACEHOLDER, module, write_package

SITE = f"lib/python{PY}/site-packages"
SPECS = ["tinymod >=2", "tinyext", "loose"]
CONDA_MADE = "traitlets"
# Of no use to a kernel; jedi, which IPython can do without, is two files of three.
LEFT_OUT = ("jedi", "pip", "setuptools")


def write_packages(channel, site=None):
    version = "%d.%d.%d" % sys.version_info[:3]
    write_package(channel, "python", version, interpreter_files(), build=f"h1_{PY.replace('.', '')}",
                  index={"python_site_packages_path": SITE})
    write_package(channel, "libtiny", "1.0", {
        "lib/libtiny.so.1": "\x7fELF\0" + PLACEHOLDER + "\0", "lib/libtiny.so": Path("libtiny.so.1"),
        "etc/tiny.conf": f"root = {PLACEHOLDER}\n", "share/tiny/table.csv": "a,b\n1,2\n", "include/tiny.h": "",
        "share/tiny/credentials.json": '{"public": true}\n'}, form=".tar.bz2")
    write_package(channel, "lazydep", "4", module("lazydep", "4", "lazydep"), ["python"], "python")
    write_package(channel, "tinymod", "2.1", module("TinyMod", "2.1", "tinymod", {"tinymod/extra.py": "", "tinymod/old.py": ""}),
                  ["python", "libtiny >=1", "lazydep"], "python", ["tinymod-run = tinymod:main"])
    write_package(channel, "tinymod", "1.0", module("TinyMod", "1.0", "tinymod"), ["python"], "python")
    write_package(channel, "tinyext", "0.3", module("tinyext", "0.3", "tinyext", site=SITE), [f"python {PY}.*"], build="py_7")
    write_package(channel, "loose", "5", {f"{SITE}/loose.py": "value = 5\n"}, ["python"])
    write_package(channel, "unused", "9", module("unused", "9", "unused"), ["python"], "python")
    if site is not None:
        version, files = installed(site)[CONDA_MADE]
        files = {path: "conda" if path.endswith("/INSTALLER") else data for path, data in files.items()}
        write_package(channel, CONDA_MADE, version, {f"site-packages/{p}": d for p, d in files.items()}, ["python"], "python")


def write_later(channel, site):
    """What is newest is no longer what the prefix has; tinyext and python differ by the build alone."""
    version, newer = "%d.%d.%d" % sys.version_info[:3], {"build_number": 1}
    write_package(channel, "python", version, {"share/later.txt": ""}, build=f"h2_{PY.replace('.', '')}",
                  index={"python_site_packages_path": SITE, **newer})
    write_package(channel, "libtiny", "1.1", {"lib/libtiny.so.1": "\x7fELF\0"})
    write_package(channel, "lazydep", "5", module("lazydep", "5", "lazydep"), ["python"], "python")
    write_package(channel, "tinymod", "3.0", module("TinyMod", "3.0", "tinymod"), ["python", "libtiny >=1", "lazydep"], "python")
    write_package(channel, "tinyext", "0.3", module("tinyext", "0.3", "tinyext", site=SITE), [f"python {PY}.*"],
                  build="py_8", index=newer)
    write_package(channel, "loose", "6", {f"{SITE}/loose.py": "value = 6\n"}, ["python"])
    write_package(channel, CONDA_MADE, "99.0", module(CONDA_MADE, "99.0", CONDA_MADE), ["python"], "python")
    version, files = installed(site)["pip"]
    write_package(channel, "pip", version, {f"site-packages/{path}": data for path, data in files.items()}, ["python"], "python")


def installed(site):
    """The distributions of a folder, by name: version, and the files in it that their RECORDs list."""
    found = {}
    for info in sorted(site.glob("*.dist-info")):
        header = Parser().parsestr(info.joinpath("METADATA").read_text())
        paths = [row[0] for row in csv.reader(info.joinpath("RECORD").open(newline="")) if not row[0].endswith(".pyc")]
        files = {path: (site / path).read_bytes() for path in paths if not path.startswith("..") and (site / path).is_file()}
        found[header["Name"].lower()] = header["Version"], files
    return found


async def make(work, site=None):
    channel, prefix = work / "channel", work / "prefix"
    write_packages(channel, site)
    await rattler.index.index_fs(channel)
    made = await install(channel.as_uri(), prefix, SPECS + ([CONDA_MADE] if site else []))
    for name, (_, files) in (installed(site) if site else {}).items():
        if name in (CONDA_MADE, *LEFT_OUT):
            continue
        for path, data in files.items():
            target = prefix / SITE / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    return made


async def install(channel, prefix, specs):
    cache = prefix.parent / f"{prefix.name}-cache"
    await rattler.install(await solve(channel, specs), prefix, cache_dir=cache, show_progress=False,
                          requested_specs=[rattler.MatchSpec(spec)._match_spec for spec in specs])
    shutil.rmtree(cache)
    return {"prefix": str(prefix), "channel": channel, "python": str(prefix / "bin/python"), "site": str(prefix / SITE)}


async def solve(channel, specs):
    # Read as conda reads them: of strings, `solve` itself refuses name=version=build, which `conda env export` writes.
    specs = [rattler.MatchSpec(spec) for spec in specs]
    return await rattler.solve([rattler.Channel(channel)], specs, platforms=["linux-64", "noarch"])


def told(records):
    return [dict(name=one.name.normalized, version=str(one.version), build=str(one.build), url=one.url,
                 md5=one.md5.hex(), sha256=one.sha256.hex())
            for one in sorted(records, key=lambda one: one.name.normalized)]


def explicit(file):
    spec = ExplicitEnvironmentSpec.from_path(file)
    archives = []
    for address in (one.url for one in spec.packages):
        url, _, written = address.partition("#")
        data = Path(unquote(urlparse(url).path)).read_bytes()
        archives.append(dict(url=url, written=written, md5=hashlib.md5(data).hexdigest()))
    return {"platform": spec.platform and str(spec.platform), "archives": archives}


async def main(command, first, *rest):
    if command == "make":
        return await make(Path(first).resolve(), *map(Path, rest))
    if command == "packages":
        write_packages(Path(first).resolve() / "channel")
        await rattler.index.index_fs(Path(first).resolve() / "channel")
        return {"channel": (Path(first).resolve() / "channel").as_uri()}
    if command == "later":
        write_later(Path(first).resolve() / "channel", Path(*rest))
        await rattler.index.index_fs(Path(first).resolve() / "channel")
        return {"channel": (Path(first).resolve() / "channel").as_uri()}
    if command == "install":
        return await install(first, Path(rest[0]).resolve(), list(rest[1:]))
    if command == "explicit":
        return explicit(Path(first))
    return told(await solve(first, list(rest)))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))), flush=True)
    os._exit(0)
