"""Parsl's HighThroughputExecutor: a task is a call of an app, its attempts are Parsl's tries.

A worker is one process of a worker pool. A worker knows a task by the number that its executor gave it; which task and try that is
is linked in the kernel, just before it is sent.
"""

import _thread
import itertools
import posix
import sys

SCRIPT = "process_worker_pool.py"


def patches(agent):
    mark, keep_name = agent.mark, agent.keep_name
    flows = itertools.count()
    # The task, and its try, that each thread is launching.
    launching = {}

    def task_id(record):
        flow = record["dfk"]
        number = getattr(flow, "_cellar", None)
        if number is None:
            number = flow._cellar = f"{posix.getpid()}.{next(flows)}"
        return f"parsl.{number}.{record['id']}"

    def name_of(record):
        name = agent.encoded(record["func_name"][:60])
        full = agent.called(record["func"])
        # What Parsl puts around a function has that one's short name, and at times its own long one.
        return full if full.rpartition(".")[2] == name else name

    def executor_id(folder):
        """An executor, by the folder of its workers' logs: the kernel and the workers know it."""
        from binascii import crc32

        return f"parsl.executor{crc32(folder.encode()):08x}"

    def futures(module):
        made = module.AppFuture.__init__

        def __init__(self, task_def, *rest, **options):
            made(self, task_def, *rest, **options)
            try:
                # Made by DataFlowKernel.submit, on the user's thread. A wrapper around that would stand in the user's tracebacks.
                mark(f"submit/task/{task_id(task_def)}//{name_of(task_def)}")
            except Exception as error:
                agent.fault(module.__name__, error)

        module.AppFuture.__init__ = keep_name(__init__, made)

    def flow(module):
        launches = module.DataFlowKernel.launch_task

        def launch_task(self, task_record, *rest):
            try:
                task, thread = task_id(task_record), _thread.get_ident()
                mark(f"begin/group/{task}")
                launching[thread] = f"{task}/{task_record['fail_count'] + 1}"
            except Exception as error:
                agent.fault(module.__name__, error)
                return launches(self, task_record, *rest)
            try:
                return launches(self, task_record, *rest)
            finally:
                del launching[thread]
                mark(f"end/group/{task}")

        module.DataFlowKernel.launch_task = keep_name(launch_task, launches)

    def pipes(module):
        base = module.TasksOutgoing
        sends = base.put

        def put(self, message, *rest):
            try:
                # Its number is known, and it has not been sent.
                sender = sys._getframe(1).f_locals["self"]
                number = f"{executor_id(sender.worker_logdir)}.{message['task_id']}"
                task = launching.get(_thread.get_ident())
                mark(f"submit/task/{number}" if task is None else f"link/task/{task}/{number}")
            except Exception as error:
                agent.fault(module.__name__, error)
            return sends(self, message, *rest)

        base.put = keep_name(put, sends)

    def executor(module):
        base = module.HighThroughputExecutor
        command = base._get_launch_command

        def _get_launch_command(self, *rest, **options):
            words = command(self, *rest, **options)
            from shlex import join, quote

            # What another provider starts runs on a host that need not have our files: what a batch system does has them mostly.
            kinds = {kind.__name__ for kind in type(self.provider).__mro__}
            if "LocalProvider" in kinds:
                return f"{join(agent.before_worker())} {words}"
            within = agent.in_job("parsl", words) if "ClusterProvider" in kinds else None
            # One command: launchers put words of their own before it.
            return words if within is None else f"sh -c {quote(within)}"

        base._get_launch_command = keep_name(_get_launch_command, command)

    def worker(module):
        """The script is no module that is imported: it is patched by way of what it starts its workers with, when it imports this one."""
        if sys.argv[0].rpartition("/")[2] != SCRIPT:
            return
        base = sys.modules["multiprocessing.process"].BaseProcess
        runs = base.run

        def run(self):
            if agent.file_of(self._target) == SCRIPT:
                # What the tasks start runs without it.
                base.run = runs
                try:
                    begin(self)
                except Exception as error:
                    agent.fault(module.__name__, error)
            return runs(self)

        base.run = keep_name(run, runs)

    def begin(process):
        code = getattr(process._target, "__wrapped__", process._target).__code__
        given = dict(zip(code.co_varnames[: code.co_argcount], process._args, strict=True))
        name = executor_id(given["logdir"])
        inbox = agent.Inbox(given["task_queue"], name, lambda item: (item["task_id"], None))
        process._args = tuple(inbox if one is given["task_queue"] else one for one in process._args)
        mark(f"begin/worker/{name}.{agent.encoded(str(given['block_id']))}.{given['worker_id']}.{posix.getpid()}")

    return {
        "parsl.dataflow.futures": futures,
        "parsl.dataflow.dflow": flow,
        "parsl.executors.high_throughput.zmq_pipes": pipes,
        "parsl.executors.high_throughput.executor": executor,
        "parsl.executors.high_throughput.errors": worker,
    }
