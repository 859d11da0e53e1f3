"""Ray: a task is a call of a remote function or of an actor's method, its attempts are Ray's.

A worker is a process that the raylet starts. The raylet has the command of Ray's own set-up program, which becomes the worker: the agent
is in both, and the first hands it on to the second.
"""

import functools
import inspect
import posix
import sys

WORKER = "default_worker.py"


def patches(agent):
    mark, keep_name = agent.mark, agent.keep_name

    def services(module):
        starts = module.start_ray_process
        option = "--python_worker_command="

        def start_ray_process(command, *rest, **options):
            try:
                from subprocess import list2cmdline

                python = f"{option}{list2cmdline([sys.executable])} "
                brought = f"{python}{list2cmdline(agent.before_script())} "
                command = [f"{brought}{word[len(python) :]}" if word.startswith(python) else word for word in command]
            except Exception as error:
                agent.fault(module.__name__, error)
            return starts(command, *rest, **options)

        module.start_ray_process = keep_name(start_ray_process, starts)

    def context(module):
        becomes = module.RuntimeEnvContext.exec_worker

        def exec_worker(self, passthrough_args, *rest, **options):
            try:
                # Ray's own options of Python come first. In a container our files need not be.
                at = next(at for at, word in enumerate(passthrough_args) if not word.startswith("-"))
                if passthrough_args[at].endswith(WORKER) and not self.override_worker_entrypoint:
                    passthrough_args = [*passthrough_args[:at], *agent.before_script(), *passthrough_args[at:]]
            except Exception as error:
                agent.fault(module.__name__, error)
            return becomes(self, passthrough_args, *rest, **options)

        module.RuntimeEnvContext.exec_worker = keep_name(exec_worker, becomes)

    def submitting(module, kind, ids):
        """Its wrapper stands in the traceback of a call that Ray refuses: nothing that could be wrapped knows the task's id."""
        base = getattr(module, kind)
        sends = base._remote

        def _remote(self, *rest, **options):
            __tracebackhide__ = True
            told = sends(self, *rest, **options)
            try:
                for task in ids(self, told):
                    mark(f"submit/task/ray.{task}")
            except Exception as error:
                agent.fault(module.__name__, error)
            return told

        base._remote = keep_name(_remote, sends)

    def tasks_of(_, told):
        """Of a call with several results each is of the same task; of one whose results are fetched as they come, the first is asked."""
        first = told[0] if type(told) is list and told else told
        first = getattr(first, "_generator_ref", first)
        return [first.task_id().hex()] if hasattr(first, "task_id") else []

    def creation_of(_, handle):
        return ["f" * 16 + handle._actor_id.hex()]

    def functions(module):
        main = sys.modules["__main__"]
        if getattr(main, "__file__", "").rpartition("/")[2] != WORKER:
            return
        manager = module.FunctionActorManager
        gets = manager.get_execution_info
        # By the function, with which it is kept: the same for all of its tasks.
        marked = {}

        def get_execution_info(self, *rest):
            info = gets(self, *rest)
            try:
                known = marked.get(id(info))
                if known is None:
                    known = marked[id(info)] = (info, info._replace(function=around(info.function)))
                return known[1]
            except Exception as error:
                agent.fault(module.__name__, error)
                return info

        manager.get_execution_info = keep_name(get_execution_info, gets)
        mark(f"begin/worker/ray.{posix.getpid()}")

    def marks_of(function):
        worker = sys.modules["ray"]._private.worker.global_worker
        task = f"ray.{worker.current_task_id.hex()}"
        number = getattr(worker.core_worker, "get_current_task_attempt_number", None)
        if number is not None:
            task = f"{task}/{number() + 1}"
        return f"begin/task/{task}{'/' if number is not None else '//'}{function}", f"end/task/{task}"

    def around(function):
        name = agent.called(getattr(function, "method", None) or function)

        @functools.wraps(function)
        def marking(*rest, **options):
            try:
                begin, end = marks_of(name)
            except Exception as error:
                agent.fault("ray", error)
                return function(*rest, **options)
            mark(begin)
            try:
                told = function(*rest, **options)
            finally:
                mark(end)
            if inspect.iscoroutine(told):
                return steps(told, begin, end)
            return parts(told, begin, end) if inspect.isgenerator(told) else told

        return marking

    async def steps(coroutine, begin, end):
        return await agent.Steps(coroutine, begin, end)

    def parts(generator, begin, end):
        mark(begin)
        try:
            return (yield from generator)
        finally:
            mark(end)

    return {
        "ray._private.services": services,
        "ray._private.runtime_env.context": context,
        "ray._private.function_manager": functions,
        "ray.remote_function": lambda module: submitting(module, "RemoteFunction", tasks_of),
        "ray.actor": lambda module: (
            submitting(module, "ActorMethod", tasks_of),
            submitting(module, "ActorClass", creation_of),
        ),
    }
