"""Holdfast explains the memory peak of a Python program: what was allocated, where, and what still held it.

The tracer is the command `holdfast` (also `python -m holdfast`): it runs a program, which needs nothing
of this package. Importing the package does nothing by itself. A program can use it to mark regions of its run:

    with holdfast.region("load"):
        ...

and, traced or not, to say of an object that it should be gone soon: if it is not, who holds it is told.

    holdfast.should_go_away(session, "session", within=2)

or to follow the references to an object, line by line: holdfast.watch(obj).
"""
import sys
import types
from typing import TYPE_CHECKING, Any

from ._regions import Figures, NotTraced, is_traced, region
from ._version import version as __version__

if TYPE_CHECKING:
    from ._going import Expectation, Late, configure, pending, should_go_away
    from ._watch import Watch, watch

__all__ = ["Expectation", "Figures", "Late", "NotTraced", "Watch", "__version__", "configure", "is_traced", "pending",
           "region", "should_go_away", "watch"]


_LATER = {"_going": ("Expectation", "Late", "configure", "pending", "should_go_away"), "_watch": ("Watch", "watch")}


def __getattr__(name: str) -> Any:
    """What is loaded when it is used first."""
    for module, names in _LATER.items():
        if name in names:
            try:
                import importlib
                found = importlib.import_module(f".{module}", __name__)
            except ImportError:
                if name == "should_go_away" and sys.is_finalizing():
                    return _too_late
                raise
            globals().update((one, getattr(found, one)) for one in names)
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _too_late(*given: Any, **named: Any) -> Any:
    """should_go_away, first called by a destructor when nothing can be imported any more: what it gives back is off."""
    return types.SimpleNamespace(state="off", cancel=lambda: False)


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext holdfast`: the cell magic `%%holdfast`."""
    from . import _notebook
    _notebook.load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    from . import _notebook
    _notebook.unload(ipython)
