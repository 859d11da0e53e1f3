"""multiprocessing: Pool, ThreadPool and Process.

A task of a pool is what its worker takes from the queue at a time: one call of `apply`, one chunk of `map`.
"""

import posix
import sys

# More than that are told as one group: its tasks are then counted in the order in which they begin.
EACH = 1000
# Processes that are an engine's workers or servers run no task of the user's.
ENGINES = {"multiprocessing", "concurrent", "joblib", "loky", "distributed", "parsl"}
# The same of those that are made by an engine's own script.
SCRIPTS = {"process_worker_pool.py"}


def patches(agent):
    mark, submit, called = agent.mark, agent.submit, agent.called

    def prefix_of(queue):
        # The pool of threads has no pipe; job numbers are the process's own.
        return f"pool.{agent.pipe_of(queue) or posix.getpid()}"

    def task_of(item):
        job, number, function, arguments, _ = item
        if getattr(function, "__module__", None) == "multiprocessing.pool" and function.__name__ in ("mapstar", "starmapstar"):
            function = arguments[0][0]
        return f"{job}.{number or 0}", function

    def pool(module):
        loop = module.worker

        def worker(inqueue, *rest, **options):
            inbox = agent.Inbox(inqueue, prefix_of(inqueue), task_of)
            if agent.pipe_of(inqueue) is not None:
                mark(f"begin/worker/{inbox._prefix}.{posix.getpid()}")
            try:
                return loop(inbox, *rest, **options)
            finally:
                inbox.close()

        module.worker = agent.keep_name(worker, loop)

        def submitting(result, length):
            """Called by the constructor of a result, which the method that the user called makes: it knows the function."""

            made = result.__init__

            def __init__(self, pool, *rest, **options):
                made(self, pool, *rest, **options)
                try:
                    told(self, pool, sys._getframe(1).f_locals.get("func"))
                except Exception as error:
                    agent.fault("multiprocessing.pool", error)

            def told(self, pool, function):
                count = length(self)
                if count is None:
                    return
                task = f"{prefix_of(pool._inqueue)}.{self._job}"
                if count > EACH:
                    mark(f"submit/group/{task}//{called(function)}")
                for number in range(count if count <= EACH else 0):
                    submit(f"{task}.{number}", function)

            result.__init__ = agent.keep_name(__init__, made)

        # How many tasks each makes: a map's constructor calls that of ApplyResult, an iterator's tasks are as many as it yields.
        submitting(module.ApplyResult, lambda self: 1 if type(self) is module.ApplyResult else None)
        submitting(module.MapResult, lambda self: self._number_left)
        submitting(module.IMapIterator, lambda self: EACH + 1)

    def process(module):
        def task_id(self):
            return ".".join(map(str, ("process", self._parent_pid, *self._identity)))

        def is_engines(self):
            where = getattr(self._target, "__module__", None)
            if type(where) is not str:
                return False
            if where in ("__main__", "__mp_main__"):
                return agent.file_of(self._target) in SCRIPTS
            return where.split(".", 1)[0] in ENGINES

        def function_of(self):
            return type(self) if self._target is None else self._target

        # `start` calls it just before it makes the process. A wrapper around `start` would stand in the user's tracebacks.
        cleaned = module._cleanup

        def _cleanup():
            cleaned()
            try:
                caller = sys._getframe(1)
                self = caller.f_locals.get("self")
                if caller.f_code.co_name == "start" and isinstance(self, base) and not is_engines(self):
                    submit(task_id(self), function_of(self))
            except Exception as error:
                agent.fault("multiprocessing.process", error)

        module._cleanup = agent.keep_name(_cleanup, cleaned)

        base = module.BaseProcess
        boot = base._bootstrap

        def _bootstrap(self, *rest, **options):
            if is_engines(self):
                # A server that holds what processes share looks like a worker by its birth.
                if getattr(self._target, "__module__", None) == "multiprocessing.managers":
                    mark("end/worker/?")
                return boot(self, *rest, **options)
            task = task_id(self)
            mark(f"begin/worker/{task}")
            mark(f"begin/task/{task}//{called(function_of(self))}")
            try:
                return boot(self, *rest, **options)
            finally:
                mark(f"end/task/{task}")

        base._bootstrap = agent.keep_name(_bootstrap, boot)

    return {"multiprocessing.pool": pool, "multiprocessing.process": process}
