"""Holdfast explains the memory peak of a Python program: what was allocated, where, and what still held it.

The tracer is the command `holdfast` (also `python -m holdfast`): it runs a program, which needs nothing
of this package. Importing the package does nothing by itself. A program can use it to mark regions of its run:

    with holdfast.region("load"):
        ...
"""
from typing import Any

from ._regions import Figures, NotTraced, is_traced, region
from ._version import version as __version__

__all__ = ["Figures", "NotTraced", "__version__", "is_traced", "region"]


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext holdfast`: the cell magic `%%holdfast`."""
    from . import _notebook
    _notebook.load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    from . import _notebook
    _notebook.unload(ipython)
