"""`pytest --holdfast`, in a pytest of its own: what tests need is known here, since they say it."""
import os
import re
import subprocess
import sys
import textwrap
import xml.etree.ElementTree

import pytest

import harness

MB = 10**6
ENTRY = "[pytest11]\nholdfast = holdfast.pytest_plugin\n"
KIB = 1024
AGAIN = """
def pytest_runtest_protocol(item, nextitem):
    from _pytest.runner import runtestprotocol
    if item.name == "test_again":
        runtestprotocol(item, nextitem=item, log=False)
"""


@pytest.fixture
def run(package, tmp_path):
    """Runs pytest on the given tests; as the plugin is found once it is installed."""
    info = package / "holdfast-0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: holdfast\nVersion: 0\n")
    (info / "entry_points.txt").write_text(ENTRY)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "_HOLDFAST"))}
    environment["PATH"] = f"{harness.holdfast_binary().resolve().parent}:{environment['PATH']}"
    environment["PYTHONPATH"] = str(package)

    def run(tests, *arguments, ini="", command=("-m", "pytest"), traced=True, asyncio=("-p", "no:asyncio")):
        (tmp_path / "test_it.py").write_text("import gc, threading, pytest\n" + textwrap.dedent(tests))
        (tmp_path / "again.py").write_text(AGAIN)
        (tmp_path / "pytest.ini").write_text("[pytest]\n" + ini)
        options = ["--holdfast"] if traced else []
        return Run(harness.plain(sys.executable, *command, *options, "-p", "no:cacheprovider", *asyncio, "--strict-markers",
                                 "--junitxml=out.xml", *arguments, cwd=tmp_path, env=environment), tmp_path)
    return run


class Run:
    def __init__(self, outcome, folder):
        self.status, self.text, self.folder = outcome.status, outcome.text_out(), folder
        self.errors = outcome.text_err()
        self.profile = folder / "pytest.holdfast"
        found = folder / "out.xml"
        cases = xml.etree.ElementTree.parse(found).iter("testcase") if found.exists() else []
        self.tests = {case.get("name"): case for case in cases}

    def failed(self):
        return {name for name, case in self.tests.items() if case.find("failure") is not None}

    def message(self, name):
        return self.tests[name].find("failure").text

    def figures(self, name):
        """(peak, left behind)."""
        properties = {one.get("name"): int(one.get("value")) for one in self.tests[name].iter("property")}
        return properties["holdfast_peak_bytes"], properties["holdfast_kept_bytes"]

    def assert_peak(self, name, expected, slack=40 * KIB):
        assert expected <= self.figures(name)[0] <= expected + slack, name


def test_peaks_and_ceilings(run):
    done = run("""
        kept = []

        @pytest.fixture
        def big():
            return bytearray(50_000_000)

        @pytest.fixture(autouse=True)
        def late():
            yield
            assert bytearray(30_000_000)

        @pytest.mark.memory_ceiling("1MB")
        def test_fixtures_are_not_blamed(big):
            pass

        @pytest.mark.memory_ceiling("10MB")
        def test_above():
            block = bytearray(6_000_000)
            assert block + block[:1_000_000]

        @pytest.mark.memory_ceiling("20MB")
        def test_within():
            for _ in range(10):
                assert bytearray(15_000_000)

        @pytest.mark.parametrize("size", [1, pytest.param(9, marks=pytest.mark.memory_ceiling("8MB")),
                                          pytest.param(14, marks=pytest.mark.memory_ceiling("15MB")), 13])
        @pytest.mark.memory_ceiling("12MB")
        def test_parameters(size):
            assert bytearray(size * 1_000_000)

        @pytest.mark.memory_ceiling("1MB")
        def test_fails_by_itself():
            assert not bytearray(5_000_000)

        @pytest.mark.memory_ceiling("1MB")
        @pytest.mark.xfail
        def test_xfail():
            assert not bytearray(5_000_000)

        def test_default():
            assert bytearray(41_000_000)
    """, ini="holdfast_ceiling = 40MB\n")
    assert done.status == 1
    assert done.failed() == {"test_above", "test_parameters[9]", "test_parameters[13]", "test_fails_by_itself",
                             "test_default"}
    assert "memory peak is 13.4 MiB, 3.8" in done.message("test_above")
    assert "memory_ceiling of 10MB" in done.message("test_above")
    assert "holdfast_ceiling of 40MB" in done.message("test_default")
    assert "assert not" in done.message("test_fails_by_itself")
    done.assert_peak("test_within", 15 * MB)
    done.assert_peak("test_parameters[1]", 1 * MB)
    assert done.figures("test_fixtures_are_not_blamed")[0] < 40 * KIB
    regions = harness.Report(harness.report_text(done.profile)).main.fields["regions"]
    peaks = {region["name"].rpartition("::")[2]: region["peak"]["bytes"] for region in regions}
    assert {name: done.figures(name)[0] for name in done.tests} == peaks


