"""Native stacks (`run --native`): chains of calls that are known, joined with Python's frames where they
belong, with names for what was inlined, replaced or stripped."""
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys

import pytest

import harness

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="native stacks are read on x86-64")
FLAGS = ("-q", "--no-holders", "--native")


def build(target, source, *flags):
    compiler = "g++" if source.endswith(".cpp") else "gcc"
    subprocess.run([compiler, "-O2", "-g", "-Wall", *flags, "-o", target, harness.PROGRAMS / source], check=True)
    return target


def build_library(folder):
    return build(folder / "libchain.so", "native.cpp", "-shared", "-fPIC", "-pthread")


def report(outcome, frames):
    text = harness.execute([harness.holdfast_binary(), "report", "--format", "json", "--frames", frames,
                            outcome.profile])
    assert text.returncode == 0, text.stderr.decode()
    return harness.Report(text.stdout.decode())


def functions(process, size):
    """The functions of the stack that took one block of this size, ctypes' and libffi's left out."""
    [site] = [site for site in process.sites if site.bytes == size]
    return [frame["function"].split("(")[0] for frame in site.stack
            if not frame.get("library", "").startswith(("_ctypes", "libffi"))]


def test_chain(some_python, tmp_path):
    """The library is gone when the profile is read."""
    library = build_library(tmp_path)
    done = harness.traced(some_python.path, harness.PROGRAMS / "native.py", library, flags=FLAGS,
                          env=some_python.environment())
    library.unlink()
    views = {frames: report(done, frames).main for frames in ("python", "native", "both")}
    assert len({view.peak for view in views.values()}) == 1
    python, both = views["python"], views["both"]
    chain = ["chain", "outer", "deep::Pool<int>::take", "take_inlined"]
    assert functions(both, 5_000_000) == ["<module>", "work", *chain]
    assert functions(both, 4_000_000) == ["<module>", "work", "tail_called", *chain[1:]]
    assert functions(both, 2_000_000) == ["<module>", "work", "call_back", "from_c", "inner", *chain]
    assert functions(views["native"], 5_000_000)[-4:] == chain
    handled = functions(both, 3_000_000)
    assert handled[:4] == ["<module>", "work", "take_in_handler", "interrupted"] and handled[-1] == "handler"
    # Python's own view has all of it in one place
    assert python.total(function="work") >= 12_000_000
    assert not any("module" in frame for site in python.sites for frame in site.stack)
    # threads that Python does not know
    inside = [site for site in both.sites if site.innermost["function"].split("(")[0] == "in_thread"]
    assert sum(site.bytes for site in inside) == 100 * 25_000
    for name, size in (("first", 700_000), ("second", 800_000)):
        [site] = [site for site in python.sites if site.bytes == size]
        assert site.functions() == [f"<thread {name}>"]
    libraries = {row["library"]: row["bytes"] for row in both.fields["peak"]["libraries"]}
    assert libraries["libchain"] >= 16_000_000 and sum(libraries.values()) == python.peak
    # the interpreter's own frames are outside of Python's, and between
    every = harness.execute([harness.holdfast_binary(), "report", "--frames", "all", "--format", "collapsed",
                             done.profile]).stdout.decode().splitlines()
    [stack] = [line.split(";") for line in every if line.endswith(" 2000000")]
    places = [next(i for i, frame in enumerate(stack) if frame.startswith(name))
              for name in ("_start", "<module> ", "work ", "from_c ", "inner ", "chain", "take_inlined")]
    assert places == sorted(places) and places[1] > 1 and places[3] > places[2] + 1


def test_ways(some_python, tmp_path):
    """The program says itself by which ways it took memory, how often: calls of all kinds, in turn, time and again."""
    library = build(tmp_path / "libpaths.so", "paths.c", "-shared", "-fPIC")
    done = harness.traced(some_python.path, harness.PROGRAMS / "paths.py", library, flags=FLAGS,
                          env=some_python.environment())
    expected = {tuple(way): times for way, times in json.loads(done.text_out())}
    names = {name for way in expected for name in way}
    found = {}
    for site in report(done, "both").main.sites:
        way = tuple(name for name in site.functions() if name in names)
        if way and (way[-1], site.bytes / site.blocks) in (("take_here", 50), ("keep_bytes", 1000 + 33)):
            found[way] = found.get(way, 0) + site.blocks
    assert len(expected) > 500 and found == expected


