"""How each child ended is in the profile, as its parent learnt it."""
import pytest

from harness import traced

PROGRAM = """
import os, signal, subprocess, sys
def fork(end):
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        bytearray(1000)
        os.write(tell, b"x")
        end()
    os.read(ready, 1)
    return pid
killed = fork(signal.pause)
os.kill(killed, signal.SIGKILL)
os.waitpid(killed, 0)
left = fork(lambda: os._exit(3))
os.wait()
aborted = fork(os.abort)
os.waitid(os.P_PID, aborted, os.WEXITED)
run = subprocess.Popen([sys.executable, "-c", "import sys; sys.exit(5)"])
run.wait()
print(killed, left, aborted, run.pid)
"""


@pytest.mark.parametrize("attempt", range(3))
def test_status_of_children(some_python, attempt):
    outcome = traced(some_python.path, "-c", PROGRAM, env=some_python.environment())
    killed, left, aborted, run = map(int, outcome.text_out().split())
    # The last image of each pid: an exec ends the ones before it.
    ends = {process.pid: process.fields["exit"] for process in outcome.report().processes}
    assert ends[killed] == {"status": None, "signal": 9}
    assert ends[left] == {"status": 3, "signal": None}
    assert ends[aborted] == {"status": None, "signal": 6}
    assert ends[run] == {"status": 5, "signal": None}
