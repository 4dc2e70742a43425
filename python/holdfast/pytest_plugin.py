"""`pytest --holdfast`: the memory peak of each test, ceilings for it, and what it leaves behind.

pytest starts itself once more, under `holdfast run`. Each test's body, without its fixtures, is a region
(_regions.py) whose figures are asked for when it has ended; they travel as the report's user properties, so
that xdist's workers need nothing else.
"""
import contextlib
import gc
import os
import shlex
import subprocess
import sys
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, NoReturn, Optional

import pytest

from . import _sizes
from ._executable import find
from ._leaks import Stack, find as find_leaks
from ._regions import Figures, Names, NotTraced, is_traced, region
from ._reports import Failed

STARTED = "_HOLDFAST_PYTEST"  # in the environment: the name of the profile, once we have started ourselves
PEAK, KEPT = "holdfast_peak_bytes", "holdfast_kept_bytes"
XPASS_STRICT = "[XPASS(strict)]"  # how pytest begins to say that a test should have failed
UNJUDGED = "holdfast_unjudged"  # of a test: how many of its limits could not be measured
MARKERS = [
    "memory_ceiling(size, current_thread_only=False): with --holdfast, fail when the test's peak is above it",
    "memory_leaks(size, warmups=0, current_thread_only=False): with --holdfast, fail when more than that of what the"
    " test allocated is still there at its end; run it `warmups` times before",
    "memory_churn(size, current_thread_only=False): with --holdfast, fail when the test allocated more than that and gave it"
    " back again",
    "memory_native_leaks(size, warmups=0, current_thread_only=False): as memory_leaks, of what native code allocated with"
    " malloc",
    "memory_drag(size, current_thread_only=False): with --holdfast-drag, fail when big blocks that the test allocated lay"
    " untouched for more than that, in bytes times seconds",
    "limit_memory(memory_limit, current_thread_only=False): as pytest-memray has it; KB is 1024 bytes",
    "limit_leaks(location_limit, filter_fn=None, current_thread_only=False): as pytest-memray has it, for what one call"
    " stack leaves",
]


def pytest_addoption(parser: Any) -> None:
    group = parser.getgroup("holdfast", "memory")
    group.addoption("--holdfast", action="store_true", default=None,
                    help="trace the tests' memory: peaks, and the markers memory_ceiling, memory_leaks, memory_churn and"
                         " memory_native_leaks")
    group.addoption("--holdfast-output", metavar="FILE", default="pytest.holdfast",
                    help="where the profile of the whole run goes; default: pytest.holdfast")
    group.addoption("--holdfast-top", metavar="N", type=int, default=10,
                    help="how many of the biggest tests are listed at the end; 0: none")
    group.addoption("--holdfast-drag", action="store_true", default=None,
                    help="as --holdfast, and look at when blocks of 1 MiB and more are touched, for the marker memory_drag")
    parser.addini("holdfast", "as --holdfast", type="bool", default=False)
    parser.addini("holdfast_drag", "as --holdfast-drag, of tests that are traced", type="bool", default=False)
    parser.addini("holdfast_ceiling", "memory ceiling of each test that has none of its own, e.g. 512MiB")


# Starting