def test_lines(python, tmp_path):
    """Of debug information in a file of its own; of none, symbols with offsets."""
    library = build_library(tmp_path)
    source = (harness.PROGRAMS / "native.cpp").read_text().splitlines()

    def innermost():
        done = harness.traced(python.path, harness.PROGRAMS / "native.py", library, flags=FLAGS)
        return [[site for site in report(done, "both").main.sites if site.bytes == size][0].stack
                for size in (5_000_000, 3_000_000)]

    subprocess.run(["objcopy", "--only-keep-debug", library, tmp_path / "libchain.debug"], check=True)
    subprocess.run(["strip", library], check=True)
    subprocess.run(["objcopy", "--add-gnu-debuglink=libchain.debug", library], check=True, cwd=tmp_path)
    (*_, taker, inlined), (*_, handler) = innermost()
    assert "std::malloc(size)" in source[inlined["line"] - 1]
    assert "take_inlined(size)" in source[taker["line"] - 1]
    assert "std::malloc(3000000)" in source[handler["line"] - 1]
    assert os.path.basename(inlined["file"]) == "native.cpp"
    (tmp_path / "libchain.debug").unlink()
    (*_, exported, _, static), _ = innermost()
    assert exported["function"].startswith("chain+0x") and exported["line"] == 0
    assert exported["library"] == "libchain" and exported["module"] == static["module"] == str(library)
    assert static["function"].startswith("libchain.so+0x")


def test_symbols_of_another_section(tmp_path):
    """A static function of a stripped library is not part of `_init`, which has no size and is exported before it."""
    source, program = tmp_path / "first.c", tmp_path / "program.c"
    source.write_text("""#include <stdlib.h>
        __asm__(".pushsection .init, \\"ax\\"\\n.globl _init\\n.type _init, @function\\n_init: ret\\n.popsection");
        void *volatile kept;
        volatile int after;
        static __attribute__((noinline)) void take(size_t size) {
            kept = malloc(size);
            after++;
        }
        void asked(size_t size) {
            take(size);
            after++;
        }""")
    program.write_text("void asked(unsigned long); int main(void) { asked(1234567); return 0; }")
    library = build(tmp_path / "libfirst.so", str(source), "-shared", "-fPIC", "-nostartfiles", "-fno-toplevel-reorder")
    subprocess.run(["strip", library], check=True)
    build(tmp_path / "program", str(program), "-Wl,--no-as-needed", library, f"-Wl,-rpath,{tmp_path}")
    done = harness.traced(tmp_path / "program", flags=FLAGS)
    [site] = [site for site in report(done, "native").main.sites if site.bytes == 1234567]
    (exported, _), (static, offset) = (name.split("+") for name in site.functions()[-2:])
    listed = subprocess.run(["nm", "-D", "--defined-only", library], check=True, stdout=subprocess.PIPE, text=True)
    symbols = {name: int(address, 16) for address, _, name in map(str.split, listed.stdout.splitlines())}
    assert (exported, static) == ("asked", "libfirst.so")
    assert symbols["_init"] < int(offset, 16) < symbols["asked"]  # or nothing would be shown here


def test_replaced_libraries(tmp_path):
    """A stack belongs to what was mapped when it was taken; no Python is needed for that."""
    program = build(tmp_path / "loader", "plugin.c")
    plugins = [build(tmp_path / f"{name}.so", "plugin.c", "-shared", "-fPIC", f"-DPLUGIN={name}")
               for name in ("red", "green", "blue")]
    command = [program, *plugins, "300"]
    done = harness.traced(*command, flags=FLAGS)
    main = report(done, "python").main
    for number, name in enumerate(("red", "green", "blue")):
        sites = [site for site in main.sites if site.bytes == 100 * (1000 + number)]
        assert [site.functions() for site in sites] == [["main", "take", name]]


def test_loading_costs(tmp_path):
    """Loading and unloading a library costs at most three times what it does untraced (measured: 1.9): of processor
    time, the least of three runs each, in turn."""
    program = build(tmp_path / "loader", "plugin.c")
    plugins = [build(tmp_path / f"{name}.so", "plugin.c", "-shared", "-fPIC", f"-DPLUGIN={name}")
               for name in ("red", "green")]
    command = [program, *plugins, "4000"]
    costs = [(int(harness.execute(command).stdout), int(harness.traced(*command, flags=FLAGS).text_out()))
             for _ in range(3)]
    untraced, native = (min(column) for column in zip(*costs))
    assert native < 3 * untraced, costs


