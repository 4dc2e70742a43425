"""`python -m holdfast`: the command, by way of an interpreter that it is installed for."""
import os
import signal
import sys

from ._executable import find


def main() -> int:
    executable = find()
    if executable is None:
        print("holdfast: its executable is not where it was installed; install Holdfast again", file=sys.stderr)
        return 2
    # Python ignores these from its start; what is executed would inherit that, and the traced program, too.
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execv(executable, ["holdfast", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
