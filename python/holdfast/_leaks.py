"""What a region left behind, by call stack: for pytest-memray's `filter_fn`, which is given stacks of this form."""
import os
import tempfile
from typing import Dict, List, NamedTuple, Tuple

from . import _reports


class StackFrame(NamedTuple):
    function: str
    filename: str
    lineno: int


class Stack(NamedTuple):
    frames: Tuple[StackFrame, ...]  # the most recent one first


def _stack(frames: List[Dict[str, object]]) -> Stack:
    return Stack(tuple(StackFrame(str(frame.get("function") or "???"), str(frame["file"]), int(str(frame.get("line") or 0)))
                       for frame in reversed(frames) if frame.get("file")))


def find(name: str, *, all_threads: bool) -> List[Tuple[int, Stack]]:
    """Bytes and stack, the most bytes first; of the 100 stacks that have most of the region, whose name is as it
    is told."""
    with tempfile.TemporaryDirectory(prefix="holdfast-leaks-") as folder:
        profile = os.path.join(folder, "so-far.holdfast")
        _reports.write_profile(profile)
        regions = _reports.own_process(profile)["regions"]
    kept: Dict[Stack, int] = {}
    threads = "all" if all_threads else "one"
    found = [region for region in regions if region["name"] == name and region["threads"] == threads]
    if not found:
        raise _reports.Failed("the profile does not have the test")
    for region in found:
        for site in region["sites"]:
            if site["stack"] is not None and site["kept_bytes"]:
                stack = _stack(site["stack"])
                kept[stack] = kept.get(stack, 0) + site["kept_bytes"]
    return sorted(((size, stack) for stack, size in kept.items()), key=lambda one: -one[0])
