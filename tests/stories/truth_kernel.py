"""The witness within the kernel: an audit hook that writes down every file below the notebook's folder that Python opens.

`truth.py` runs this in the kernel before the first cell. Each line of its log is JSON. `cell` is the cell in which the thread,
process or task that does it was born, `during` the cell that is active meanwhile; nothing here knows of system calls.
"""

import contextvars
import json
import mmap
import os
import sys
import threading


def _testify(folder, log, ipython):
    root = os.path.realpath(folder)
    out = os.open(log, os.O_WRONLY | os.O_APPEND)
    # Shared with forked children: the number of the cell that is active, 0 between two cells.
    active = mmap.mmap(-1, 1)
    # A coroutine is started with a copy of the context that it was made in.
    born = contextvars.ContextVar('cell', default=None)
    thread_born = {}
    inside = threading.local()
    state = {'number': 0, 'depth': 0, 'fork': None, 'main': threading.main_thread().ident, 'pid': os.getpid()}

    def tell(**fact):
        os.write(out, (json.dumps(fact) + '\n').encode())

    def scope():
        """The cell to which whatever this thread does now belongs, and what it is."""
        here = threading.get_ident()
        if here in thread_born:
            return thread_born[here], 'forked child' if state['fork'] is not None else 'thread'
        if state['fork'] is not None:
            return state['fork'], 'forked child'
        if here != state['main']:
            return None, 'kernel'
        cell = born.get()
        return cell, 'kernel' if cell == active[0] else 'coroutine'

    def below(path):
        path = os.path.abspath(os.fsdecode(path))
        return os.path.relpath(path, root) if path.startswith(root + os.sep) or path == root else None

    def seen(event, args):
        if event == 'open':
            path, _, flags = args
            if isinstance(path, int) or path is None:
                return
            name = below(path)
            if name is None:
                return
            writes = flags & os.O_ACCMODE != os.O_RDONLY
            if not writes and not os.path.isfile(path):
                return
            note(('read', 'write', 'readwrite')[flags & os.O_ACCMODE], name)
        elif event in ('os.listdir', 'os.scandir'):
            # Whatever imports next, or asks for a distribution's version, lists the folders of sys.path: not the notebook's doing.
            if 'importlib' in sys._getframe(2).f_code.co_filename:
                return
            path = '.' if args[0] is None else args[0]
            if not isinstance(path, int) and below(path) is not None:
                note('list', below(path))
        elif event == 'os.rename':
            old, new = below(args[0]), below(args[1])
            if old is not None or new is not None:
                cell, by = scope()
                tell(event='rename', cell=cell, by=by, old=old, new=new, during=active[0])
        elif event == 'os.remove' and below(args[0]) is not None:
            note('remove', below(args[0]))
        elif event == 'subprocess.Popen':
            # What this process is about to start belongs to the scope of the thread that starts it.
            os.environ['CELLAR_STORY_CELL'] = str(scope()[0])

    def note(how, path):
        cell, by = scope()
        tell(event=how, cell=cell, by=by, path=path, during=active[0])

    def hook(event, args):
        if getattr(inside, 'hook', False):
            return
        inside.hook = True
        try:
            seen(event, args)
        except Exception as error:
            tell(event='fault', what=f'{event} {args!r}: {error!r}')
        finally:
            inside.hook = False

    def after_fork():
        state['fork'] = state['forking']
        state['main'] = threading.get_ident()
        thread_born.clear()

    def before_fork():
        state['forking'] = scope()[0]

    start = threading.Thread.start
    bootstrap = threading.Thread._bootstrap_inner

    def started(thread):
        thread._story_cell = scope()[0]
        start(thread)

    def bootstrapped(thread):
        cell = getattr(thread, '_story_cell', None)
        if cell is not None:
            thread_born[threading.get_ident()] = cell
        bootstrap(thread)
        thread_born.pop(threading.get_ident(), None)

    threading.Thread.start = started
    threading.Thread._bootstrap_inner = bootstrapped
    os.register_at_fork(before=before_fork, after_in_child=after_fork)

    def modules():
        names = set()
        for name, module in list(sys.modules.items()):
            file = getattr(module, '__file__', None)
            if '.' in name or name.startswith('_') or name in sys.stdlib_module_names or file is None:
                continue
            if 'site-packages' in file or below(file) is not None:
                names.add(name)
        return names

    known = modules()

    def begin(info):
        # A cell magic such as %%capture runs its body as a cell within the cell.
        state['depth'] += 1
        if state['depth'] == 1:
            state['number'] += 1
            born.set(state['number'])
            active[0] = state['number']

    def end(result):
        state['depth'] -= 1
        if state['depth'] > 0:
            return
        new = sorted(modules() - known)
        known.update(new)
        tell(event='cell', number=state['number'], imports=new)
        active[0] = 0

    os.environ['CELLAR_STORY_LOG'] = log
    ipython.events.register('pre_run_cell', begin)
    ipython.events.register('post_run_cell', end)
    sys.addaudithook(hook)