def _command() -> Optional[List[str]]:
    """How this process was started, if it is a pytest's own."""
    script = sys.argv[0] if sys.argv else ""
    folder, name = os.path.split(script)
    if name == "__main__.py" and os.path.basename(folder) == "pytest":
        program = ["-m", "pytest"]
    elif name in ("pytest", "py.test"):
        program = [script]
    else:
        return None
    if hasattr(sys, "orig_argv"):
        return [sys.executable, *sys.orig_argv[1:]]
    # Before 3.10: as the kernel knows it, so that `coverage run -m pytest` stays what it is.
    with contextlib.suppress(OSError), open("/proc/self/cmdline", "rb") as file:
        words = [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
        if len(words) > 1:
            return [sys.executable, *words[1:]]
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return [sys.executable, *flags, *program, *sys.argv[1:]]


def _start(profile: str, drag: bool) -> NoReturn:
    executable, command = find(), _command()
    if executable is None:
        raise pytest.UsageError("--holdfast: holdfast's executable is not where it was installed; install it again")
    if command is None:
        raise pytest.UsageError("--holdfast: pytest was started by another program; start that with `holdfast run`")
    os.environ[STARTED] = profile
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(executable, ["holdfast", "run", "-q", *(["--drag"] if drag else []), "-o", profile, "--", *command])


def _wanted(config: Any, options: Any) -> bool:
    given = options.holdfast or options.holdfast_drag
    return bool(config.getini("holdfast")) if given is None else given


# As a wrapper it comes before those that take over the standard output.
@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> Iterator[None]:
    options = early_config.known_args_namespace
    started = STARTED in os.environ
    if _wanted(early_config, options) and not options.help and not is_traced() and not started:
        _start(options.holdfast_output, options.holdfast_drag or early_config.getini("holdfast_drag"))
    yield


def pytest_configure(config: Any) -> None:
    for line in MARKERS:
        config.addinivalue_line("markers", line)
    if not _wanted(config, config.option):
        return
    profile = os.environ.get(STARTED, "")
    if is_traced():
        config.pluginmanager.register(Tests(config, profile), "holdfast-tests")
    else:
        config.issue_config_time_warning(
            pytest.PytestWarning("--holdfast: this process is not traced; see `holdfast doctor`"), 2)


# Limits

_NO_DRAG = "nobody looked at when memory was touched: "


def _no_drag(config: Any) -> str:
    """Why there is no drag."""
    if not (config.option.holdfast_drag or config.getini("holdfast_drag")):
        return _NO_DRAG + "pytest --holdfast-drag does, or holdfast_drag = true in the ini file"
    if STARTED not in os.environ:
        return _NO_DRAG + "pytest was started by a `holdfast run` without --drag, or it could not look: see its warnings"
    return _NO_DRAG + "that cannot be done here (see `holdfast doctor`), or not of so many big blocks at a time"


class Limit(NamedTuple):
    marker: str
    figure: str  # of Figures
    text: str  # as it is written
    current_thread_only: bool
    warmups: int = 0
    binary: bool = False  # KB is 1024 bytes
    filter_fn: Optional[Callable[[Stack], bool]] = None  # which stacks count

    @property
    def most(self) -> int:
        return _sizes.parse(self.text, binary=self.binary)

    def value(self, figures: Figures, name: str, no_drag: str) -> int:
        """What is compared. May raise Failed, and whatever the filter raises."""
        value: Optional[int] = getattr(figures, self.figure)
        if value is None:
            raise Failed(no_drag if self.figure == "drag" else "the tracer is older than this package")
        if self.figure == "drag" and value <= self.most < value + (figures.unseen or 0):
            raise Failed(f"nobody saw whether big blocks were touched for {_sizes.show(figures.unseen or 0)} s")
        if self.filter_fn is None or value <= self.most:
            return value
        leaks = [leak for leak in find_leaks(name, all_threads=not self.current_thread_only) if leak[0] > self.most]
        if not leaks:
            raise Failed("the call stack that left most is not among those that are told")
        return max((size for size, stack in leaks if self.filter_fn(stack)), default=0)

    def complaint(self, figures: Figures, name: str, no_drag: str) -> Optional[str]:
        value = self.value(figures, name, no_drag)
        if value <= self.most:
            return None
        what = {"peak": "the test's memory peak is {}", "kept": "the test left {} behind",
                "churn": "the test allocated {} and gave it back again", "kept_native": "native code left {} behind",
                "kept_largest": "one call stack of the test left {} behind",
                "drag": "big blocks of the test lay untouched for {}"}[self.figure]
        times = " s" if self.figure == "drag" else ""
        found, above = _sizes.show(value) + times, _sizes.show(value - self.most) + times
        return f"{what.format(found)}, {above} above the {self.marker} of {self.text}{times}"


def _ceiling(size: str, current_thread_only: bool = False) -> Limit:
    return Limit("memory_ceiling", "peak", size, current_thread_only)


def _leaks(size: str, warmups: int = 0, current_thread_only: bool = False) -> Limit:
    return Limit("memory_leaks", "kept", size, current_thread_only, warmups)


def _churn(size: str, current_thread_only: bool = False) -> Limit:
    return Limit("memory_churn", "churn", size, current_thread_only)


def _native_leaks(size: str, warmups: int = 0, current_thread_only: bool = False) -> Limit:
    return Limit("memory_native_leaks", "kept_native", size, current_thread_only, warmups)


def _drag(size: str, current_thread_only: bool = False) -> Limit:
    return Limit("memory_drag", "drag", size, current_thread_only)


def _limit_memory(memory_limit: str, current_thread_only: bool = False) -> Limit:
    return Limit("limit_memory", "peak", memory_limit, current_thread_only, binary=True)


def _limit_leaks(location_limit: str, filter_fn: Any = None, current_thread_only: bool = False) -> Limit:
    return Limit("limit_leaks", "kept_largest", location_limit, current_thread_only, binary=True, filter_fn=filter_fn)


_MARKS = {"memory_ceiling": _ceiling, "memory_leaks": _leaks, "memory_churn": _churn, "memory_native_leaks": _native_leaks,
          "memory_drag": _drag, "limit_memory": _limit_memory, "limit_leaks": _limit_leaks}


def _marker(item: Any, name: str) -> Any:
    """A parameter's own marker counts before that of its function."""
    of_parameters = [mark for mark in getattr(getattr(item, "callspec", None), "marks", ()) if mark.name == name]
    return of_parameters[-1] if of_parameters else item.get_closest_marker(name)


def limits_of(item: Any) -> List[Limit]:
    found: List[Limit] = []
    for name, make in _MARKS.items():
        marker = _marker(item, name)
        if marker is None:
            continue
        try:
            limit = make(*marker.args, **marker.kwargs)  # type: ignore[operator]
            _sizes.parse(limit.text)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: {error}") from None
        found.append(limit)
    default = item.config.getini("holdfast_ceiling")
    if default and not any(limit.figure == "peak" for limit in found):
        found.append(Limit("holdfast_ceiling", "peak", default, False))
    return found


# Tests

class Tests:
    """What happens around each test of a traced process."""

    def __init__(self, config: Any, profile: str) -> None:
        self.config = config
        self.profile = profile
        self.limits: Dict[str, List[Limit]] = {}
        self.names = Names()
        self.complaints: Dict[str, List[str]] = {}
        self.lost = False  # the tracer is gone: to ask it once more would be to wait once more
        self.unjudged = 0  # of all reports, xdist's workers' too

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: Any) -> None:
        try:
            self.limits[item.nodeid] = limits_of(item)
        except ValueError as error:
            pytest.fail(str(error), pytrace=False)

    # trylast: the innermost of all wrappers
    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item: Any) -> Iterator[None]:
        limits = self.limits.pop(item.nodeid, [])
        for _ in range(max((limit.warmups for limit in limits), default=0)):
            item.runtest()
        if any(limit.figure not in ("peak", "churn", "drag") for limit in limits):
            gc.collect()
        name = self.names.new(item.nodeid)  # a plugin may run it again
        everybody, own = region(name, all_threads=True), region(name)
        with everybody, own if any(limit.current_thread_only for limit in limits) else contextlib.nullcontext():
            yield
            if any(limit.figure in ("kept", "kept_native") for limit in limits):
                gc.collect()
        self.judge(item, limits, everybody, own)

    def judge(self, item: Any, limits: List[Limit], everybody: region, own: region) -> None:
        try:
            if self.lost:
                raise NotTraced
            figures = everybody.figures()
            of = {limit: own.figures() if limit.current_thread_only else figures for limit in limits}
        except NotTraced as error:
            self.lost = not error.left_out
            if limits:
                item.user_properties.append((UNJUDGED, len(limits)))
                item.warn(pytest.PytestWarning("holdfast: the test's memory could not be measured; not judged"))
            return
        item.user_properties.extend([(PEAK, figures.peak), (KEPT, figures.kept)])
        complaints = [self.complaint(item, limit, of[limit], everybody.name) for limit in limits]
        self.complaints[item.nodeid] = [text for text in complaints if text]

    def complaint(self, item: Any, limit: Limit, figures: Figures, name: str) -> Optional[str]:
        try:
            return limit.complaint(figures, name, _no_drag(self.config))
        except (Failed, OSError) as error:
            item.user_properties.append((UNJUDGED, 1))
            item.warn(pytest.PytestWarning(f"holdfast: {limit.marker} could not be judged: {error}"))
            return None
        except Exception as error:  # the filter's own
            return f"{limit.marker}: its filter_fn failed: {error!r}"

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Iterator[None]:
        outcome: Any = yield
        report = outcome.get_result()
        complaints = self.complaints.pop(item.nodeid, []) if call.when == "call" else []
        if not complaints or report.outcome not in ("passed", "failed"):
            return
        strict = report.outcome == "failed" and str(report.longrepr).startswith(XPASS_STRICT)
        if report.outcome == "failed" and not strict:
            return
        expected = strict or hasattr(report, "wasxfail")
        # With `raises` it is another failure that is expected.
        if not expected or any(mark.kwargs.get("raises") for mark in item.iter_markers("xfail")):
            report.outcome, report.longrepr = "failed", "\n".join(complaints)
            vars(report).pop("wasxfail", None)
        else:
            report.outcome = "skipped"  # it was to fail, and did
            report.wasxfail = str(report.longrepr)[len(XPASS_STRICT):].strip() if strict else report.wasxfail

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call":
            self.unjudged += sum(value for name, value in report.user_properties if name == UNJUDGED)

    # A ceiling that was not judged is none that was kept.
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: Any) -> None:
        if self.unjudged and session.exitstatus == 0 and not hasattr(self.config, "workerinput"):
            session.exitstatus = 1

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.unjudged:
            terminalreporter.write_line(f"holdfast: {self.unjudged} ceilings could not be judged", red=True)
        most = self.config.option.holdfast_top
        tests = [(dict(report.user_properties), report.nodeid)
                 for reports in terminalreporter.stats.values() for report in reports
                 if getattr(report, "when", None) == "call"]
        biggest = sorted(((figures[PEAK], figures[KEPT], name) for figures, name in tests if PEAK in figures),
                         key=lambda row: (-row[0], row[2]))[:max(most, 0)]
        if biggest:
            terminalreporter.section("memory of the biggest tests")
            terminalreporter.write_line(f"{'peak':>10}  {'left behind':>11}")
        for peak, kept, name in biggest:
            terminalreporter.write_line(f"{_sizes.show(peak):>10}  {_sizes.show(kept):>11}  {name}")
        if biggest and self.profile:
            terminalreporter.write_line(f"who allocated it: holdfast report {shlex.quote(self.profile)} -o pytest.html")
