# Starts a Python program with Cellar's agent in it: python [OPTION]... launch.py NONCE[:RUN] (-m MODULE | -c CODE | SCRIPT) [ARGUMENT]...
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
    "jobqueue": ("dask_jobqueue.core",),
    "parsl": (
        "parsl.dataflow.futures",
        "parsl.dataflow.dflow",
        "parsl.executors.high_throughput.zmq_pipes",
        "parsl.executors.high_throughput.executor",
        "parsl.executors.high_throughput.errors",
    ),
    "ipyparallel": ("ipyparallel.client.client", "ipyparallel.cluster.launcher", "ipyparallel.engine.kernel"),
    "ray": (
        "ray._private.services",
        "ray._private.runtime_env.context",
        "ray._private.function_manager",
        "ray.remote_function",
        "ray.actor",
    ),
    "taskvine": ("ndcctools.taskvine.cvine", "ndcctools.taskvine.task"),
}


def start():
    import posix

    launcher, told, *words = sys.argv
    nonce, _, run = told.partition(":")
    sys.orig_argv = [*sys.orig_argv[: -len(sys.argv)], *words]
    how, given = (words[0], words[1]) if words[0] in ("-m", "-c") else ("script", words[0])
    # What stands in the place of the program's name, and where it is looked for: as Python does it itself.
    sys.argv = words if how == "script" else [how, *words[2:]]
    sys.path_importer_cache.pop(launcher, None)
    if not sys.flags.safe_path:
        # Python has put our folder first.
        sys.path[0] = {"-m": posix.getcwd, "-c": str, "script": lambda: folder_of(given)}[how]()
    try:
        bring(launcher, nonce, run)
    except Exception as error:
        # Without an agent the program runs all the same, and the log says so.
        posix.access(f"/.cellar/{nonce}/fault/group/agent//{type(error).__name__}", 0)
    main = sys.modules["__main__"].__dict__
    for name in ("sys", "start", "bring", "folder_of", "run", "ENGINES", "__file__", "__cached__"):
        main.pop(name, None)
    return how, given, main


def folder_of(script):
    import os.path

    return os.path.dirname(os.path.realpath(script))


def run(how, given, main):
    if how == "-m":
        import runpy

        runpy._run_module_as_main(given)
    elif how == "-c":
        import sys

        main["__loader__"] = sys.__loader__
        exec(compile(f"{given}\n", "<string>", "exec", dont_inherit=True), main)
    else:
        import io
        import posix
        import sys

        if not given.startswith("/"):
            given = f"{posix.getcwd()}/{given}"
        # Python looks there for a program in a folder or an archive.
        sys.path_importer_cache[given] = None
        with io.open_code(given) as file:
            text = file.read()
        main.update(__file__=given, __loader__=type(main["__loader__"])("__main__", given), __cached__=None)
        exec(compile(text, given, "exec", dont_inherit=True), main)


def bring(launcher, nonce, run):
    folder = launcher.rpartition("/")[0]

    def text(name):
        with open(f"{folder}/{name}.py", encoding="utf-8") as file:
            return file.read()

    core = text("core")
    engines = {name: (modules, text(f"engines/{name}")) for name, modules in ENGINES.items()}
    exec(
        compile(core, "<cellar>", "exec"),
        {"__name__": "_cellar", "CORE": core, "ENGINES": engines, "NONCE": nonce, "FOLDER": folder, "RUN": run},
    )


run(*start())
