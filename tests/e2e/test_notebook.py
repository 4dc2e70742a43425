"""`%%holdfast`, in a notebook that a real kernel runs: the kernel of the installed spec, and an untraced one."""
import html
import json
import os
import re
import subprocess
import sys

import pytest

import harness

nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")

MB = 10**6
LOAD = """
def load():
    first = bytearray(40_000_000)
    second = bytes(4 * len(first))
    return len(second)
"""


def run(arguments, environment, expect=0):
    done = harness.plain(sys.executable, "-m", "holdfast.kernel", *arguments, env=environment)
    assert done.status == expect, done.text_out() + done.text_err()
    return done.text_out() if expect == 0 else done.text_err()


@pytest.fixture(scope="module")
def environment(package, tmp_path_factory):
    """Where the kernel is installed, and nothing of this machine's Jupyter is."""
    home = tmp_path_factory.mktemp("jupyter")
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("JUPYTER", "PYTEST", "_HOLDFAST", "PYTHON", "IPYTHON"))}
    found = {**kept, "HOME": str(home), "PYTHONPATH": str(package), "JUPYTER_PATH": str(home / "prefix/share/jupyter"),
             "JUPYTER_RUNTIME_DIR": str(home / "runtime"), "TMPDIR": str(home),
             "JUPYTER_PLATFORM_DIRS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1",
             "PATH": f"{harness.holdfast_binary().resolve().parent}:{kept['PATH']}"}
    run(["install", "--prefix", str(home / "prefix")], found)
    return found


