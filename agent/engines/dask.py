"""Dask (distributed): a task is a key of a graph, its attempts are what the scheduler calls runs.

A worker is what Dask calls one: in a cluster of the notebook's own a process with a pool of threads, or some threads of the kernel. Each
graph carries its number to the workers as an annotation, so that a key that is computed again later is another task.
"""

import itertools
import posix
import sys

NOTE = "cellar"


def patches(agent):
    mark, encoded, keep_name = agent.mark, agent.encoded, agent.keep_name

    def client(module):
        import dask

        count = itertools.count()
        sends = module.Client._graph_to_futures.__code__
        told = dask.get_annotations
        if "get_annotations" not in sends.co_names:
            raise TypeError("annotations are merged elsewhere")

        # Asked for when a graph is sent, by what the user called. A wrapper around that would stand in the user's tracebacks.
        def get_annotations():
            notes = told()
            try:
                sender = sys._getframe(1)
                if sender.f_code is sends:
                    graph = f"{posix.getpid()}.{next(count)}"
                    mark(f"submit/group/dask.{graph}")
                    # Of other graphs the keys are those of the results, which need not be tasks.
                    if sender.f_back.f_code.co_name in ("submit", "map"):
                        for key in sender.f_locals["keys"]:
                            mark(f"submit/task/dask.{graph}.{encoded(str(key))}")
                    notes = {**notes, NOTE: graph}
            except Exception as error:
                agent.fault("distributed.client", error)
            return notes

        dask.get_annotations = keep_name(get_annotations, told)

    def function_of(task, key):
        function = getattr(task, "func", None)
        where = getattr(function, "__module__", None)
        if function is None or (type(where) is str and where.split(".", 1)[0] == "dask"):
            from dask.utils import key_split

            return encoded(key_split(key)[:60])
        return agent.called(function)

    def names_of(worker, task, key):
        """The task's id, and what stands behind it in a begin."""
        state = worker.state.tasks.get(key)
        graph = ((getattr(state, "annotations", None) or {}).get(NOTE)) or "0"
        name = f"dask.{graph}.{encoded(str(key))}/{getattr(state, 'run_id', 0)}"
        return name, f"{name}/{function_of(task, key)}"

    def worker(module):
        run, run_async, run_actor = module._run_task, module._run_task_async, module._run_actor
        calls = itertools.count()

        def marks_of(worker, task, key):
            try:
                end, begin = names_of(worker, task, key)
                return f"begin/task/{begin}", f"end/task/{end}"
            except Exception as error:
                agent.fault("distributed.worker", error)
                return None

        def _run_task(task, data, execution_state, key, *rest):
            marks = marks_of(execution_state["worker"], task, key)
            if marks is None:
                return run(task, data, execution_state, key, *rest)
            mark(marks[0])
            try:
                return run(task, data, execution_state, key, *rest)
            finally:
                mark(marks[1])

        async def _run_task_async(task, *rest):
            marks = marks_of(module._worker_cvar.get(), task, task.key)
            if marks is None:
                return await run_async(task, *rest)
            return await agent.Steps(run_async(task, *rest), *marks)

        def _run_actor(function, args, kwargs, execution_state, key, *rest):
            task = f"dask.actor.{posix.getpid()}.{next(calls)}"
            mark(f"begin/task/{task}//{encoded(str(key)[:60])}")
            try:
                return run_actor(function, args, kwargs, execution_state, key, *rest)
            finally:
                mark(f"end/task/{task}")

        module._run_task = keep_name(_run_task, run)
        module._run_task_async = keep_name(_run_task_async, run_async)
        module._run_actor = keep_name(_run_actor, run_actor)

        start = module.Worker.start_unsafe

        async def start_unsafe(self):
            started = await start(self)
            try:
                name = f"begin/worker/dask.{encoded(str(self.address))}"
                for executor in self.executors.values():
                    executor._cellar = name
                # In the kernel the event loop's thread is the scheduler's and the client's, too.
                if sys.modules["multiprocessing.process"].parent_process() is not None:
                    mark(name)
            except Exception as error:
                agent.fault("distributed.worker", error)
            return started

        module.Worker.start_unsafe = keep_name(start_unsafe, start)

    def threads(module):
        loop = module._worker

        def _worker(executor, *rest):
            # It is born in whatever ran then, and is the worker's.
            name = getattr(executor, "_cellar", None)
            if name is not None:
                mark(name)
            return loop(executor, *rest)

        module._worker = keep_name(_worker, loop)

    return {"distributed.client": client, "distributed.worker": worker, "distributed.threadpoolexecutor": threads}
