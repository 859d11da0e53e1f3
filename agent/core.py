"""The agent: marks tasks and workers on the threads that run them, and does nothing else.

Runs by `exec`, with CORE (this text), ENGINES (by name: the modules that it patches, and its text), NONCE, FOLDER (of the agent's
files) and RUN (the run's folder, or nothing) as globals: in the kernel and in engines' workers by launch.py, in processes that Python's pools spawn by what multiprocessing
hands them. It is no module, imports none that
the program has not, and whatever fails in it is marked as a fault and changes nothing for the program.
"""

import posix
import sys

_access = posix.access
_safe = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.,")
_longest = 200
_names = {}
_function = type(lambda: None)


def mark(words):
    """A mark is a look at a path that cannot exist: it stands in the trace between the calls that it parts."""
    _access(f"/.cellar/{NONCE}/{words}", 0)


def encoded(word):
    """An id or a name as it stands in a mark; what is too long is told by its hash."""
    data = word.encode("utf-8", "surrogatepass")
    text = "".join(chr(byte) if byte in _safe else f"%{byte:02X}" for byte in data)
    if len(text) <= _longest:
        return text
    from hashlib import sha256

    return "sha256-" + sha256(data).hexdigest()


def submit(task, function):
    mark(f"submit/task/{task}//{called(function)}")


def innermost(function):
    """What is called in the end, of partials and of what engines put around a function."""
    for _ in range(8):
        inner = None if type(function) is _function else _inside(function)
        if inner is None:
            break
        function = inner
    return function


def called(function):
    """The name of what a task runs, without asking the user's objects for more than that; encoded."""
    function = innermost(function)
    name = function.__qualname__ if type(function) is _function else _name_of(function)
    known = _names.get(name)
    if known is None:
        # Nobody reads longer ones, and a hash says nothing.
        known = encoded(name[:60])
        if len(_names) < 1000:
            _names[name] = known
    return known


def file_of(function):
    """The name of the file that a function was written in, whatever was put around it; none of what is no function."""
    for _ in range(8):
        inner = getattr(function, "__wrapped__", None)
        if inner is None:
            break
        function = inner
    return function.__code__.co_filename.rpartition("/")[2] if type(function) is _function else ""


# What stands around the user's function, by the name of its type: where the function is in it.
_around = {
    "functools.partial": lambda partial: partial.args[0] if _name_of(partial.func) in _helpers else partial.func,
    "builtins.method": lambda method: method.__func__,
    "joblib.parallel.BatchedCalls": lambda calls: calls.items[0][0],
    "joblib._utils._TracebackCapturingWrapper": lambda wrapper: wrapper.func,
    "joblib._parallel_backends.SafeFunction": lambda wrapper: wrapper.func,
}
# What calls its first argument: a chunk of an executor's `map`, and a function in the context of its submission.
_helpers = {"_process_chunk", "Context.run"}


def _name_of(function):
    try:
        # Past what the type may do to answer for names that it has not.
        name = object.__getattribute__(function, "__qualname__")
    except AttributeError:
        name = None
    return name if type(name) is str else type(function).__qualname__


def _inside(function):
    kind = type(function)
    look = _around.get(f"{kind.__module__}.{kind.__qualname__}")
    if look is None and kind.__qualname__ == "CloudpickledObjectWrapper":
        return function.__dict__.get("_obj")
    return None if look is None else look(function)


def keep_name(new, old):
    """Spawned children look a worker's loop up by its name."""
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(new, attribute, getattr(old, attribute))
    new.__wrapped__ = old
    return new


def pipe_of(queue):
    """One number for a queue in the manager and in its workers, however these were started; None where it is no pipe."""
    reader = getattr(queue, "_reader", None)
    return None if reader is None else posix.fstat(reader.fileno()).st_ino


class Inbox:
    """Stands for a worker's queue: marks when bytes have arrived, which task they turn out to be, and its end with the next call."""

    def __init__(self, queue, prefix, told):
        self._queue = queue
        self._prefix = prefix
        self._told = told
        self._open = None
        reader = getattr(queue, "_reader", None)
        if reader is not None:
            receive = reader._recv_bytes

            def received(*size):
                data = receive(*size)
                self._begin("?")
                return data

            reader._recv_bytes = received
        self._get = queue.get

    def get(self, *how, **options):
        self.close()
        item = self._get(*how, **options)
        try:
            told = None if item is None else self._told(item)
            if told is None:
                self.close()
            else:
                number, function = told
                self._begin(f"{self._prefix}.{number}", None if function is None else called(function))
        except Exception as error:
            fault(self._prefix, error)
        return item

    def _begin(self, task, function=None):
        self._open = task
        mark(f"begin/task/{task}" if function is None else f"begin/task/{task}//{function}")

    def close(self):
        if self._open is not None:
            mark(f"end/task/{self._open}")
            self._open = None

    def __getattr__(self, name):
        return getattr(self._queue, name)


