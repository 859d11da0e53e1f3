# Starts a Python program with Cellar's agent in it: python [OPTION]... launch.py NONCE -m MODULE [ARGUMENT]...
# For the program all is as if it had been started without: argv, the path, __main__. (No docstring: it would be __main__'s.)
import sys

# Which file knows which modules. Nothing of it is imported: an engine is patched when the program itself imports it.
ENGINES = {
    "pools": ("multiprocessing.pool", "multiprocessing.process"),
    "executors": (
        "concurrent.futures.process",
        "concurrent.futures.thread",
        "loky.process_executor",
        "joblib.externals.loky.process_executor",
    ),
    "joblib": ("joblib.parallel",),
    "dask": ("distributed.client", "distributed.worker", "distributed.threadpoolexecutor"),
    "taskvine": ("ndcctools.taskvine.cvine", "ndcctools.taskvine.task"),
}


def start():
    import posix

    script, nonce, _, module, *arguments = sys.argv
    given = len(sys.argv)
    sys.argv = ["-m", *arguments]
    sys.orig_argv = [*sys.orig_argv[:-given], "-m", module, *arguments]
    sys.path_importer_cache.pop(script, None)
    if not sys.flags.safe_path:
        # Python has put our folder first; a module of the program's is looked for in the working folder.
        sys.path[0] = posix.getcwd()
    try:
        bring(script, nonce)
    except Exception as error:
        # Without an agent the program runs all the same, and the log says so.
        posix.access(f"/.cellar/{nonce}/fault/group/agent//{type(error).__name__}", 0)
    main = sys.modules["__main__"].__dict__
    for name in ("sys", "start", "bring", "ENGINES", "__file__", "__cached__"):
        main.pop(name, None)
    import runpy

    runpy._run_module_as_main(module)


def bring(script, nonce):
    def text(name):
        with open(f"{script.rpartition('/')[0]}/{name}.py", encoding="utf-8") as file:
            return file.read()

    core = text("core")
    engines = {name: (modules, text(f"engines/{name}")) for name, modules in ENGINES.items()}
    exec(
        compile(core, "<cellar>", "exec"),
        {"__name__": "_cellar", "CORE": core, "ENGINES": engines, "NONCE": nonce},
    )


start()
