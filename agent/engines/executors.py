"""concurrent.futures and loky: a task is what was submitted at a time; of `map` with a chunk size, a chunk."""

import itertools
import posix
import sys


# What libraries hand to threads of their own accord is no work of the user's.
PLUMBING = {"socket", "asyncio", "distributed", "tornado", "zmq", "ipykernel", "jupyter_client", "parsl"}


def is_plumbing(function):
    where = getattr(function, "__module__", None)
    return type(where) is str and where.split(".", 1)[0] in PLUMBING


def patches(agent):
    mark = agent.mark

    def processes(engine):
        def patch(module):
            loop = module._process_worker

            def _process_worker(call_queue, *rest, **options):
                prefix = f"{engine}.{agent.pipe_of(call_queue)}"
                inbox = agent.Inbox(call_queue, prefix, lambda item: (item.work_id, item.fn))
                mark(f"begin/worker/{prefix}.{posix.getpid()}")
                try:
                    return loop(inbox, *rest, **options)
                finally:
                    inbox.close()

            module._process_worker = agent.keep_name(_process_worker, loop)
            made = module._WorkItem.__init__

            def __init__(self, future, fn, *rest, **options):
                made(self, future, fn, *rest, **options)
                try:
                    # `submit` makes it under the executor's lock: the number that it is about to give is this one's.
                    executor = sys._getframe(1).f_locals["self"]
                    agent.submit(f"{engine}.{agent.pipe_of(executor._call_queue)}.{executor._queue_count}", fn)
                except Exception as error:
                    agent.fault(module.__name__, error)

            module._WorkItem.__init__ = agent.keep_name(__init__, made)

        return patch

    def threads(module):
        item = module._WorkItem
        made, run = item.__init__, item.run
        count = itertools.count()

        def __init__(self, future, fn, *rest, **options):
            made(self, future, fn, *rest, **options)
            try:
                # From Python 3.14 on the function comes with its arguments.
                function = fn[0] if type(fn) is tuple else fn
                if is_plumbing(agent.innermost(function)):
                    return
                self._cellar = (f"thread.{posix.getpid()}.{next(count)}", agent.called(function))
                mark(f"submit/task/{self._cellar[0]}//{self._cellar[1]}")
            except Exception as error:
                agent.fault(module.__name__, error)

        def run_marked(self, *context):
            told = getattr(self, "_cellar", None)
            if told is None:
                return run(self, *context)
            task, function = told
            mark(f"begin/task/{task}//{function}")
            try:
                return run(self, *context)
            finally:
                mark(f"end/task/{task}")

        item.__init__ = agent.keep_name(__init__, made)
        item.run = agent.keep_name(run_marked, run)

    return {
        "concurrent.futures.process": processes("futures"),
        "concurrent.futures.thread": threads,
        "loky.process_executor": processes("loky"),
        "joblib.externals.loky.process_executor": processes("loky"),
    }