@pytest.fixture
def in_environment(environment, monkeypatch, tmp_path):
    """Jupyter's own code, in this process, looks at its environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def notebook_of(cells):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def execute(folder, notebook, kernel="holdfast", **options):
    """The outputs of each cell, as a notebook keeps them; `notebook`: one, or the texts of its cells."""
    notebook = notebook_of(notebook) if isinstance(notebook, list) else notebook
    nbclient.NotebookClient(notebook, kernel_name=kernel, timeout=300, startup_timeout=300,
                            resources={"metadata": {"path": str(folder)}}, **options).execute()
    return [cell.outputs for cell in notebook.cells]


def rich(outputs):
    [found] = [one for one in outputs if one.output_type == "display_data"]
    return found.data["text/plain"], found.data["text/html"]


def test_cell(in_environment, browser):
    """A cell after a bigger one: its own peak, holders and stacks, though the kernel has had more before."""
    _, before, _, outputs, text_only, after = execute(in_environment, [
        "%load_ext holdfast", "len(bytes(300_000_000))", LOAD, "%%holdfast\nvalue = load()\nprint('done', value)",
        "%%holdfast --text -n loading -o page.html\nload()", "value"])
    text, page = rich(outputs)
    assert [one.text for one in outputs if one.output_type == "stream"] == ["done 160000000\n"]
    peak = re.match(r"Memory of cell 4: peak (\d+)\.?\d* MiB\n", text)
    assert 190 <= int(peak[1]) <= 195, text  # 200 MB
    assert "first in load()" in text or "`first` in load()" in text
    assert "second = bytes(4 * len(first))" in text
    assert after[0].data["text/plain"] == "160000000"
    assert len(page) < 3 * MB
    assert "<iframe" in page and 'sandbox="allow-scripts"' in page and 'title="Memory of cell 4' in page
    look_at(browser, in_environment, page)
    told, plain = rich(text_only)
    assert "Memory of loading: peak 19" in told and "<iframe" not in plain and "load()" in plain
    assert (in_environment / "page.html").read_text().startswith("<!DOCTYPE html>")
    assert text_only[0].output_type == "execute_result" or any(one.output_type == "execute_result" for one in text_only)


def look_at(browser, folder, page):
    """The output as a browser has it: the page in its frame draws the stacks, and is told by its name."""
    shown = folder / "output.html"
    shown.write_text(f"<!doctype html><html lang=en><title>notebook</title><main>{page}</main></html>")
    tab = browser.open(shown)
    assert "Memory of cell 4: peak" in tab.text("main")
    assert tab.run("document.querySelector('iframe').title").startswith("Memory of cell 4")
    assert tab.errors() == []
    tab.close()
    inside = folder / "inside.html"
    inside.write_text(html.unescape(re.search(r'srcdoc="([^"]*)"', page)[1]))
    tab = browser.open(inside)
    assert "only what was allocated in the region cell 4" in tab.text("header").lower()
    assert tab.run("document.querySelectorAll('canvas').length") >= 1 and "first" in tab.text("main")
    assert tab.errors() == []
    tab.close()


def test_cell_that_is_changed_and_run_again(in_environment):
    """Its report is of this time, though the last one had more; a cell that cannot be encoded is no obstacle."""
    cells = ["%load_ext holdfast", "%%holdfast -t -n load\nlen(bytes(50_000_000))",
             "get_ipython().run_cell('x = \"' + chr(0xd800) + '\"')", "%%holdfast -t -n load\nlen(bytes(9_000_000))",
             "import glob, os, tempfile\nglob.glob(os.path.join(tempfile.gettempdir(), f'ipykernel_{os.getpid()}*'))"]
    outputs = execute(in_environment, cells, allow_errors=True)
    assert "load: peak 47." in rich(outputs[1])[0]
    again = rich(outputs[3])[0]
    assert re.search(r"load \(2\): peak 8[.][56]", again) and "bytes(9_000_000)" in again and "50_000_000" not in again
    assert outputs[4][0].data["text/plain"] == "[]"


def test_errors_and_size(in_environment):
    """A cell that fails has a report all the same; a page that is too large is not put into the notebook."""
    _, failed, after, _, large = execute(in_environment, [
        "%load_ext holdfast", "%%holdfast\nblock = bytearray(20_000_000)\n1 / 0", "len(block)",
        "from holdfast import _notebook\n_notebook.PAGE_MOST = 1000", "%%holdfast\nlen(bytes(10_000_000))"],
        allow_errors=True)
    assert any("ZeroDivisionError" in json.dumps(one) for one in failed)
    assert re.search("peak (19|20)[.]", rich(failed)[0]) and after[0].data["text/plain"] == "20000000"
    text, page = rich(large)
    assert "too much for a notebook" in text and "<iframe" not in page and len(page) < 30_000


@pytest.mark.parametrize("kernel", ["holdfast", "python3"])
@pytest.mark.parametrize("code, name", [("block = bytearray(20_000_000)\n1 / 0", "ZeroDivisionError"),
                                        ("1 +", "SyntaxError")])
def test_failing_cell_stops_the_notebook(in_environment, kernel, code, name):
    """What runs all cells stops at one that fails, and shows its error once, below the report."""
    ran = in_environment / "ran"
    notebook = notebook_of(["%load_ext holdfast", f"%%holdfast\n{code}", f"open({str(ran)!r}, 'w').close()"])
    with pytest.raises(nbclient.exceptions.CellExecutionError) as failed:
        execute(in_environment, notebook, kernel)
    assert failed.value.ename == name and not ran.exists()
    outputs = notebook.cells[1].outputs
    assert [one.output_type for one in outputs][1:] == ["error"] and len(outputs) == 2, outputs
    assert outputs[1].ename == name
    # IPython renders a SyntaxError with all frames, ours too.
    assert name == "SyntaxError" or "_notebook.py" not in "".join(outputs[1].traceback)


def test_errors_that_are_printed(in_environment):
    """Once, as those of any other cell."""
    cells = ["%load_ext holdfast", "%%holdfast -t\nfrom IPython.core.error import UsageError\nraise UsageError('not so')"]
    if sys.version_info >= (3, 11):
        cells.append("%%holdfast -t\nraise ExceptionGroup('not so', [ValueError('one')])")
    for outputs in execute(in_environment, cells, "python3", allow_errors=True)[1:]:
        assert len(re.findall("(UsageError|ExceptionGroup): not so", json.dumps(outputs))) == 1, outputs


def test_what_cannot_be_displayed(in_environment):
    """Errors that do not end the cell are shown by it as by any other."""
    code = "class Broken:\n    def __repr__(self): 1 / 0\nBroken()"
    outputs = execute(in_environment, ["%load_ext holdfast", f"%%holdfast -t\n{code}"], "python3", allow_errors=True)[1]
    assert [one.ename for one in outputs if one.output_type == "error"] == ["ZeroDivisionError"], outputs


def test_untraced(in_environment):
    """In any other kernel the cell runs, and it is said what to do."""
    from jupyter_client.kernelspec import KernelSpecManager
    assert "python3" in KernelSpecManager().find_kernel_specs()
    _, outputs = execute(in_environment, ["%load_ext holdfast", "%%holdfast\nprint(len(bytes(1000)))"], "python3")
    text = "".join(one.text for one in outputs)
    assert text.startswith("1000\n") and "python -m holdfast.kernel install" in text and len(outputs) <= 2


def answer(client, message):
    while True:
        reply = client.get_shell_msg(timeout=300)
        if reply["parent_header"]["msg_id"] == message:
            return reply["content"]


def test_interrupt_and_end(in_environment):
    """An interrupt stops the cell once, and the kernel goes on until it is shut down."""
    from jupyter_client.manager import start_new_kernel
    manager, client = start_new_kernel(kernel_name="holdfast", startup_timeout=300)
    try:
        begun = in_environment / "begun"
        # Else what is asked for within a moment after the error is not run.
        code = "import time\nopen({!r}, 'w').close()\nwhile True: time.sleep(0.02)"
        sleeps = client.execute(code.format(str(begun)), stop_on_error=False)
        harness.wait_for(begun.exists)
        manager.interrupt_kernel()
        reply = answer(client, sleeps)
        assert reply["status"] == "error" and reply["ename"] == "KeyboardInterrupt"
        assert answer(client, client.execute("%load_ext holdfast"))["status"] == "ok"
        traced = in_environment / "traced"
        sleeps = client.execute("%%holdfast\n" + code.format(str(traced)), stop_on_error=False)
        harness.wait_for(traced.exists)
        manager.interrupt_kernel()
        assert answer(client, sleeps)["ename"] == "KeyboardInterrupt"
        assert answer(client, client.execute("1 + 1"))["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    assert not manager.is_alive()


def test_install_and_uninstall(environment, tmp_path):
    prefix = tmp_path / "prefix"
    text = run(["install", "--prefix", prefix, "--name", "other", "--display-name", "Other"], environment)
    assert "-m holdfast.kernel uninstall --name other" in text
    found = json.loads((prefix / "share/jupyter/kernels/other/kernel.json").read_text())
    assert found["display_name"] == "Other" and found["argv"][1].endswith("/_start_kernel.py") and found["argv"][2] == "start"
    there = {**environment, "JUPYTER_PATH": str(prefix / "share/jupyter")}
    run(["uninstall", "--name", "other"], there)
    assert not (prefix / "share/jupyter/kernels/other").exists()
    assert "no kernel" in run(["uninstall", "--name", "other"], there, expect=2)
    foreign = prefix / "share/jupyter/kernels/foreign"
    foreign.mkdir(parents=True)
    (foreign / "kernel.json").write_text('{"display_name": "Foreign", "language": "python"}')
    for name in ("python3", "foreign"):
        assert "not one of Holdfast's" in run(["uninstall", "--name", name], there, expect=2)


def test_modules_beside_the_notebook(in_environment):
    """A file that is called as one of the standard library's is the notebook's own, not the tracer's."""
    for name in ("argparse", "tempfile", "json", "holdfast"):
        (in_environment / f"{name}.py").write_text("raise SystemExit('not this one')")
    (in_environment / "beside.py").write_text("value = 5")
    [outputs] = execute(in_environment, ["import beside\nbeside.value"])
    assert outputs[0].data["text/plain"] == "5"


ORPHAN = """
import sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="holdfast", startup_timeout=300)
client.execute("import os; open(%r, 'w').write(str(os.getpid()))")
sys.stdin.read()
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_kernel_ends_with_who_started_it(in_environment, environment):
    told = in_environment / "pid"
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN % str(told)], stdin=subprocess.PIPE, env=environment)
    harness.wait_for(lambda: told.exists() and told.read_text())
    kernel = int(told.read_text())
    parent.stdin.close()
    parent.wait()
    harness.wait_for(lambda: not os.path.exists(f"/proc/{kernel}"))
