"""A program runs under Holdfast as it runs without: what it prints, sees, and may do is the same."""
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness import plain, traced


def compare(python, *arguments, flags=("-q",), **options):
    """Runs both ways; returns the traced outcome for more questions."""
    options.setdefault("env", python.environment())
    without = plain(python.path, *arguments, **options)
    outcome = traced(python.path, *arguments, expect=None, flags=flags, **options)
    assert (outcome.status, outcome.stdout) == (without.status, without.stdout)
    assert outcome.stderr == without.stderr
    return outcome


def test_what_it_sees(any_python):
    compare(any_python, harness.PROGRAMS / "look_around.py", "a b", "")


def test_what_it_sees_without_following(python):
    compare(python, harness.PROGRAMS / "look_around.py", flags=("-q", "--no-follow"))


def test_inherited_descriptors(python):
    """Those that the caller passes on stay open, at the same numbers."""
    reading, writing = os.pipe()
    program = "import os, sys; os.write(int(sys.argv[1]), b'x'); print(sorted(os.listdir('/proc/self/fd')))"
    compare(python, "-c", program, writing, pass_fds=[writing])
    assert os.read(reading, 10) == b"xx"
    os.close(reading)
    os.close(writing)


def test_its_own_preload_stays(python, compile_program):
    environment = python.environment(LD_PRELOAD="libm.so.6")
    compare(python, "-c", "import os; print(os.environ['LD_PRELOAD']); print(os.popen('echo $LD_PRELOAD').read())",
            env=environment)


@pytest.mark.parametrize("program", [
    "import sys; sys.stdout.buffer.write(bytes(range(256)) * 1000)",
    "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])",
    "import sys; print(input()); print(sys.stdin.readline()); sys.stderr.write('err\\n')",
    "import os; os.close(0); os.close(1); os.close(2); held = bytes(10**6)",
    "import os; os.closerange(3, 65536); held = [bytes(500) for _ in range(10**5)]; print(len(held))",
    "import os; os.closerange(0, 65536); held = [bytes(500) for _ in range(10**5)]; os._exit(9)",
    "import os, tempfile; os.chdir(tempfile.gettempdir()); held = bytes(10**7); os.system('pwd')",
    "import sys; sys.exit('message')",
    "raise SystemExit(250)",
    "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "import os, signal; os.kill(os.getpid(), signal.SIGQUIT)",
    "import threading; print([t.name for t in threading.enumerate()], threading.get_ident() != 0)",
    "import os; os.setsid() if os.getpid() != os.getpgrp() else 0; print(bytes(10**6)[:3])",
    "import os; os.environ.clear(); held = bytes(10**7); os.system('echo from the shell')",
    "import os; os.system('echo ${LD_PRELOAD-none} ${HOLDFAST_SESSION-none}; echo $0')",
    "import ctypes, os; ctypes.CDLL(None).clearenv(); os.system('/bin/echo from the shell')",
    "import fcntl, os; fcntl.flock(os.open('/dev/null', 0), 2); held = bytes(10**7); print('locked')",
], ids=lambda program: program[:60])
def test_output_and_status(python, program):
    compare(python, "-c", program, input=b"first line\nsecond line\n" * 1000)


@pytest.mark.parametrize("limit", ["RLIMIT_NOFILE, (5, 5)", "RLIMIT_NPROC, (0, 0)",
                                   "RLIMIT_FSIZE, (0, 0)", "RLIMIT_STACK, (262144, 262144)",
                                   "RLIMIT_MEMLOCK, (0, 0)", "RLIMIT_CORE, (0, 0)"])
def test_resource_limits(python, limit):
    compare(python, "-c", f"import resource; resource.setrlimit(resource.{limit})\n"
            "held = [bytes(500) for _ in range(10**5)]; print(len(held))")


@pytest.mark.parametrize("amount", ["300 << 20", "600 << 20"])
def test_memory_error(some_python, amount):
    """The room below RLIMIT_AS is the program's; what comes of exceeding it is a MemoryError."""
    compare(some_python, "-c", f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, ({amount}, {amount}))
def fill():
    held = []
    while True:
        held.append(bytes(16 << 20))
try:
    fill()
except MemoryError:
    print("too much")
print(len(bytes(100 << 20)))
""")


def test_chroot(python, tmp_path):
    program = """
import os, sys
try:
    os.chroot(sys.argv[1])
except PermissionError:
    sys.exit("may not")
os.chdir("/")
held = [bytes(5000) for _ in range(10000)]
print(os.listdir("/"), os.fork() and os.wait()[1])
"""
    compare(python, "-u", "-c", program, tmp_path)


def test_lower_user(python, tmp_path):
    """Once it is nobody, it can still be traced, and so can its children."""
    if os.getuid() != 0:
        pytest.skip("needs root")
    program = """
