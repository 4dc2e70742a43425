"""Processes of every descent. Each takes 20,000,003 bytes in child_work(), the first one 10,000,003 in
own_work(), and waits for its children.

    family.py WAY
"""
import ctypes
import multiprocessing
import os
import subprocess
import sys

libc = ctypes.CDLL(None)
SELF = [sys.executable, os.path.abspath(__file__)]


def own_work():
    return bytes(10000003)


def child_work(*_):
    return bytes(20000003)


def by_fork():
    if os.fork() == 0:
        child_work()
        os._exit(0)
    os.wait()


def by_forks():
    """A child of a child."""
    if os.fork() == 0:
        by_fork()
        os._exit(0)
    os.wait()


def by_posix_spawn():
    os.waitpid(os.posix_spawn(SELF[0], [*SELF, "work"], os.environ), 0)


def by_posix_spawnp_and_other_environment():
    os.waitpid(os.posix_spawnp(SELF[0], [*SELF, "work"], {"ONLY": "this"}), 0)


def by_subprocess():
    subprocess.run([*SELF, "work"], check=True)


def by_subprocess_with_other_environment():
    subprocess.run([*SELF, "work"], check=True, env={"ONLY": "this"}, cwd="/")


def by_subprocess_with_preexec():
    subprocess.run([*SELF, "work"], check=True, preexec_fn=lambda: None, close_fds=True)


def by_vfork():
    """subprocess uses vfork where it can; libc's own system() and popen() do, too."""
    libc.system(" ".join([*SELF, "work"]).encode())


def by_system():
    os.system(" ".join([*SELF, "work"]))


def by_popen():
    os.popen(" ".join([*SELF, "work"])).read()


def by_fork_and_exec():
    if os.fork() == 0:
        os.execv(SELF[0], [*SELF, "work"])
    os.wait()


def by_multiprocessing(method):
    context = multiprocessing.get_context(method)
    process = context.Process(target=child_work)
    process.start()
    process.join()
    assert process.exitcode == 0


def by_daemon():
    """Two forks and a session of its own; the pipe tells when it is done."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, writing)
            child_work()
            os.write(writing, b"done")
            os._exit(0)
        os._exit(0)
    os.wait()
    os.close(writing)
    assert os.read(reading, 4) == b"done"


def exchange(sends, receives, rounds, first):
    """Holds 100 MB only while it is its turn: the two never do so at once."""
    for _ in range(rounds):
        if not first:
            os.read(receives, 1)
        first = False
        turn()
        os.write(sends, b"x")
    return rounds


def turn():
    return len(bytes(100 << 20))


def by_turns():
    to_child, to_parent = os.pipe(), os.pipe()
    if os.fork() == 0:
        exchange(to_parent[1], to_child[0], 10, False)
        os._exit(0)
    exchange(to_child[1], to_parent[0], 10, True)
    os.wait()


def main():
    way = sys.argv[1]
    if way == "work":
        child_work()
        return
    held = own_work()
    if way.startswith("multiprocessing-"):
        by_multiprocessing(way.split("-")[1])
    else:
        globals()["by_" + way.replace("-", "_")]()
    print("held", len(held))


if __name__ == "__main__":
    main()
