"""A real rpm database: python rpm.py FOLDER DATA. Packages that list files below DATA are built by rpmbuild and recorded by rpm
in FOLDER/db; in FOLDER/log is a copy of it that was taken while its newest change stood in its log alone. Prints nothing."""

import shutil, sqlite3, subprocess, sys
from pathlib import Path

folder, data = (Path(word).resolve() for word in sys.argv[1:])
quiet = dict(check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
db = folder / "db"


def build(name, files, head="", config=()):
    folders = " ".join(sorted({f"%{{buildroot}}{Path(path).parent}" for path in files}))
    lines = f"mkdir -p {folders}\n" + "".join(f"printf '%s' '{text}' > '%{{buildroot}}{path}'\n" for path, text in files.items())
    listed = "".join(("%config(noreplace) " if path in config else "") + f'"{path}"\n' for path in files)
    spec = folder / f"{name}.spec"
    spec.write_text(f"Name: {name}\nVersion: 1.5\nRelease: 3\n{head}Summary: x\nLicense: MIT\nBuildArch: noarch\n"
                    f"%description\nx\n%install\n{lines}%files\n{listed}")
    subprocess.run(["rpmbuild", "-bb", "--define", f"_topdir {folder}/top", "--define", "__os_install_post %{nil}",
                    "--define", "_build_name_fmt %{NAME}.rpm",
                    "--define", "_binary_filedigest_algorithm 8", str(spec)], **quiet)
    return folder / "top/RPMS" / f"{name}.rpm"


def rpm(*words):
    subprocess.run(["rpm", "--dbpath", str(db), *words], **quiet)


tool = build("tinytool", {f"{data}/bin/tool": "tool", f"{data}/etc/tool.conf": "a=1", f"{data}/share/café.txt": "data"},
             "Epoch: 2\n", [f"{data}/etc/tool.conf"])
# More names than one page of the database holds.
large = build("large", {f"{data}/large/a-file-of-some-length-{number}.txt": str(number) for number in range(1500)})
late = build("late", {f"{data}/late.txt": "late"})
rpm("--initdb")
rpm("-i", "--nodeps", "--justdb", "--noscripts", str(tool), str(large))
reader = sqlite3.connect(db / "rpmdb.sqlite")
reader.execute("BEGIN")
reader.execute("SELECT count(*) FROM Packages").fetchone()
rpm("-i", "--nodeps", "--justdb", "--noscripts", str(late))
(folder / "log").mkdir()
for name in ("rpmdb.sqlite", "rpmdb.sqlite-wal"):
    shutil.copy(db / name, folder / "log" / name)
reader.close()