import os
os.setgid(65534); os.setuid(65534)
held = bytes(5000003)
print(os.fork() and os.wait()[1])
"""
    compare(python, "-u", "-c", program)


# Terminals

class Terminal:
    """A command on a terminal of its own, as its session's leader."""

    def __init__(self, command, environment):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            # Tests that were started in the background ignore these, and programs would inherit that.
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.execve(str(command[0]), [str(word) for word in command], environment)
        self.seen = b""
        self.ended = None

    def read(self):
        if not select.select([self.terminal], [], [], harness.TIME_LIMIT)[0]:
            raise AssertionError(f"silent after {self.seen!r}")
        try:
            data = os.read(self.terminal, 65536)
        except OSError:  # the other side is gone
            data = b""
        self.seen += data
        return bool(data)

    def wait_for(self, text, times=1):
        while self.seen.count(text) < times:
            assert self.read(), f"ended at {self.seen!r}"

    def program(self, python):
        """The process that the command itself is, or has started last."""
        found = {pid for pid in harness.descendants(self.pid) if os.path.samefile(f"/proc/{pid}/exe", python.path)}
        last, = [pid for pid in found if harness.descendants(pid) & found == {pid}]
        return last

    def type(self, text):
        os.write(self.terminal, text)

    def end(self):
        while self.read():
            pass
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.terminal)
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)


def both_ways(python, *arguments, before=()):
    """The command as it is, and under Holdfast."""
    run = [harness.holdfast_binary(), "run", "-q", "-o", harness.new_profile_path(), "--"]
    for prefix in ([], run):
        yield Terminal([*before, *prefix, python.path, *arguments], python.environment(TERM="dumb"))


def is_stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_interrupt_from_the_keyboard(some_python):
    ends = []
    for terminal in both_ways(some_python, "-u", "-c", "import time; print('ready'); time.sleep(10000)"):
        terminal.wait_for(b"ready\r\n")
        harness.wait_until_asleep(terminal.program(some_python))
        terminal.type(b"\x03")
        ends.append((terminal.end(), terminal.seen))
    assert ends[0] == ends[1]
    assert ends[0][0] == -signal.SIGINT


def test_interrupt_that_is_caught(python):
    program = """
import time
for _ in range(3):
    try:
        print("ready", flush=True)
        time.sleep(10000)
    except KeyboardInterrupt:
        print("caught", flush=True)
"""
    ends = []
    for terminal in both_ways(python, "-c", program):
        for times in range(1, 4):
            terminal.wait_for(b"ready\r\n", times)
            harness.wait_until_asleep(terminal.program(python))  # the line is out before that
            terminal.type(b"\x03")
            terminal.wait_for(b"caught\r\n", times)
        ends.append((terminal.end(), terminal.seen))
    assert ends[0] == ends[1]
    assert ends[0][0] == 0


# A shell's part: the kernel stops no group of processes whose session has nobody to continue it.
JOB_CONTROL = """
import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = os.fork()
if job == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.argv[1], sys.argv[1:])
while os.WIFSTOPPED(status := os.waitpid(job, os.WUNTRACED)[1]):
    os.tcsetpgrp(0, os.getpid())
    print("stopped", flush=True)
    os.read(0, 1)
    os.tcsetpgrp(0, job)
    os.killpg(job, signal.SIGCONT)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_stop_and_continue(python):
    program = "print('ready', flush=True); input(); print('went on')"
    for terminal in both_ways(python, "-c", program, before=[sys.executable, "-c", JOB_CONTROL]):
        terminal.wait_for(b"ready")
        stopped = terminal.program(python)
        terminal.type(b"\x1a")
        terminal.wait_for(b"stopped")
        harness.wait_for(lambda: is_stopped(stopped))
        terminal.type(b"\n")
        harness.wait_for(lambda: not is_stopped(stopped))
        assert b"went on" not in terminal.seen
        terminal.type(b"\n")
        assert terminal.end() == 0
        assert b"went on" in terminal.seen


def test_interactive_interpreter(some_python):
    ends = []
    for terminal in both_ways(some_python, "-q"):
        terminal.wait_for(b">>> ")
        for line in (b"held = bytes(10**7)", b"print(len(held) + 1)", b"import os; os.getpid() > 0"):
            terminal.type(line + b"\n")
        terminal.wait_for(b"True")
        terminal.type(b"raise SystemExit(4)\n")
        ends.append((terminal.end(), re.sub(rb"\x1b\[[?0-9;]*[A-Za-z]", b"", terminal.seen)))
    assert ends[0][0] == ends[1][0] == 4
    for end in ends:
        assert b"10000001" in end[1]


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1])
def test_signals_sent_to_the_command(python, number, ignored):
    """Whoever stops `holdfast run` as they would stop the program stops the program, also where the signal was ignored at
    the start, as interrupts are in a shell's background jobs: the program has a handler of its own. It sleeps in turns, as
    Python goes to sleep on a signal that comes right before it does."""
    program = ("import signal, sys, time\n"
               f"signal.signal({int(number)}, lambda *_: sys.exit(11))\n"
               "print('ready', flush=True)\nwhile True: time.sleep(0.02)")
    process = subprocess.Popen(
        [str(harness.holdfast_binary()), "run", "-q", "-o", str(harness.new_profile_path()), "--",
         python.path, "-c", program], env=python.environment(), stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL))
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    assert process.wait(timeout=harness.TIME_LIMIT) == 11
