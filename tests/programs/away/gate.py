"""Nothing is looked for before `placed` is set: what a program does until then may take as long as the machine likes."""
import threading

from holdfast import _going

placed = threading.Event()
_take_due = _going._Watcher.take_due


def _take_due_then(watcher):
    placed.wait()
    return _take_due(watcher)


_going._Watcher.take_due = _take_due_then
