"""ipyparallel: a task is a message to an engine, of `apply` one call or one part of a map, of `execute` a piece of code.

An engine is a worker, and a program of its own. What is broadcast is a task for each engine, below one id.
"""

import posix
import sys


def patches(agent):
    mark, keep_name = agent.mark, agent.keep_name

    def client(module):
        made = module.Client.create_message_futures

        def create_message_futures(self, msg_id, header, *rest, **options):
            futures = made(self, msg_id, header, *rest, **options)
            try:
                kind = header["msg_type"]
                sender = sys._getframe(1)
                # On the thread of who submits, and it has not been sent yet. Those of a broadcast's parts come later.
                if kind in ("apply_request", "execute_request") and sender.f_code.co_name == "_send":
                    parts = (sender.f_locals.get("metadata") or {}).get("is_broadcast")
                    name = function_of(sender) if kind == "apply_request" else None
                    task = f"submit/{'group' if parts else 'task'}/ipyparallel.{agent.encoded(msg_id)}"
                    mark(task if name is None else f"{task}//{name}")
            except Exception as error:
                agent.fault(module.__name__, error)
            return futures

        module.Client.create_message_futures = keep_name(create_message_futures, made)

    def function_of(frame):
        """What was pickled before it came so far is known further up."""
        for _ in range(20):
            if frame is None:
                return None
            known, name = frame.f_locals, frame.f_code.co_name
            function = None
            if name == "__call__":
                function = getattr(known.get("self"), "func", None)
            elif name in ("_really_apply", "send_apply_request") or "pf" in known:
                function = known.get("f")
            kind = type(function).__name__
            if function is not None and kind != "PrePickled":
                return agent.called(function.func if kind == "dependent" else function)
            frame = frame.f_back
        return None

    def launcher(module):
        local = module.LocalEngineLauncher
        words = local.find_args

        def find_args(self):
            return [*agent.before_worker(), *words(self)]

        local.find_args = keep_name(find_args, words)

    def kernel(module):
        engine = module.IPythonParallelKernel
        made, applies, executes = engine.__init__, engine.do_apply, engine.do_execute

        def __init__(self, *rest, **options):
            mark(f"begin/worker/ipyparallel.{posix.getpid()}")
            made(self, *rest, **options)

        engine.__init__ = keep_name(__init__, made)

        def task_of(message, notes):
            """An engine's part of a broadcast is called by the message that was sent, and by what was added to that."""
            start = (notes.get("original_msg_id") or "") if notes.get("is_broadcast") else ""
            if start and message.startswith(f"{start}_"):
                return f"ipyparallel.{agent.encoded(start)}.{agent.encoded(message[len(start) + 1 :])}"
            return f"ipyparallel.{agent.encoded(message)}"

        def do_apply(self, content, bufs, msg_id, reply_metadata):
            task = task_of(msg_id, reply_metadata)
            mark(f"begin/task/{task}")
            try:
                return applies(self, content, bufs, msg_id, reply_metadata)
            finally:
                mark(f"end/task/{task}")

        engine.do_apply = keep_name(do_apply, applies)

        async def do_execute(self, *rest, **options):
            try:
                parent = self.get_parent("shell")
                task = task_of(parent["header"]["msg_id"], parent.get("metadata") or {})
            except Exception as error:
                agent.fault(module.__name__, error)
                return await executes(self, *rest, **options)
            return await agent.Steps(executes(self, *rest, **options), f"begin/task/{task}", f"end/task/{task}")

        engine.do_execute = keep_name(do_execute, executes)

    return {
        "ipyparallel.client.client": client,
        "ipyparallel.cluster.launcher": launcher,
        "ipyparallel.engine.kernel": kernel,
    }