def test_leaks(run):
    done = run("""
        kept, cache, calls = [], {}, []

        class Node:
            def __init__(self):
                self.me, self.block = self, bytearray(3_000_000)

        @pytest.mark.memory_leaks("1MB")
        def test_keeps():
            kept.extend(bytearray(300_000) for _ in range(10))

        @pytest.mark.memory_leaks("1MB")
        def test_cycles_are_collected():
            gc.disable()
            Node()
            gc.enable()

        @pytest.mark.memory_leaks("1MB", warmups=2)
        def test_fills_a_cache():
            calls.append(1)
            cache.setdefault("x", bytearray(5_000_000))

        @pytest.mark.memory_leaks("1MB")
        def test_fills_a_cache_when_cold():
            cache.setdefault("y", bytearray(5_000_000))

        def test_calls():
            assert len(calls) == 3

        import ctypes
        libc = ctypes.PyDLL(None)
        libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]

        @pytest.mark.memory_churn("20MB")
        def test_churns():
            for _ in range(10):
                bytearray(3_000_000)

        @pytest.mark.memory_churn("20MB")
        def test_keeps_what_it_makes():
            kept.extend(bytearray(3_000_000) for _ in range(10))

        @pytest.mark.memory_native_leaks("64KiB")
        def test_loses_native_blocks():
            for _ in range(100):
                libc.malloc(1000)

        @pytest.mark.memory_native_leaks("64KiB")
        def test_keeps_objects():
            kept.append(bytearray(3_000_000))
    """)
    assert done.failed() == {"test_keeps", "test_fills_a_cache_when_cold", "test_churns", "test_loses_native_blocks"}
    assert "allocated 28.6 MiB and gave it back again" in done.message("test_churns") and "memory_churn of 20MB" in done.message("test_churns")
    assert "native code left 97.7 KiB behind" in done.message("test_loses_native_blocks")
    assert "left 2.86 MiB behind" in done.message("test_keeps") and "memory_leaks of 1MB" in done.message("test_keeps")
    assert 3 * MB <= done.figures("test_keeps")[1] <= 3 * MB + 40 * KIB


DRAGS = """
    import time

    def drags(size):
        block = bytearray(size)
        time.sleep({span})

    @pytest.mark.memory_drag("2MB")
    def test_drags():
        drags(8_000_000)

    @pytest.mark.memory_drag("1GB")
    def test_drags_less():
        drags(8_000_000)

    @pytest.mark.memory_drag("1MB")
    def test_has_no_big_block():
        pass
"""
GONE = """
    import time

    @pytest.mark.memory_drag("1")
    def test_is_gone_soon():
        block = bytearray(8_000_000)
        time.sleep(0.01)
"""


def test_drag(run):
    """Of big blocks that lie untouched; a user's error where nobody looks at that. On a busy machine looks are late: then
    nothing but a longer time tells."""
    for span in (1.2, 4.8, 9.6):
        done = run(DRAGS.format(span=span), "--holdfast-drag", traced=False)
        if harness.looks_are_refused():
            assert "3 ceilings could not be judged" in done.text and "see `holdfast doctor`" in done.text
            pytest.skip("there are no looks on this machine")
        if done.failed() == {"test_drags"} and "could not be judged" not in done.text:
            break
    assert done.failed() == {"test_drags"} and done.status == 1
    message = done.message("test_drags")
    assert re.search(r"big blocks of the test lay untouched for [\d.]+ MiB s, .* above the memory_drag of 2MB s", message), message
    done = run(DRAGS.format(span=0), "-k", "has_no_big")
    assert not done.failed() and done.status == 1 and "pytest --holdfast-drag does" in done.text


