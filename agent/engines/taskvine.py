"""TaskVine: tells which cell submitted a task, and what it runs. What tasks do is told by the workers' traces, where no agent is.

A task is known by its manager's port and its number there. Of a second manager at the same port, the numbers come again.
"""

import sys


def patches(agent):
    # The last number that was given at each port, and how often they began anew.
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

    def told(port, number, function):
        before, turn = last.get(port, (0, 0))
        turn += number <= before
        last[port] = number, turn
        known = f"taskvine.{port}.{number}"
        task = f"{known}.{turn}" if turn else known
        agent.mark(f"submit/task/{task}//{function}")
        if turn:
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
