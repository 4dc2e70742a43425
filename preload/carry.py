"""Writes the Python code that libholdfast.so carries along for `run --watch`, as a C header.

Usage: carry.py HEADER SOURCE...

The sources are modules of python/holdfast. In the program they are a package of a name of their own, which is made when it is
needed, with an import of its own: a program finds nothing of it in `sys.modules`, and nothing of the program's is taken for
the standard library's, wherever it lies.
"""
import sys
from pathlib import Path

PACKAGE = "_holdfast_watch"

# A signal's handler runs in the main thread, and what it raises may be lost where code of ours catches errors: so another
# thread loads, while the main one waits as in any call; but not where no thread can be started, or what starts one is not
# the interpreter's (gevent). What is loaded is in the interpreter's own dict, `home`, which no program changes.
#
# Modules of the standard library that the program has imported are shared, if they are whole, and really are of that.
# Of others there is a copy of our own. Those in C that have one state for all put themselves into `sys.modules`,
# and are taken out again. `typing`, which takes longer than all others, is not needed.
LOAD = """
import sys, _thread
NEEDED = [sys.modules.get(name) for name in ("_frozen_importlib_external", "_frozen_importlib", "posix", "encodings")]
external, importlib, posix, encodings = NEEDED
ModuleSpec, Module = getattr(importlib, "ModuleSpec", None), type(sys)
BUILT_IN = getattr(importlib, "BuiltinImporter", None), getattr(importlib, "FrozenImporter", None)
PROGRAMS = {"last_exc", "last_traceback", "last_type", "last_value", "stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__"}

class Typing:
    TYPE_CHECKING = False
    def __getattr__(self, name): return self
    def __getitem__(self, what): return self
    def __call__(self, *what): return what[-1]

def find_places():
    # What is imported before anything of the program's.
    library = external._path_split(encodings.__path__[0])[0]
    name = external._path_split(library)[1]
    others = [external._path_join(one, folder, name) for one in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
              for folder in ("lib", "lib64")]
    return [library] + [external._path_join(one, "lib-dynload") for one in [library] + others]

class Importer:
    def __init__(self):
        self.modules = {"typing": Typing()}
        self.sys = Module("sys")  # for copies: what they put into `modules` is no affair of the program's
        self.lent = []  # names and modules of ours in `sys.modules`, for code in C that looks there for what it imports
        self.places = find_places()
        # For good: so nothing of the program's is in it. Streams may be None in any program.
        values = {name: None if name in PROGRAMS else value for name, value in list(sys.__dict__.items())}
        modules = {name: module for name, module in list(sys.modules.items()) if self.is_shared(module)}
        self.sys.__dict__.update(values, modules=modules)
        loaders = external._get_supported_file_loaders()
        self.finders = [external.FileFinder(place, *loaders) for place in self.places]
        self.builtins = dict(BUILTINS if type(BUILTINS) is dict else BUILTINS.__dict__, __import__=self.load)
        self.sources = dict(SOURCES)

    def is_shared(self, module):
        spec = module.__dict__.get("__spec__") if type(module) is Module else None
        if type(spec) is not ModuleSpec or getattr(spec, "_initializing", False):
            return False
        return spec.loader in BUILT_IN or (
            type(spec.origin) is str and external._path_split(spec.origin)[0] in self.folders(spec.name))

    def folders(self, name):
        return [external._path_join(place, *name.split(".")[:-1]) for place in self.places] + [
            external._path_join(self.places[0], *name.split("."))]

    def new(self, spec):
        module = self.modules[spec.name] = self.sys.modules[spec.name] = Module(spec.name)
        module.__spec__, module.__loader__, module.__package__ = spec, spec.loader, spec.parent
        module.__builtins__ = self.builtins
        if spec.submodule_search_locations is not None:
            module.__path__ = spec.submodule_search_locations
        return module

    def own(self, name):
        short = name.rpartition(".")[2]
        spec = ModuleSpec(name, None, is_package=name == PACKAGE)
        module = self.new(spec)
        if name != PACKAGE:
            exec(compile(self.sources[short], "<holdfast>/" + short + ".py", "exec"), module.__dict__)
        return module

    def find(self, name, parent):
        if name in sys.builtin_module_names:
            return ModuleSpec(name, BUILT_IN[0], origin="built-in")
        finders = self.finders
        if parent is not None:
            finders = [external.FileFinder(one, *external._get_supported_file_loaders()) for one in parent.__path__]
        for finder in finders:
            spec = finder.find_spec(name)
            if spec is not None and spec.loader is not None:
                return spec
        raise ImportError("no " + name + " in the standard library", name=name)

    def standard(self, name, parent):
        there = sys.modules.get(name)
        if name == "atexit" and there is None and sys.version_info < (3, 10):  # the last one that is made calls its handlers
            there = BUILT_IN[0].load_module(name)
        if self.is_shared(there):
            self.modules[name] = there
            return there
        if there is None and self.sys.modules.get(name) is not None:  # such as os.path, of os
            return self.sys.modules[name]
        spec = self.find(name, parent)
        if hasattr(spec.loader, "get_code") and spec.loader.get_code(name) is not None:
            module = self.new(spec)
            module.__file__ = spec.origin
            exec(spec.loader.get_code(name), module.__dict__)
            return module
        before = name in sys.modules, there
        module = self.modules[name] = spec.loader.create_module(spec)
        module.__spec__ = spec
        try:
            spec.loader.exec_module(module)
        finally:
            self.take_back()
            if sys.modules.get(name) is module:
                del sys.modules[name]
                if before[0]:
                    sys.modules[name] = there
        return module

    def take_back(self):
        while self.lent:
            name, module = self.lent.pop()
            if sys.modules.get(name) is module:
                del sys.modules[name]

    def one(self, name):
        if name in self.modules:
            return self.modules[name]
        parent, short = name.rpartition(".")[::2]
        above = self.one(parent) if parent else None
        if name in self.modules:
            return self.modules[name]
        try:
            module = self.own(name) if name.partition(".")[0] == PACKAGE else self.standard(name, above)
        except BaseException:
            self.modules.pop(name, None)
            raise
        if above is not None:
            setattr(above, short, module)
        return module

    def load(self, name, names=None, unused=None, wanted=(), level=0):
        if level:
            package = names["__package__"].rsplit(".", level - 1)[0]
            name = package + "." + name if name else package
        own = names is not None and names.get("__name__", "").partition(".")[0] == PACKAGE
        if name == "sys" and not own:
            return self.sys
        module = self.one(name)
        if type(wanted) is list and name not in sys.modules:  # C code asks, and looks for it there
            self.take_back()  # that has been looked for
            self.lent.append((name, module))
            sys.modules[name] = module
        if not wanted:
            return module if level else self.one(name.partition(".")[0])
        for each in wanted:
            if each != "*" and not hasattr(module, each) and hasattr(module, "__path__"):
                self.one(name + "." + each)
        return module

def nothing(address):
    return True

def run(done, failures):
    try:
        importer = Importer()
        try:
            home[READY] = importer.one(PACKAGE + "._big").notice
        finally:
            importer.take_back()
    except Exception as error:
        failures.append(str(error))
    finally:
        home.setdefault(READY, nothing)
        done.release()

def tell(why):
    try:
        if sys.stderr is not None:
            sys.stderr.write("holdfast: --watch follows nothing: " + why + "\\n")
            sys.stderr.flush()
    except Exception:
        pass

def start(*arguments):
    if type(_thread.start_new_thread) is not type(len):
        run(*arguments)
        return
    try:
        _thread.start_new_thread(run, arguments)
    except RuntimeError:
        run(*arguments)

def begin():
    home[STARTED] = getpid()
    done, failures = _thread.allocate_lock(), []
    done.acquire()
    start(done, failures)
    done.acquire()
    for why in failures:
        tell(why)

getpid = getattr(posix, "getpid", None)
BUILTINS = __builtins__
if None in NEEDED:  # the program has put them aside for now: the next block will find them
    pass
elif STARTED not in home:
    begin()
elif home[STARTED] != getpid() and READY not in home:
    home[READY] = nothing
    tell("this process was forked while the code was being loaded")
"""


def literal(text):
    """Of C: a string for each line."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
    return "\n".join(f'    "{line}\\n"' for line in escaped.splitlines())


def main():
    header, *paths = map(Path, sys.argv[1:])
    sources = [(path.stem, path.read_text(encoding="ascii")) for path in paths]
    rows = "".join(f"    ({name!r}, {text!r}),\n" for name, text in sources)
    code = f"PACKAGE = {PACKAGE!r}\nREADY = PACKAGE + '.ready'\nSTARTED = PACKAGE + '.started'\nSOURCES = [\n{rows}]\n{LOAD}"
    header.write_text(f'/* Made by carry.py. */\n#define WATCH_READY "{PACKAGE}.ready"\n'
                      f"static const char watch_code[] =\n{literal(code)};\n", encoding="ascii")


main()