def test_drag_that_nobody_saw(run):
    """May have been above the limit: it is not judged, unless a look came in that short time."""
    done = run(GONE, "--holdfast-drag", traced=False)
    seen = done.failed() == {"test_is_gone_soon"}
    assert done.status == 1 and (seen or "nobody saw whether big blocks were touched" in done.text or harness.looks_are_refused()), done.text


def test_markers_of_pytest_memray(run):
    """What that plugin's documentation says of its markers, and its examples' allocations."""
    done = run("""
        kept = []

        def do_some_stuff():
            return [bytearray(1000) for _ in range(100)]

        def test_track():
            assert [1] * 5_000

        @pytest.mark.limit_memory("100 KB")
        def test_memory_exceed():
            assert [[i] * 1_000 for i in range(15)]

        @pytest.mark.limit_memory("24 MB")
        def test_foobar():
            assert bytearray(24 * 1024 * 1024 - 100_000)

        @pytest.mark.limit_leaks("1 MB")
        def test_no_leak():
            for _ in range(100):
                do_some_stuff()

        @pytest.mark.limit_leaks("1 MB")
        def test_each_stack_alone():
            kept.append(bytearray(700_000))
            kept.append(bytearray(700_000))

        @pytest.mark.limit_leaks("1 MB")
        def test_one_stack():
            for _ in range(3):
                kept.append(bytearray(700_000))

        @pytest.mark.limit_memory("2 MB", current_thread_only=True)
        def test_current_thread():
            in_thread(8_000_000)

        @pytest.mark.limit_memory("2 MB")
        def test_all_threads():
            in_thread(8_000_000)

        def in_thread(size):
            thread = threading.Thread(target=bytearray, args=(size,))
            thread.start()
            thread.join()

        seen = []

        def not_known(stack):
            seen.append(stack)
            return all(frame.function != "known_to_leak" for frame in stack.frames)

        def known_to_leak():
            return bytearray(5_000_000)

        @pytest.mark.limit_leaks("1 MB", filter_fn=not_known)
        def test_filter():
            kept.append(known_to_leak())
            kept.append(bytearray(900_000))

        @pytest.mark.limit_leaks("1 MB", filter_fn=not_known)
        def test_filter_lets_others_pass():
            kept.append(known_to_leak())
            kept.append(bytearray(3_000_000))

        @pytest.mark.limit_leaks("1 MB", filter_fn=not_known, current_thread_only=True)
        def test_filter_in_this_thread():
            kept.append(bytearray(2_000_000))

        @pytest.mark.limit_leaks("1 MB", filter_fn=lambda stack: stack.nothing)
        def test_filter_fails():
            kept.append(bytearray(2_000_000))

        def test_what_the_filter_was_given():
            functions = [[frame.function for frame in stack.frames][:2] for stack in seen]
            assert functions == [["known_to_leak", "test_filter"], ["known_to_leak", "test_filter_lets_others_pass"],
                                 ["test_filter_lets_others_pass", "pytest_pyfunc_call"],
                                 ["test_filter_in_this_thread", "pytest_pyfunc_call"]]
            assert all(frame.filename and frame.lineno > 0 for stack in seen for frame in stack.frames[:2])
            assert open(seen[0].frames[0].filename).readlines()[seen[0].frames[0].lineno - 1].strip() == \
                "return bytearray(5_000_000)"

        @pytest.mark.limit_memory("24 potatoes")
        def test_bad_format():
            pass
    """)
    assert done.failed() == {"test_memory_exceed", "test_one_stack", "test_all_threads", "test_filter_lets_others_pass",
                             "test_filter_in_this_thread", "test_filter_fails"}, done.text
    assert "one call stack of the test left 2.86 MiB behind" in done.message("test_filter_lets_others_pass")
    assert "filter_fn failed: AttributeError" in done.message("test_filter_fails")
    assert done.tests["test_bad_format"].find("error") is not None and "24 potatoes" in done.text
    assert "limit_memory of 100 KB" in done.message("test_memory_exceed")
    done.assert_peak("test_memory_exceed", 15 * 8000, slack=4 * KIB)
    done.assert_peak("test_track", 5000 * 8, slack=4 * KIB)


