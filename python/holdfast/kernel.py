"""A Jupyter kernel that is traced: what `%%holdfast` in a notebook needs.

    python -m holdfast.kernel install       into this environment; --user, --prefix DIR: elsewhere
    python -m holdfast.kernel uninstall

Installed is a kernel spec of its own, beside the others: "Python 3 (Holdfast)". A notebook that chooses it is run
by this interpreter's ipykernel under `holdfast run`. Jupyter itself starts it by `start`.
"""
import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

from ._executable import find

# As `-m holdfast.kernel`, without a notebook's own folder among those that modules come from: not even for ours.
MODULE = [str(Path(__file__).resolve().with_name("_start_kernel.py"))]
NAME, DISPLAY_NAME = "holdfast", "Python 3 (Holdfast)"
PARENT = "_HOLDFAST_KERNEL_PARENT"  # in the environment: who started `start`


def fail(text: str) -> int:
    print(f"holdfast: {text}", file=sys.stderr)
    return 2


def manager() -> Optional[Any]:
    """Jupyter's register of kernels; None without ipykernel, which a kernel needs anyhow."""
    try:
        import ipykernel  # noqa: F401
        from jupyter_client.kernelspec import KernelSpecManager
    except ImportError:
        return None
    return KernelSpecManager()


def spec(display_name: str) -> Dict[str, Any]:
    return {
        "argv": [sys.executable, *MODULE, "start", "-f", "{connection_file}"],
        "display_name": display_name,
        "language": "python",
        "interrupt_mode": "message",  # a signal would come twice: to the kernel's process group, and passed on
        "metadata": {"debugger": True},
    }


def install(arguments: argparse.Namespace) -> int:
    kernels = manager()
    if kernels is None:
        return fail(f"{sys.executable} has no ipykernel: python -m pip install ipykernel")
    if find() is None:
        return fail("its executable is not where it was installed; install Holdfast again")
    prefix = None if arguments.user else arguments.prefix or sys.prefix
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # it is copied with its mode
        (Path(folder) / "kernel.json").write_text(json.dumps(spec(arguments.display_name), indent=1) + "\n")
        try:
            place = kernels.install_kernel_spec(folder, arguments.name, user=arguments.user, prefix=prefix)
        except (OSError, ValueError) as error:
            return fail(f"the kernel could not be installed: {error}")
    print(f'installed the kernel "{arguments.display_name}" in {place}')
    undo = f" --name {arguments.name}" if arguments.name != NAME else ""
    print(f"to undo that: {sys.executable} -m holdfast.kernel uninstall{undo}")
    return 0


def is_ours(folder: Path) -> bool:
    """The kernel spec that is there; ipykernel's own may be nowhere."""
    try:
        words = json.loads((folder / "kernel.json").read_text())["argv"]
        marks = ("holdfast.kernel", "/holdfast/_start_kernel.py")  # earlier versions had the first
        return any(mark in word for word in words for mark in marks)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def uninstall(arguments: argparse.Namespace) -> int:
    kernels = manager()
    found = kernels.find_kernel_specs().get(arguments.name) if kernels else None
    if kernels is None or found is None:
        return fail(f'there is no kernel "{arguments.name}" here')
    if not is_ours(Path(found)):
        return fail(f'the kernel "{arguments.name}" is not one of Holdfast\'s; it is left as it is')
    try:
        kernels.remove_kernel_spec(arguments.name)
    except OSError as error:
        return fail(f"the kernel could not be removed: {error}")
    print(f"removed {found}")
    return 0


def start(arguments: argparse.Namespace) -> int:
    executable = find()
    if executable is None:
        return fail("its executable is not where it was installed; install Holdfast again")
    profile = arguments.output or os.path.join(tempfile.mkdtemp(prefix=f"holdfast-kernel-{os.getpid()}-"), "kernel.holdfast")
    os.environ[PARENT] = str(os.getppid())
    for name in ("SIGPIPE", "SIGXFSZ"):  # as in __main__.py
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execv(executable, ["holdfast", "run", "-q", "-o", profile, "--",
                          sys.executable, *MODULE, "serve", "-f", arguments.file])


def grandparent() -> Optional[int]:
    """The parent of `holdfast run`, whose child this is."""
    try:
        with open(f"/proc/{os.getppid()}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


def end_with(parent: int) -> None:
    """A kernel ends when who started it is gone; ipykernel looks at its own parent alone."""
    while grandparent() == parent:
        time.sleep(1)
    os._exit(1)


def serve(arguments: argparse.Namespace) -> int:
    from ipykernel import kernelapp
    parent = int(os.environ.pop(PARENT, "0"))
    if parent > 1 and grandparent() == parent:
        threading.Thread(target=end_with, args=(parent,), name="holdfast-parent", daemon=True).start()
    sys.argv = ["ipykernel_launcher", "-f", arguments.file]
    kernelapp.launch_new_instance()
    return 0


def parse(words: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m holdfast.kernel", description="A Jupyter kernel that is traced.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="install|uninstall")
    for name, text in (("install", "make the kernel known to Jupyter"), ("uninstall", "undo that")):
        command = commands.add_parser(name, help=text)
        command.add_argument("--name", default=NAME, help=f"of the kernel spec; default: {NAME}")
    command = commands.choices["install"]
    command.add_argument("--display-name", default=DISPLAY_NAME, help=f"default: {DISPLAY_NAME}")
    where = command.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", help="for all your environments; default: this environment")
    where.add_argument("--sys-prefix", action="store_true", help="into this environment: the default")
    where.add_argument("--prefix", metavar="DIR", help="below DIR/share/jupyter")
    for name in ("start", "serve"):
        command = commands.add_parser(name)  # Jupyter's, and ours
        command.add_argument("-f", dest="file", required=True)
        command.add_argument("--output")
    return parser.parse_args(words)


def main() -> int:
    arguments = parse(sys.argv[1:])
    return {"install": install, "uninstall": uninstall, "start": start, "serve": serve}[arguments.command](arguments)


if __name__ == "__main__":
    sys.exit(main())
