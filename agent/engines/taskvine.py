"""TaskVine: tells which cell submitted a task, and what it runs. What tasks do is told by the workers' traces, where no agent is.

A task is known by its manager and its number there, and a manager by its port: of a second one at the same port the numbers come again.
Workers see the port alone, and when they reached it: when each manager was made is marked for them.
"""

import sys
from time import time


def patches(agent):
    # The last number that was given at each port, and which manager there gave it.
    last = {}
    # What a PythonTask runs, by its identity, until it is submitted.
    functions = {}

    def library(module):
        submit = module.vine_submit

        # It is called by what the user called: a wrapper around that would stand in the user's tracebacks.
        def vine_submit(manager, task):
            number = submit(manager, task)
            try:
                if number > 0:
                    name = functions.pop(id(sys._getframe(1).f_locals.get("task")), None)
                    told(module.vine_port(manager), number, name or program_of(module.vine_task_get_command(task)))
            except Exception as error:
                agent.fault("ndcctools.taskvine", error)
            return number

        module.vine_submit = vine_submit
        for name in ("vine_create", "vine_ssl_create"):
            create = getattr(module, name, None)
            if create is not None:
                setattr(module, name, telling_births(module, create))

    def telling_births(module, create):
        def vine_create(*words, **options):
            # Before it can be reached, and after any other was that had its port.
            began = time()
            manager = create(*words, **options)
            try:
                if manager:
                    port = module.vine_port(manager)
                    turn = last.get(port, (0, 0))[1] + 1
                    last[port] = 0, turn
                    agent.mark(f"submit/group/taskvine.{port}.born.{turn}.{int(began * 1000)}")
            except Exception as error:
                agent.fault("ndcctools.taskvine", error)
            return manager

        return vine_create

    def told(port, number, function):
        before, turn = last.get(port, (0, 1))
        turn += number <= before
        last[port] = number, turn
        known = f"taskvine.{port}.{number}"
        task = f"taskvine.{port}-{turn}.{number}" if turn > 1 else known
        agent.mark(f"submit/task/{task}//{function}")
        if turn > 1:
            agent.mark(f"link/task/{task}//{known}")

    def program_of(command):
        """The first word of a command that names a program: of a call in a library, the function's name."""
        text = command.decode("utf-8", "replace") if type(command) is bytes else str(command or "")
        words = [word.lstrip("({") for word in text.split() if "=" not in word]
        words = [word for word in words if word not in ("", "exec")]
        return agent.encoded(words[0].rpartition("/")[2][:60] if words else "command")

    class Definition:
        """Stands for the attribute in which a PythonTask keeps its function until it is submitted."""

        def __get__(self, task, kind=None):
            if task is None:
                return self
            if "_fn_def" not in task.__dict__:
                raise AttributeError(f"'{type(task).__name__}' object has no attribute '_fn_def'")
            return task.__dict__["_fn_def"]

        def __set__(self, task, value):
            task.__dict__["_fn_def"] = value
            try:
                if value:
                    functions[id(task)] = agent.called(value[0])
            except Exception as error:
                agent.fault("ndcctools.taskvine", error)

        def __delete__(self, task):
            del task.__dict__["_fn_def"]

    def tasks(module):
        module.PythonTask._fn_def = Definition()

    return {"ndcctools.taskvine.cvine": library, "ndcctools.taskvine.task": tasks}