class Steps:
    """A coroutine on a thread that it shares: each of its steps is between marks of its own."""

    def __init__(self, coroutine, begin, end):
        self.coroutine, self.begin, self.end = coroutine, begin, end

    def __await__(self):
        steps = self.coroutine.__await__()
        value = error = None
        while True:
            mark(self.begin)
            try:
                waits = steps.send(value) if error is None else steps.throw(error)
            except StopIteration as stop:
                return stop.value
            finally:
                mark(self.end)
            value = error = None
            try:
                value = yield waits
            except BaseException as thrown:
                error = thrown


def fault(what, error):
    mark(f"fault/group/{encoded(what)}//{type(error).__name__}")


class Carrier:
    """Brings the agent into a spawned process: what it is pickled as runs this text there, before the program's own modules."""

    def __reduce__(self):
        told = {"CORE": CORE, "ENGINES": ENGINES, "NONCE": NONCE, "FOLDER": FOLDER, "RUN": RUN}
        return exec, (CORE, {"__name__": "_cellar", **told})


def _told():
    """The word that hands the run to an agent that launch.py brings."""
    return f"{NONCE}:{RUN}" if RUN else NONCE


def before_worker():
    """The words before the command of a worker that an engine starts on this machine as a program of its own: they bring the agent in."""
    return [f"{FOLDER}/worker.sh", _told()]


def before_script():
    """The words between Python and its script, or `-m`: they bring the agent into it."""
    return [f"{FOLDER}/launch.py", _told()]


# What makes of a command several, or more than a command.
_beyond = frozenset(";|&<>(){}`\n")


_jobs = [0]


def in_job(engine, command):
    """A batch job's command of a worker, for a shell: with a log of its own for the run where the job's host sees that, and as it is elsewhere.

    It has no `$`: launchers write it into scripts by way of another shell. None where that cannot be, for the command is more than one.
    The job is marked by a name, which its worker tells too: of those that start none, the run knows.
    """
    if not RUN or not _beyond.isdisjoint(command):
        return None
    from shlex import quote

    _jobs[0] += 1
    job = f"job.{engine}.{posix.getpid()}.{_jobs[0]}"
    mark(f"submit/group/{job}")
    script = quote(f"{RUN}/worker.sh")
    return f"if test -r {script}; then exec sh {script} {job} {command}; fi; {command}"


def _carry(module):
    prepared = module.get_preparation_data

    def get_preparation_data(*name, **options):
        data = prepared(*name, **options)
        # Whoever reads it asks for the keys that it knows.
        data["_cellar"] = Carrier()
        return data

    module.get_preparation_data = keep_name(get_preparation_data, prepared)


_patches = {f"{package}.spawn": _carry for package in ("multiprocessing", "loky.backend", "joblib.externals.loky.backend")}
_opened = {}


def _patch_by(engine):
    """The patch of a module by an engine's file, which is read when the first of its modules is there."""

    def patch(module):
        if engine not in _opened:
            here = {"__name__": "_cellar"}
            exec(compile(ENGINES[engine][1], f"<cellar {engine}>", "exec"), here)
            _opened[engine] = here["patches"](Agent)
        _opened[engine][module.__name__](module)

    return patch


class Agent:
    """What an engine's file works with."""

    mark = staticmethod(mark)
    submit = staticmethod(submit)
    called = staticmethod(called)
    innermost = staticmethod(innermost)
    file_of = staticmethod(file_of)
    encoded = staticmethod(encoded)
    keep_name = staticmethod(keep_name)
    pipe_of = staticmethod(pipe_of)
    fault = staticmethod(fault)
    before_worker = staticmethod(before_worker)
    before_script = staticmethod(before_script)
    in_job = staticmethod(in_job)
    Inbox = Inbox
    Steps = Steps


def _apply(name, module):
    patch = _patches.pop(name, None)
    if patch is None:
        return
    try:
        patch(module)
    except Exception as error:
        # An engine of a version that is made otherwise runs unmarked, and the run says so.
        fault(name, error)


class Finder:
    """First in sys.meta_path: patches a module right after it has run, when the program imports it."""

    _cellar = True

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in _patches:
            return None
        for finder in sys.meta_path:
            spec = None if finder is Finder or not hasattr(finder, "find_spec") else finder.find_spec(name, path, target)
            if spec is not None:
                return _watched(name, spec)
        return None


def _watched(name, spec):
    loader = spec.loader
    run = getattr(loader, "exec_module", None)
    if run is not None:

        def exec_module(module):
            # The loader may be seen by the program: it is as it was.
            del loader.exec_module
            run(module)
            _apply(name, module)

        loader.exec_module = exec_module
    return spec


def _begin():
    if any(getattr(finder, "_cellar", False) for finder in sys.meta_path):
        return
    for engine, (modules, _) in ENGINES.items():
        for name in modules:
            _patches[name] = _patch_by(engine)
    sys.meta_path.insert(0, Finder)
    for name in list(_patches):
        if name in sys.modules:
            _apply(name, sys.modules[name])


_begin()
