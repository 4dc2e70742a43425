"""`%%holdfast` in a notebook: a cell's memory peak, who held it, and the graph of its stacks, below the cell.

The cell is a region (_regions.py). Once it has ended, the collector writes the profile of the run so far, and
the report of that region is shown: as text, and as the page in a frame of its own, which cannot reach the
notebook's.
"""
import builtins
import contextlib
import html
import linecache
import os
import sys
import tempfile
import traceback
from typing import Any, Iterator, List, NamedTuple, Optional

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import publish_display_data

from . import _sizes
from ._regions import Names, NotTraced, is_traced, region
from ._reports import Failed, command, write_profile

names = Names()  # of the cells that ran: one may run again, changed
PAGE_MOST = 2 << 20  # bytes of one page in a notebook: it is in the notebook's file as long as the output is
TEXT_MOST = 20_000
HEIGHT = 640
UNTRACED = """\
holdfast: this kernel is not traced, so nothing is known of the cell's memory. Once:
    python -m holdfast.kernel install
and then choose the kernel "Python 3 (Holdfast)" for this notebook."""
FRAME = """\
<div class="holdfast-cell"><p><strong>{title}</strong></p>
<iframe title="{title}" sandbox="allow-scripts" style="width: 100%; height: {height}px; border: 1px solid #8888" \
srcdoc="{page}"></iframe>
<details><summary>as text</summary><pre>{text}</pre></details></div>"""
TEXT_ONLY = '<div class="holdfast-cell"><p><strong>{title}</strong></p><pre>{text}</pre></div>'


class Report(NamedTuple):
    title: str
    text: str
    page: str  # HTML, or ""


@contextlib.contextmanager
def sources() -> Iterator[None]:
    """Cells as the files that their code objects name, while a report looks for lines: elsewhere they are in
    linecache alone."""
    made: List[str] = []
    folders: List[str] = []
    for name, (_, _, lines, _) in [(name, entry) for name, entry in linecache.cache.items() if len(entry) == 4]:
        folder = os.path.dirname(name)
        if f"ipykernel_{os.getpid()}" not in folder or os.path.exists(name):
            continue
        with contextlib.suppress(OSError):
            if not os.path.exists(folder):
                os.makedirs(folder, mode=0o700)
                folders.append(folder)
            with open(name, "x", encoding="utf-8", errors="replace") as file:
                made.append(name)
                file.write("".join(lines))
    try:
        yield
    finally:
        for name in made:
            with contextlib.suppress(OSError):
                os.unlink(name)
        for folder in folders:
            with contextlib.suppress(OSError):  # a debugger may have written into it
                os.rmdir(folder)


def cut(text: str) -> str:
    return text if len(text) <= TEXT_MOST else text[:TEXT_MOST] + "\n..."


def report(name: str, peak: int, with_page: bool, keep: Optional[str]) -> Report:
    """The region's, which has ended; `keep` is a file for its page."""
    with tempfile.TemporaryDirectory(prefix="holdfast-cell-") as folder:
        profile = os.path.join(folder, "cell.holdfast")
        with sources():
            write_profile(profile)
        text = cut(command("report", "--region", name, profile))
        page = command("report", "--region", name, "--format", "html", profile) if with_page or keep else ""
    if keep:
        with open(keep, "w", encoding="utf-8") as file:
            file.write(page)
    if with_page and len(page.encode()) > PAGE_MOST:
        text += f"\nthe page would be {_sizes.show(len(page.encode()))}, too much for a notebook: write it with -o FILE"
    shown = page if with_page and len(page.encode()) <= PAGE_MOST else ""
    return Report(f"Memory of {name}: peak {_sizes.show(peak)}", text, shown)


def show(one: Report) -> None:
    values = {"title": html.escape(one.title), "text": html.escape(one.text)}
    if one.page:
        rich = FRAME.format(page=html.escape(one.page), height=HEIGHT, **values)
    else:
        rich = TEXT_ONLY.format(**values)
    publish_display_data({"text/plain": f"{one.title}\n{one.text}", "text/html": rich})


