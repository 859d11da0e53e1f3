"""joblib: whose tasks they are that it submits later.

Parallel submits its first batches on the user's thread, and each of the others when one has come back, on a thread of the
executor's, which may have been born in another cell. Loky and the pools mark the tasks themselves.
"""

import _thread
import itertools
import posix


def patches(agent):
    def parallel(module):
        batch = module.BatchCompletionCallBack
        made, done = batch.__init__, batch.__call__
        count = itertools.count()
        # The group of the callback that each thread runs.
        current = {}

        def __init__(self, *rest, **options):
            made(self, *rest, **options)
            try:
                self._cellar = current.get(_thread.get_ident())
                if self._cellar is None:
                    self._cellar = f"joblib.{posix.getpid()}.{next(count)}"
                    agent.mark(f"submit/group/{self._cellar}")
            except Exception as error:
                agent.fault(module.__name__, error)

        def __call__(self, *rest, **options):
            group, thread = getattr(self, "_cellar", None), _thread.get_ident()
            if group is None:
                return done(self, *rest, **options)
            outer = current.get(thread)
            current[thread] = group
            agent.mark(f"begin/group/{group}")
            try:
                return done(self, *rest, **options)
            finally:
                agent.mark(f"end/group/{group}")
                if outer is None:
                    del current[thread]
                else:
                    current[thread] = outer

        batch.__init__ = agent.keep_name(__init__, made)
        batch.__call__ = agent.keep_name(__call__, done)

    return {"joblib.parallel": parallel}
