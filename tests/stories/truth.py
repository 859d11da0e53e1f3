"""Writes down what each cell of a story notebook does to the files below its folder, without any tracer.

    .cache/venv/stories/bin/python tests/stories/truth.py [NAME ...]     writes tests/stories/NAME.truth.json
    .cache/venv/stories/bin/python tests/stories/truth.py --check        compares with what is there, exit 1 if it differs

Each notebook runs in a real ipykernel, in a copy of its folder, and three witnesses speak:

    hook      an audit hook within the kernel and its forked children (truth_kernel.py)
    program   the story's own small programs, which say what they opened (copy.py, count.sh)
    watch     inotify on the folder: what anyone opened while a cell was active, ordinary commands too

The watch knows no owner, so it speaks for a cell only where nothing from an earlier one was at work; everywhere it must agree: a file
that it saw and nobody owned up to, or that somebody claims and it did not see, is an error.

What stands there for each cell:

    accesses  `how` is read, write, readwrite (one open for both), list, remove. They belong to the cell in which the thread, process
              or coroutine was born; `during` is the cell that was active, null where it is the same. `by` says who it was; what a coroutine
              does late is ambiguous for whoever sees only system calls. `told` names the witnesses. TAG is the interpreter's cache tag.
    imports   top-level modules, not of the standard library, that were first loaded while the cell was active, by itself or by the kernel

Python's importer lists the folders of sys.path in whichever cell imports next: these listings are left out. The temporary
file of fresh bytecode is folded into the name that it gets.
"""

import argparse
import ctypes
import json
import os
import select
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

here = Path(__file__).resolve().parent
stories = ['late-work', 'matplotlib-figures', 'pandas-helper', 'raises-third', 'shell-cells']


class Watch:
    """inotify on a folder and the folders below it. What it saw is asked for cell by cell."""

    opened, accessed, modified, closed_written, closed, created, moved = 0x20, 0x1, 0x2, 0x8, 0x10, 0x100, 0x80
    folder = 0x40000000

    def __init__(self, root):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.root = root
        self.watched = {}
        self.add_folders()

    def add_folders(self):
        mask = self.opened | self.accessed | self.modified | self.closed_written | self.created | self.moved
        for folder in [self.root, *(path for path in self.root.rglob('*') if path.is_dir())]:
            if folder in self.watched.values():
                continue
            number = self.libc.inotify_add_watch(self.descriptor, os.fsencode(folder), mask)
            if number < 0:
                raise OSError(ctypes.get_errno(), 'inotify_add_watch', str(folder))
            self.watched[number] = folder

    def seen(self):
        """(how, path) since the last call: read, write, list."""
        facts = set()
        while select.select([self.descriptor], [], [], 0)[0]:
            data = os.read(self.descriptor, 1 << 16)
            at = 0
            while at < len(data):
                number, mask, _, length = struct.unpack_from('iIII', data, at)
                name = data[at + 16 : at + 16 + length].rstrip(b'\0').decode()
                at += 16 + length
                path = os.path.normpath(os.path.relpath(self.watched[number] / name, self.root))
                if mask & self.folder:
                    if mask & self.accessed:
                        facts.add(('list', path))
                elif mask & (self.modified | self.closed_written | self.created | self.moved):
                    facts.add(('write', path))
                elif mask & (self.opened | self.accessed):
                    facts.add(('opened', path))
        return facts


