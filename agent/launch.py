# Starts a Python program with Cellar's agent in it: python [OPTION]... launch.py NONCE (-m MODULE | -c CODE | SCRIPT) [ARGUMENT]...
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
}


def start():
    import posix

    script, nonce, *words = sys.argv
    how = words[0] if words[0] in ("-m", "-c") else None
    sys.orig_argv = [*sys.orig_argv[: -len(sys.argv)], *words]
    sys.argv = words if how is None else [how, *words[2:]]
    sys.path_importer_cache.pop(script, None)
    if not sys.flags.safe_path:
        # Python has put our folder first; modules of the program's are looked for beside a script, otherwise in the working folder.
        sys.path[0] = {"-m": posix.getcwd, "-c": str}.get(how, lambda: folder_of(words[0]))()
    try:
        bring(script, nonce)
    except Exception as error:
        # Without an agent the program runs all the same, and the log says so.
        posix.access(f"/.cellar/{nonce}/fault/group/agent//{type(error).__name__}", 0)
    main = sys.modules["__main__"].__dict__
    importers = sys.path_importer_cache
    loader, builtin = type(main["__loader__"]), sys.modules["_frozen_importlib"].BuiltinImporter
    for name in ("sys", "start", "bring", "folder_of", "ENGINES", "__file__", "__cached__"):
        main.pop(name, None)
    if how == "-m":
        import runpy

        runpy._run_module_as_main(words[1])
        return
    if how == "-c":
        main["__loader__"] = builtin
        name, text = "<string>", words[1] + "\n"
    else:
        # As Python has it from 3.9 on.
        name = words[0] if words[0].startswith("/") else f"{posix.getcwd()}/{words[0].removeprefix('./')}"
        importers[name] = None
        main.update(__file__=name, __cached__=None, __loader__=loader("__main__", name))
        with open(name, "rb") as file:
            text = file.read()
    exec(compile(text, name, "exec", dont_inherit=True), main)


def folder_of(script):
    import os.path

    return os.path.dirname(os.path.realpath(script))


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