def test_cut_stacks(tmp_path):
    """Of a stack that is too deep the innermost frames are there, and it is told that others are missing."""
    source = tmp_path / "deep.c"
    source.write_text("""#include <stdlib.h>
        void *volatile kept;
        volatile int after;
        __attribute__((noinline)) void down(int left) {
            if (left > 0)
                down(left - 1);
            else
                kept = malloc(1234567);
            after++;
        }
        int main(void) { down(30000); }""")
    done = harness.traced(build(tmp_path / "deep", str(source)), flags=FLAGS)
    text = harness.execute([harness.holdfast_binary(), "report", done.profile]).stdout.decode()
    assert "1 stack " in text, text
    assert report(done, "native").main.total(function="down") == 1234567


def test_packages():
    """Of those that the tests' own Python has, in the versions of scripts/setup: which functions of which library took
    the memory."""
    missing = [name for name in ("numpy", "pandas", "polars", "pyarrow") if not importlib.util.find_spec(name)]
    if missing:
        pytest.skip(f"no {', '.join(missing)}")
    done = harness.traced(sys.executable, harness.PROGRAMS / "packages.py", flags=FLAGS)
    text = harness.execute([harness.holdfast_binary(), "report", "--frames", "native", "--format", "collapsed",
                            done.profile]).stdout.decode()

    def chain(size, room=0):
        """Functions without offsets, and the library of the last."""
        [line] = [line for line in text.splitlines() if size <= int(line.rpartition(" ")[2]) <= size + room]
        frames = [re.match(r"(.*) \((.*):\d+\)$", frame) for frame in line.rpartition(" ")[0].split(";")]
        return [re.sub(r"\+0x.*", "", frame[1]) for frame in frames], frames[-1][2]

    names, library = chain(8_000_024, 64)
    assert names[-4:] == ["PyArray_Empty_int", "PyArray_NewFromDescr_int", "PyDataMem_UserNEW", "default_malloc"]
    assert "/numpy/_core/" in library
    names, library = chain(7_000_000)
    assert "arrow::AllocateBuffer(long, arrow::MemoryPool*)" in names and "SystemAllocator" in names[-1]
    assert any("allocate_buffer" in name for name in names) and "/libarrow.so" in library
    assert re.search(r";hashtable\.[^;]*/pandas/_libs/hashtable[^;]* \d{8}$", text, re.MULTILINE)
    assert re.search(r"[^;]polars\w*::\w[^;]*_polars_runtime", text)  # demangled


def test_odd_names(tmp_path):
    """A library with a name as long as it can be counts; one that goes by a descriptor is not looked into."""
    program = build(tmp_path / "loader", "plugin.c")
    red, green = (build(tmp_path / f"{name}.so", "plugin.c", "-shared", "-fPIC", f"-DPLUGIN={name}")
                  for name in ("red", "green"))
    red = red.rename(tmp_path / ("x" + "\N{GREEK SMALL LETTER ALPHA}" * 120 + ".so"))
    done = harness.traced("sh", "-c", 'exec 9<"$0"; exec "$@"', green, program, red, "/proc/self/fd/9", "300",
                          flags=FLAGS)
    process = report(done, "all").processes[-1]  # what the shell became
    libraries = {row["library"]: row["bytes"] for row in process.fields["peak"]["libraries"]}
    assert libraries[red.name[:-3]] == 150 * 1000 and sum(libraries.values()) == process.peak
    [unknown] = [site for site in process.sites if site.bytes == 150 * 1001]
    assert unknown.innermost["function"].startswith("9+0x")


def test_without_native(python, tmp_path):
    """A profile of an ordinary run has no native frames, whatever is asked for."""
    done = harness.traced(python.path, "-c", "x = bytes(100_000)", flags=("-q", "--no-holders"))
    texts = {harness.execute([harness.holdfast_binary(), "report", "--format", "json", "--frames", frames,
                              done.profile]).stdout for frames in ("python", "all")}
    assert len(texts) == 1 and b'"module"' not in texts.pop()


def test_unknown_frames(python):
    wrong = harness.execute([harness.holdfast_binary(), "report", "--frames", "some", "x.holdfast"])
    assert wrong.returncode == 2 and b"python, native, both and all are known" in wrong.stderr
