"""Makes what a plan needs and what only Python can write: wheels, installed by pip, and files in Python's own formats.

    python make.py PLAN.json

The plan is `{"python", "wheels": [{"name", "version", "files": {path: text}}], "folder", "given": [{"path", "content"}], "links": [{"path", "target"}]}`.
"""

import base64
import csv
import gzip
import hashlib
import io
import json
import pickle
import re
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


def wheel(folder, name, version, files):
    stem = f'{re.sub("[-_.]+", "_", name)}-{version}'
    info = f'{stem}.dist-info'
    files = {
        **files,
        f'{info}/METADATA': f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n',
        f'{info}/WHEEL': 'Wheel-Version: 1.0\nGenerator: cellar\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    }
    record = io.StringIO()
    rows = csv.writer(record, lineterminator='\n')
    for path, text in files.items():
        hashed = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()
        rows.writerow([path, f'sha256={hashed}', len(text.encode())])
    rows.writerow([f'{info}/RECORD', '', ''])
    path = folder / f'{stem}-py3-none-any.whl'
    with zipfile.ZipFile(path, 'w') as packed:
        for name, text in {**files, f'{info}/RECORD': record.getvalue()}.items():
            packed.writestr(name, text)
    return str(path)


def array(values):
    """The bytes of a .npy file, without numpy."""
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({len(values)},), }}"
    head = head.ljust(64 * 2 - 10 - 1) + '\n'
    return b'\x93NUMPY\x01\x00' + len(head).to_bytes(2, 'little') + head.encode() + bytes(values)


def content(kind, path):
    plain = {
        'text': b'one\ntwo\nthree\n',
        'table': b'a,b\n1,2\n3,4\n',
        'numbers': b'1 2\n3 4\n',
        'object': b'{"a": 1}',
        'raw': b'0123456789',
        'array': array([1, 2, 3, 4]),
        'packed': gzip.compress(b'one\n'),
        'pickle': pickle.dumps([1, 2]),
    }
    if kind in plain:
        path.write_bytes(plain[kind])
    elif kind == 'zip':
        with zipfile.ZipFile(path, 'w') as packed:
            packed.writestr('a.txt', 'one')
    elif kind == 'arrays':
        with zipfile.ZipFile(path, 'w') as packed:
            packed.writestr('a.npy', array([1, 2, 3]))
    elif kind == 'database':
        base = sqlite3.connect(path)
        base.execute('create table t (a, b)')
        base.execute('insert into t values (1, 2)')
        base.commit()
        base.close()
    else:
        raise ValueError(kind)


def main():
    plan = json.loads(Path(sys.argv[1]).read_text())
    if plan.get('wheels'):
        with tempfile.TemporaryDirectory() as folder:
            wheels = [wheel(Path(folder), **one) for one in plan['wheels']]
            words = ['install', '--no-index', '--no-deps', '--no-input', '--disable-pip-version-check', '-q']
            subprocess.run([plan['python'], '-m', 'pip', *words, *wheels], check=True)
    for one in plan.get('given', []):
        path = Path(plan['folder'], one['path'])
        path.parent.mkdir(parents=True, exist_ok=True)
        if 'text' in one:
            path.write_text(one['text'])
        else:
            content(one['content'], path)
    for one in plan.get('links', []):
        path = Path(plan['folder'], one['path'])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(Path(plan['folder'], one['target']))


if __name__ == '__main__':
    main()