def test_filter_of_one_among_many(run):
    """Of a test with a long name, and of one that is run again: what it left this time."""
    done = run("""
        kept, seen = [], []

        def counts(stack):
            seen.append(stack)
            return True

        @pytest.mark.parametrize("name", ["\u00e4" * 130 + "a", "\u00e4" * 130 + "b"], ids=lambda name: "x" * 300 + name[-1])
        @pytest.mark.limit_leaks("1 MB", filter_fn=counts)
        def test_long(name):
            kept.append(bytearray(3_000_000 if name[-1] == "a" else 1000))

        @pytest.mark.limit_leaks("1 MB", filter_fn=lambda stack: stack.frames[0].function == "second")
        def test_again():
            (second if seen.count("again") else first)()
            seen.append("again")

        def first():
            block = bytearray(30_000_000)
            kept.append(bytearray(5_000_000))

        def second():
            kept.append(bytearray(2_000_000))
    """, "-p", "again")
    assert done.failed() == {"test_long[" + "x" * 300 + "a]", "test_again"}, done.text
    assert "left 2.86 MiB behind" in done.message("test_long[" + "x" * 300 + "a]")
    assert "left 1.91 MiB behind" in done.message("test_again")


def test_leak_that_is_not_told(run):
    """Nothing is known of who left it: that is no reason to pass."""
    done = run("""
        from holdfast import pytest_plugin

        def test_begin():
            pytest_plugin.find_leaks = lambda *_, **__: []

        @pytest.mark.limit_leaks("1 MB", filter_fn=lambda stack: True)
        def test_leaks():
            test_leaks.kept = bytearray(5_000_000)
    """)
    assert done.status == 1 and "1 ceilings could not be judged" in done.text


def test_expected_to_fail(run):
    """A test that is above its ceiling has failed; where it may, that is as expected."""
    done = run("""
        @pytest.mark.memory_ceiling("1MB")
        @pytest.mark.xfail(reason="too big")
        def test_above():
            assert bytearray(5_000_000)

        @pytest.mark.memory_ceiling("1MB")
        @pytest.mark.xfail(reason="too big", strict=True)
        def test_above_strict():
            assert bytearray(5_000_000)

        @pytest.mark.memory_ceiling("9MB")
        @pytest.mark.xfail
        def test_within():
            assert bytearray(5_000_000)
    """)
    assert done.status == 0 and "2 xfailed, 1 xpassed" in done.text
    done = run("""
        @pytest.mark.memory_ceiling("1MB")
        @pytest.mark.xfail(raises=ValueError)
        def test_other_failure():
            assert bytearray(5_000_000)
    """)
    assert done.status == 1 and "memory_ceiling of 1MB" in done.message("test_other_failure")


LOST = """
        import holdfast._regions

        asked = []

        def test_loses_the_tracer():
            holdfast._regions._library.measure = lambda *_: asked.append(1) or -1

        @pytest.mark.parametrize("size", [1, 2])
        @pytest.mark.memory_ceiling("9MB")
        @pytest.mark.memory_leaks("9MB")
        def test_with_limits(size):
            assert len(asked) == 1, "each time would be a wait"
"""


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_what_cannot_be_judged_is_not_kept(run, arguments):
    if arguments:
        pytest.importorskip("xdist")
    done = run(LOST, *arguments)
    assert done.status == 1 and not done.failed()
    assert "holdfast: 4 ceilings could not be judged" in done.text
    assert "memory could not be measured; not judged" in done.text


def test_what_needs_no_judging_may_be_lost(run):
    done = run(LOST.partition("@pytest.mark")[0])
    assert done.status == 0 and "judged" not in done.text


def test_start_of_a_python_without_orig_argv(run):
    """What started pytest, as coverage does, is started again, too."""
    program = ("import runpy, sys\nif hasattr(sys, 'orig_argv'): del sys.orig_argv\nprint('by a runner', flush=True)\n"
               "runpy.run_module('pytest', run_name='__main__', alter_sys=True)")
    done = run(TESTS, command=("-c", program))
    assert done.failed() == {"test_above"} and done.text.count("by a runner") == 2


