"""Reports about this process while it runs: its profile so far, and what our executable says of that."""
import json
import os
import subprocess
from typing import Any, Dict

from ._executable import find


class Failed(Exception):
    """Why there is no report, for the user."""


def command(*words: str) -> str:
    """What our executable says to that."""
    executable = find()
    if executable is None:
        raise Failed("its executable is not where it was installed; install Holdfast again")
    # No part of the program: or it would be traced as one of its processes (wire/session.h).
    environment = {**os.environ, "_HOLDFAST_UNTRACED": "1"}
    done = subprocess.run([executable, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment)
    if done.returncode != 0:
        raise Failed(done.stderr.decode("utf-8", "replace").strip().replace("holdfast: ", "", 1) or
                     f"`holdfast {words[0]}` ended with {done.returncode}")
    return done.stdout.decode("utf-8", "replace")


def write_profile(path: str) -> None:
    """Of the run so far; this process goes on."""
    command("snapshot", "--no-snapshot", "--output", path, str(os.getpid()))


def own_process(path: str) -> Dict[str, Any]:
    """What the JSON report of a profile has of this process (docs/report-json.md)."""
    report = json.loads(command("report", "--format", "json", "--process", str(os.getpid()), path))
    if not report["processes"]:
        raise Failed("the profile does not have this process")
    found: Dict[str, Any] = report["processes"][-1]
    return found
