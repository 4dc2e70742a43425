"""Writes the Python code that libholdfast.so carries along for `run --watch`, as a C header.

Usage: carry.py HEADER SOURCE...

The sources are modules of python/holdfast, each after those that it imports. In the program they are a package of a name
of their own, which is made when it is needed, and found by no import of the program's.
"""
import sys
from pathlib import Path

PACKAGE = "_holdfast_watch"

# A signal's handler runs in the main thread, and what it raises may be lost where the standard library's import catches
# errors: so another thread loads, while the main one waits as in any call; but not while that is importing itself, with
# locks that the other one might wait for, and not where no thread can be started, or what starts one is not the
# interpreter's (gevent). The thread that imports `threading` first is the main one from there on, so that is not the other.
# What is loaded is in the interpreter's own dict, `home`, which no program changes.
LOAD = """
import os, sys, _thread

def make(name, **more):
    import importlib.machinery, types
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, **more)
    module.__package__ = PACKAGE
    sys.modules[name] = module
    return module

def load():
    package = make(PACKAGE, is_package=True)
    package.__path__ = []
    for name, source in SOURCES:
        module = make(PACKAGE + "." + name)
        setattr(package, name, module)
        exec(compile(source, "<holdfast>/" + name + ".py", "exec"), module.__dict__)
    return module.notice

def nothing(address):
    return True

def run(done, failures):
    try:
        home[READY] = load()
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

def is_importing():
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False

def start(*arguments):
    if is_importing() or type(_thread.start_new_thread) is not type(len):
        run(*arguments)
        return
    try:
        _thread.start_new_thread(run, arguments)
    except RuntimeError:
        run(*arguments)

def begin():
    try:
        import threading
    except ImportError:
        pass
    home[STARTED] = os.getpid()
    done, failures = _thread.allocate_lock(), []
    done.acquire()
    start(done, failures)
    done.acquire()
    for why in failures:
        tell(why)

if STARTED not in home:
    begin()
elif home[STARTED] != os.getpid() and READY not in home:
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