def tell(name: str, ran: region, options: Any) -> None:
    if not is_traced():
        print(UNTRACED)
        return
    try:
        show(report(name, ran.figures().peak, not options.text, options.output))
    except (Failed, NotTraced, OSError) as error:
        print(f"holdfast: the cell's memory cannot be shown: {error}")


@contextlib.contextmanager
def traceback_kept(shell: Any) -> Iterator[List[Any]]:
    """A cell within a cell: its traceback is not shown but given, since the error is raised once more for the
    outer one, without which a notebook would go on after it. That is the last one; those of other errors, as of
    something that cannot be displayed, are shown."""
    held: List[Any] = []
    before, original = shell.__dict__.get("_showtraceback"), shell._showtraceback

    def keep(kind: object, value: object, rendered: List[str]) -> None:
        if held:
            original(*held.pop())
        held.append((kind, value, rendered))

    shell._showtraceback = keep
    try:
        yield held
    finally:
        if before is None:
            del shell._showtraceback
        else:
            shell._showtraceback = before


def is_printed(error: Optional[BaseException]) -> bool:
    """IPython prints it, and gives no traceback to show: a wrong use of a magic, and groups of errors."""
    group = getattr(builtins, "BaseExceptionGroup", ())
    if type(error) is UsageError:
        return True
    while error is not None and not isinstance(error, group):
        error = error.__context__
    return error is not None


@contextlib.contextmanager
def printing_left_out(shell: Any) -> Iterator[List[BaseException]]:
    """Errors that a cell within a cell would print are given instead: the cell's own is raised once more."""
    left_out: List[BaseException] = []
    before, original = shell.__dict__.get("showtraceback"), shell.showtraceback

    def show(exc_tuple: Any = None, *arguments: Any, **options: Any) -> None:
        error = (exc_tuple or sys.exc_info())[1]
        if is_printed(error):
            left_out.append(error)
        else:
            original(exc_tuple, *arguments, **options)

    shell.showtraceback = show
    try:
        yield left_out
    finally:
        if before is None:
            del shell.showtraceback
        else:
            shell.showtraceback = before


def show_once(error: BaseException, lines: List[str]) -> None:
    """Has IPython show the error by these lines, which have the cell's frames alone, the next time."""
    def rendered() -> List[str]:
        del error._render_traceback_  # type: ignore[attr-defined]
        return lines

    if lines:
        with contextlib.suppress(AttributeError, TypeError):
            error._render_traceback_ = rendered  # type: ignore[attr-defined]


@magics_class
class HoldfastMagics(Magics):
    @magic_arguments()
    @argument("-t", "--text", action="store_true", help="no page, the text alone")
    @argument("-o", "--output", metavar="FILE", help="write the page there, too")
    @argument("-n", "--name", help="what to call the cell in the report; default: cell N")
    @cell_magic
    def holdfast(self, line: str, cell: str) -> None:
        """Runs the cell and shows its memory peak, who held it, and the graph of what allocated it."""
        options = parse_argstring(self.holdfast, line)
        # The number beside the cell: execution_count is that, or already the next one's.
        number = len(self.shell.user_ns.get("In", [])) - 1
        name = names.new((options.name or f"cell {number}").strip("\"'"))
        with traceback_kept(self.shell) as held, printing_left_out(self.shell) as left_out, \
                region(name, all_threads=True) as ran:
            result = self.shell.run_cell(cell, store_history=False)
        error = result.error_in_exec if result.error_before_exec is None else result.error_before_exec
        for other in left_out:
            if other is not error:
                traceback.print_exception(type(other), other, other.__traceback__)
        if held and held[0][1] is not error:
            self.shell._showtraceback(*held.pop())
        tell(name, ran, options)
        if error is not None:
            show_once(error, held[0][2] if held else [])
            raise error


def load(ipython: Any) -> None:
    ipython.register_magics(HoldfastMagics)


def unload(ipython: Any) -> None:
    ipython.magics_manager.magics["cell"].pop("holdfast", None)