def kernel_for(folder):
    manager = KernelManager(kernel_name='python3', shutdown_wait_time=1)
    argv = [sys.executable, '-m', 'ipykernel_launcher', '-f', '{connection_file}']
    # The spec is given, not looked up: whichever kernels this machine has must not matter.
    manager._kernel_spec = KernelSpec(argv=argv, language='python', display_name='story')
    env = {name: value for name, value in os.environ.items() if not name.startswith(('PYTHON', 'CELLAR', 'MPL'))}
    manager.start_kernel(cwd=str(folder), env=env, stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    return manager, client


def run(name):
    """One unaudited run: the log's lines, what the watch saw in each cell, and how each cell ended."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve() / name
        shutil.copytree(here / name, folder, ignore=shutil.ignore_patterns('__pycache__', '.ipynb_checkpoints'))
        log = Path(temporary).resolve() / 'log'
        log.touch()
        notebook = json.loads((folder / f'{name}.ipynb').read_text())
        codes = [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']
        manager, client = kernel_for(folder)
        try:
            hook = (here / 'truth_kernel.py').read_text()
            hook += f'\n_testify({str(folder)!r}, {str(log)!r}, get_ipython())\ndel _testify'
            reply = client.execute_interactive(hook, silent=True, store_history=False, timeout=60)
            assert reply['content']['status'] == 'ok', reply['content']
            watch = Watch(folder)
            watch.seen()
            watched, statuses = [], []
            for cell in codes:
                if 'raised' in statuses:
                    statuses.append('not run')
                    watched.append(set())
                    continue
                source = ''.join(cell['source'])
                reply = client.execute_interactive(source, output_hook=lambda message: None, allow_stdin=False, timeout=120)
                statuses.append('finished' if reply['content']['status'] == 'ok' else 'raised')
                watched.append(watch.seen())
                watch.add_folders()
                watch.seen()  # its own walk
        finally:
            client.stop_channels()
            manager.shutdown_kernel()
        lines = [read_line(line) for line in log.read_text().splitlines()]
        return codes, statuses, watched, lines


def read_line(line):
    """A line of the hook, which is JSON, or of a small program: the cell it was started by, how, path."""
    if line.startswith('{'):
        return json.loads(line)
    cell, how, path = line.split('\t')
    return {'event': how, 'cell': int(cell), 'by': 'program', 'path': os.path.normpath(path), 'during': None}


def gather(name):
    codes, statuses, watched, lines = run(name)
    tag = sys.implementation.cache_tag
    faults = [line for line in lines if line['event'] == 'fault']
    assert not faults, faults

    imports = {line['number']: line['imports'] for line in lines if line['event'] == 'cell'}
    claims = {}
    renamed = {line['old']: line['new'] for line in lines if line['event'] == 'rename'}
    number = 1
    for line in lines:
        if line['event'] == 'cell':
            number = line['number'] + 1
        if 'path' not in line:
            continue
        # A program does not know which cell is active: the log's order does. It was waited for before that cell ended.
        during = number if line['by'] == 'program' else line['during'] or None
        path = renamed.get(line['path'], line['path'])
        claims.setdefault((line['cell'], during, line['event'], path.replace(tag, 'TAG')), {'by': line['by'], 'told': set()})['told'].add(
            'program' if line['by'] == 'program' else 'hook'
        )

    doubts = compare(claims, watched, renamed, tag)
    unowned = sorted({path for cell, _, _, path in claims if cell is None})
    if unowned:
        doubts.append(f'claimed by no cell: {unowned}')
    assert not doubts, f'{name}: the witnesses disagree:\n' + '\n'.join(doubts)

    cells = []
    for index, cell in enumerate(codes, 1):
        accesses = [
            {
                'path': path,
                'how': how,
                'during': None if during == of else during,
                'by': claim['by'],
                'ambiguous': claim['by'] == 'coroutine',
                'told': sorted(claim['told']),
            }
            for (of, during, how, path), claim in claims.items()
            if of == index
        ]
        accesses.sort(key=lambda access: (access['path'], access['how'], access['during'] or 0))
        cells.append(
            {
                'number': index,
                'id': cell['id'],
                'status': statuses[index - 1],
                'imports': imports.get(index, []),
                'accesses': accesses,
            }
        )
    return {'format': 1, 'notebook': f'{name}/{name}.ipynb', 'cells': cells}


def compare(claims, watched, renamed, tag):
    """Joins what the watch saw with what was claimed. Adds what only it saw, where it can; says where the two do not agree."""
    doubts = []
    late = {during for cell, during, _, _ in claims if during != cell}
    for number, facts in enumerate(watched, 1):
        said = {(plain, path): key for key in claims for plain, path in plainly(key, number)}
        folded = set()
        for how, path in facts:
            path = renamed.get(path, path).replace(tag, 'TAG')
            folded.add((how, path))
        written = {path for how, path in folded if how == 'write'}
        for how, path in sorted(folded):
            if how == 'opened':
                # An open by a writer looks the same: only a file that was not written here was surely read.
                how = 'read'
                if ('read', path) not in said and path in written:
                    continue
            if how == 'list' and path == '.' and ('list', '.') not in said:
                continue  # Python's importer
            if (how, path) in said:
                claims[said[how, path]]['told'].add('watch')
            elif number in late:
                doubts.append(f'cell {number}: {how} {path} was seen, but late work was going on and nobody said so')
            else:
                claims[number, number, how, path] = {'by': 'command', 'told': {'watch'}}
        for (how, path), key in said.items():
            if 'watch' not in claims[key]['told'] and how != 'remove':
                claims[key]['told'].discard('watch')
                if not made_here(claims, number, path):
                    doubts.append(f'cell {number}: {how} {path} was claimed, but the watch saw nothing')
    return doubts


def plainly(key, number):
    """A claim about this cell in the watch's words: it sees that a file was written, not whether it was opened for reading too."""
    _, during, how, path = key
    return [('write' if how == 'readwrite' else how, path)] if during == number else []


def made_here(claims, number, path):
    """Whether the folder of a file may have been made in this cell, so that the watch was too late for it."""
    parent = os.path.dirname(path)
    earlier = [during for cell, during, _, other in claims if os.path.dirname(other) == parent and during is not None]
    return parent != '' and min(earlier, default=number) >= number


def write(value, indent=''):
    """JSON that a person reads: an access a line."""
    if not isinstance(value, (dict, list)) or not value:
        return json.dumps(value, ensure_ascii=False)
    line = inline(value)
    several = isinstance(value, list) and len(value) > 1 and isinstance(value[0], dict)
    if not several and 'cells' not in value and 'accesses' not in value and len(line) < 150:
        return line
    inner = indent + '\t'
    if isinstance(value, dict):
        parts = [f'{json.dumps(key)}: {write(item, inner)}' for key, item in value.items()]
        return '{\n' + ',\n'.join(inner + part for part in parts) + f'\n{indent}}}'
    return '[\n' + ',\n'.join(inner + write(item, inner) for item in value) + f'\n{indent}]'


def inline(value):
    if isinstance(value, dict):
        return '{ ' + ', '.join(f'{json.dumps(key)}: {inline(item)}' for key, item in value.items()) + ' }'
    if isinstance(value, list):
        return '[' + ', '.join(inline(item) for item in value) + ']'
    return json.dumps(value, ensure_ascii=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--check', action='store_true', help='write nothing; exit 1 where a committed truth differs')
    parser.add_argument('name', nargs='*')
    words = parser.parse_args()
    names = words.name or stories
    differs = False
    for name in names:
        text = write(gather(name)) + '\n'
        target = here / f'{name}.truth.json'
        if not words.check:
            target.write_text(text)
            print(f'{name}: written')
        elif text == target.read_text():
            print(f'{name}: as committed')
        else:
            differs = True
            print(f'{name}: differs from {target}')
            sys.stdout.write(text)
    return 1 if differs else 0


if __name__ == '__main__':
    sys.exit(main())
