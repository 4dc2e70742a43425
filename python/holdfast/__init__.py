"""Holdfast explains the memory peak of a Python program: what was allocated, where, and what still held it.

The tracer is the command `holdfast` (also `python -m holdfast`): it runs a program, which needs nothing
of this package. Importing the package does nothing by itself. A program can use it to mark regions of its run:

    with holdfast.region("load"):
        ...

and, traced or not, to say of an object that it should be gone soon: if it is not, who holds it is told.

    holdfast.should_go_away(session, "session", within=2)
"""
from typing import Any

from ._going import Expectation, Late, configure, pending, should_go_away
from ._regions import Figures, NotTraced, is_traced, region
from ._version import version as __version__

__all__ = ["Expectation", "Figures", "Late", "NotTraced", "__version__", "configure", "is_traced", "pending", "region",
           "should_go_away"]


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext holdfast`: the cell magic `%%holdfast`."""
    from . import _notebook
    _notebook.load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    from . import _notebook
    _notebook.unload(ipython)
