"""dask-jobqueue: the jobs that it submits start their workers with logs of their own.

The script that is submitted has that; what `job_script()` shows, and the notebook may print, is as it is without.
"""

import contextlib


def patches(agent):
    def core(module):
        base = module.Job
        writes = base.job_file

        @contextlib.contextmanager
        def job_file(self):
            command = getattr(self, "_command_template", None)
            within = agent.in_job("dask", command) if type(command) is str else None
            if within is None:
                agent.fault(module.__name__, ValueError())
            else:
                self._command_template = within
            try:
                with writes(self) as name:
                    yield name
            finally:
                if within is not None:
                    self._command_template = command

        base.job_file = agent.keep_name(job_file, writes)

    return {"dask_jobqueue.core": core}
