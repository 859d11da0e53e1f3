"""Runs a notebook without any audit, in a real kernel, and tells which distributions each of its cells loads.

    .cache/venv/public/bin/python tests/public/witness.py NOTEBOOK.ipynb        prints JSON, in the notebook's folder

    {"before": {…}, "cells": [{…}, …], "loaded": {name: version, …}}

`before` and `cells` hold the names of distributions, of which a file other than metadata was opened: by an audit hook within the kernel, for Python's
own `open` and for extension modules, and by what sys.modules grew by. A file is a distribution's where its RECORD lists it; the standard library's is
`python`. `loaded` is what sys.modules holds in the end. What a library's C code opens does not show here.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

hook = '''
def _testify(log):
    import os, sys, importlib.metadata
    out = open(log, 'w', buffering=1)
    state = {'inside': False, 'number': 0, 'modules': set()}

    def modules():
        """The files of modules that were not there before."""
        files = set()
        for name, module in list(sys.modules.items()):
            if name in state['modules']:
                continue
            state['modules'].add(name)
            file = getattr(module, '__file__', None)
            if isinstance(file, str):
                files.add(file)
        return files

    def tell(path):
        out.write(f"{state['number']}\\t{os.path.abspath(path)}\\n")

    for file in modules():
        tell(file)

    def seen(event, args):
        if state['inside']:
            return
        path = args[0] if event == 'open' else args[1] if event == 'import' else None
        if not isinstance(path, (str, bytes)):
            return
        state['inside'] = True
        tell(os.fsdecode(path))
        state['inside'] = False

    def begin(info):
        state['number'] += 1

    def end(result):
        for file in modules():
            tell(file)

    ipython = get_ipython()
    ipython.events.register('pre_run_cell', begin)
    ipython.events.register('post_run_cell', end)
    sys.addaudithook(seen)
'''


def owners():
    """Distributions by the files that their RECORDs list, sources for bytecode."""
    from importlib.metadata import distributions

    found, versions = {}, {}
    for one in distributions():
        name = one.metadata['Name']
        versions[name] = one.version
        for file in one.files or []:
            if '.dist-info/' not in str(file) and not str(file).endswith('.pth'):
                found[os.path.realpath(one.locate_file(file))] = name
    return found, versions


def main():
    notebook = Path(sys.argv[1]).resolve()
    log = Path(f'{notebook}.log')
    manager = KernelManager(kernel_name='python3', shutdown_wait_time=1)
    argv = [sys.executable, '-m', 'ipykernel_launcher', '-f', '{connection_file}']
    manager._kernel_spec = KernelSpec(argv=argv, language='python', display_name='public')
    env = {name: value for name, value in os.environ.items() if not name.startswith(('PYTHON', 'MPL'))}
    manager.start_kernel(cwd=str(notebook.parent), env=env, stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    cells = [''.join(cell['source']) for cell in json.loads(notebook.read_text())['cells'] if cell['cell_type'] == 'code']
    try:
        client.wait_for_ready(timeout=120)
        start = f'{hook}\n_testify({str(log)!r})\ndel _testify'
        for source, silent in [(start, True), *((cell, False) for cell in cells)]:
            quiet = {'output_hook': lambda message: None, 'allow_stdin': False, 'timeout': 300}
            reply = client.execute_interactive(source, silent=silent, store_history=not silent, **quiet)
            assert reply['content']['status'] == 'ok', reply['content']
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    found, versions = owners()
    library = os.path.realpath(os.path.dirname(os.__file__))
    opened = [set() for _ in range(len(cells) + 1)]
    for line in log.read_text().splitlines():
        number, path = line.split('\t', 1)
        path = os.path.realpath(path)
        folder, base = os.path.split(path)
        if os.path.basename(folder) == '__pycache__':
            path = os.path.join(os.path.dirname(folder), base.split('.', 1)[0] + '.py')
        if path in found:
            opened[int(number)].add(found[path])
        elif path.startswith(library + os.sep) and '-packages' + os.sep not in path:
            opened[int(number)].add('python')
    log.unlink()
    loaded = {name: versions[name] for names in opened for name in names if name != 'python'}
    json.dump({'before': sorted(opened[0]), 'cells': [sorted(names) for names in opened[1:]], 'loaded': loaded}, sys.stdout)


if __name__ == '__main__':
    main()