def test_xdist_and_asyncio(run):
    pytest.importorskip("xdist")
    done = run("""
        import asyncio, unittest

        async def hold(size):
            block = bytearray(size)
            await asyncio.sleep(0)
            return len(block)

        @pytest.mark.parametrize("size", range(1, 9))
        @pytest.mark.memory_ceiling("6500kB")
        def test_many(size):
            assert bytearray(size * 1_000_000)

        def test_tasks():
            async def both():
                return await asyncio.gather(hold(3_000_000), hold(4_000_000))
            assert asyncio.run(both()) == [3_000_000, 4_000_000]

        class Case(unittest.IsolatedAsyncioTestCase):
            async def test_method(self):
                self.assertEqual(await hold(5_000_000), 5_000_000)
    """, "-n", "2")
    assert done.failed() == {"test_many[7]", "test_many[8]"}
    for size in range(1, 9):
        done.assert_peak(f"test_many[{size}]", size * MB)
    done.assert_peak("test_tasks", 7 * MB, slack=2 * MB)
    done.assert_peak("test_method", 5 * MB, slack=2 * MB)


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_pytest_asyncio(run, mode):
    """Its tests are coroutines, which its event loop runs; one of its fixtures is not blamed on them."""
    pytest.importorskip("pytest_asyncio")
    done = run("""
        import asyncio, holdfast, pytest_asyncio

        @pytest_asyncio.fixture
        async def big():
            return bytearray(30_000_000)

        async def hold(name, size):
            with holdfast.region(name):
                block = bytearray(size)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                return len(block)

        @pytest.mark.asyncio
        @pytest.mark.memory_ceiling("9MB")
        async def test_within(big):
            assert await asyncio.gather(hold("one", 3_000_000), hold("two", 4_000_000)) == [3_000_000, 4_000_000]

        @pytest.mark.asyncio
        @pytest.mark.memory_ceiling("6MB")
        async def test_above():
            await asyncio.gather(hold("three", 3_000_000), hold("four", 4_000_000))

        @pytest.mark.asyncio
        @pytest.mark.memory_leaks("1MB")
        async def test_leaks():
            big.kept = bytearray(2_000_000)
    """, asyncio=("-p", "asyncio"), ini=f"asyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\n")
    assert done.failed() == {"test_above", "test_leaks"}, done.text
    done.assert_peak("test_within", 7 * MB, slack=2 * MB)
    regions = harness.Report(harness.report_text(done.profile)).main.fields["regions"]
    own = {region["name"]: region["peak"]["bytes"] for region in regions if "::" not in region["name"]}
    assert {name: round(size / MB) for name, size in own.items()} == {"one": 3, "two": 4, "three": 3, "four": 4}


def test_table(run):
    done = run("""
        @pytest.mark.parametrize("size", [1, 5, 3, 4, 2])
        def test_size(size):
            assert bytearray(size * 1_048_576)
    """, "--holdfast-top", "3", "--holdfast-output", "other.holdfast")
    assert done.status == 0 and (done.folder / "other.holdfast").exists()
    assert re.findall(r"^ +(\d)\.\d\d MiB .*::test_size\[(\d)\]$", done.text, re.M) == [("5", "5"), ("4", "4"), ("3", "3")]
    assert "holdfast report other.holdfast" in done.text


TESTS = """
    @pytest.mark.memory_ceiling("1MB")
    def test_above():
        print("said in the test")
        assert bytearray(5_000_000)
"""


def test_without_the_option(run):
    done = run(TESTS, traced=False)
    assert done.status == 0 and not done.profile.exists() and "memory of" not in done.text


def test_asked_for_in_the_ini_file(run):
    done = run(TESTS, traced=False, ini="holdfast = true\n")
    assert done.failed() == {"test_above"} and "said in the test" in done.text


def test_started_by_another_program(run):
    program = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    done = run(TESTS, command=("-c", program))
    assert done.status == 4 and "holdfast run" in done.errors


def test_within_a_run_of_its_own(run, package):
    """`holdfast run -- pytest --holdfast` needs no second start."""
    done = run(TESTS)
    environment = {**os.environ, "PYTHONPATH": str(package)}
    completed = subprocess.run([harness.holdfast_binary(), "run", "-q", "-o", "own.holdfast", "--", sys.executable, "-m",
                                "pytest", "--holdfast", "-q"], cwd=done.folder, env=environment, capture_output=True)
    assert completed.returncode == 1 and b"memory_ceiling of 1MB" in completed.stdout
    assert (done.folder / "own.holdfast").exists()
