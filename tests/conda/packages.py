"""conda packages, written by hand: a file is bytes, text, or a Path for a symbolic link."""

import bz2, hashlib, io, json, tarfile, zipfile
from pathlib import Path

import zstandard

PLACEHOLDER = "/placeholder_" + "x" * 60  # replaced by the prefix when a package is linked


def write_package(channel, name, version, files, depends=(), noarch=None, entry_points=(), form=".conda", build="0", index=None):
    """Writes one package into a folder of a channel."""
    subdir = "noarch" if noarch else "linux-64"
    files = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}
    about = dict(name=name, version=version, build=build, subdir=subdir, depends=list(depends),
                 license="MIT", timestamp=1_700_000_000_000, **({"noarch": noarch} if noarch else {}),
                 **{"build_number": 0, **(index or {})})
    info = {"info/index.json": about, "info/paths.json": {"paths": [entry(*one) for one in files.items()], "paths_version": 1},
            "info/about.json": {}}
    if noarch == "python":
        info["info/link.json"] = {"noarch": {"type": "python", "entry_points": list(entry_points)}, "package_metadata_version": 1}
    info = {path: json.dumps(value).encode() for path, value in info.items()} | {"info/files": "\n".join(files).encode()}
    stem = f"{name}-{version}-{build}"
    folder = channel / subdir
    folder.mkdir(parents=True, exist_ok=True)
    if form == ".tar.bz2":
        (folder / (stem + form)).write_bytes(bz2.compress(tar(info | files)))
        return
    squeeze = zstandard.ZstdCompressor(level=1).compress
    parts = {"metadata.json": b'{"conda_pkg_format_version": 2}', f"pkg-{stem}.tar.zst": squeeze(tar(files)),
             f"info-{stem}.tar.zst": squeeze(tar(info))}
    with zipfile.ZipFile(folder / (stem + form), "w", zipfile.ZIP_STORED) as archive:
        for part, data in parts.items():
            archive.writestr(zipfile.ZipInfo(part), data)  # a ZipInfo has a fixed date: the same package, byte for byte


def entry(path, data):
    """What paths.json says of a file."""
    if isinstance(data, Path):
        return {"_path": path, "path_type": "softlink"}
    said = {"_path": path, "path_type": "hardlink", "sha256": hashlib.sha256(data).hexdigest(), "size_in_bytes": len(data)}
    if PLACEHOLDER.encode() in data:
        said |= {"prefix_placeholder": PLACEHOLDER, "file_mode": "binary" if b"\0" in data else "text"}
    return said


def tar(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, data in members.items():
            info = tarfile.TarInfo(path)
            info.mode = 0o755 if path.startswith("bin/") or ".so" in path else 0o644
            if isinstance(data, Path):
                info.type, info.linkname = tarfile.SYMTYPE, str(data)
                archive.addfile(info)
            else:
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def module(name, version, top, more=None, site="site-packages"):
    """A Python module as conda-build leaves it: beside it a dist-info whose INSTALLER is conda."""
    info = f"{name}-{version}.dist-info"
    files = {f"{top}/__init__.py": f"__version__ = '{version}'\n\n\ndef main():\n    print(__version__)\n", **(more or {}),
             f"{info}/INSTALLER": "conda", f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"}
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in files) + f"{info}/RECORD,,\n"
    return {f"{site}/{path}": text for path, text in files.items()}
