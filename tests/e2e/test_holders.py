"""Who holds it: each program of tests/programs/holders has the truth beside it, and the report must agree.

A local that is called dead and is not is the worst that can be wrong, so that is looked for everywhere.
"""
import re

import pytest

import corpus
from corpus import OF_PACKAGES, ON_ANY, ON_SOME, VENV
from harness import report_text, traced

FAR = re.compile(r"references were seen at .* % below the peak")


def run(program, variant, python, path, helpers, *flags):
    arguments = [helpers] if "helpers" in program.needs else []
    outcome = traced(path, program.path, variant, *arguments, flags=("-q", *flags), env=python.environment(),
                     expect=program.expect[variant].get("status", 0))
    return outcome, outcome.report()


def meant(report, said):
    if said.get("process") == "biggest":
        return max(report.processes, key=lambda process: process.peak)
    return report.main


def sees_the_heap(process):
    snapshot = process.fields["peak"]["snapshot"]
    return snapshot and snapshot["complete"] and not snapshot["shallow"] and not snapshot["far_from_peak"]


# What is seen of locals alone is enough for these.
LOCALS_DO = {"clinging_local"}


class Runs:
    """One program on one interpreter: each variant is run once."""

    def __init__(self, program, python, path, helpers):
        self.program, self.python, self.path, self.helpers = program, python, path, helpers
        self.done = {}

    def variant(self, name):
        """A snapshot that would make the program wait for too long is left out, and a busy machine is slow. What
        then lies far from the peak is asked for by the peak's size, as a user would, which no budget refuses."""
        if name in self.done:
            return self.done[name]
        said = self.program.expect[name]
        self.done[name] = run(self.program, name, self.python, self.path, self.helpers)
        process = meant(self.done[name][1], said)
        if self.python.gil and said.get("far") is not True and not sees_the_heap(process):
            ceiling = process.peak - process.peak // 50
            self.done[name] = run(self.program, name, self.python, self.path, self.helpers, "--ceiling", ceiling)
        return self.done[name]

    def complaints(self, name):
        said = self.program.expect[name]
        outcome, report = self.variant(name)
        for process in report.processes:
            yield from corpus.general_complaints(process)
            yield from corpus.wrongly_dead(process, said["dead"])
        if not self.python.gil and self.program.name not in LOCALS_DO:
            return  # there is no whole graph
        process = meant(report, said)
        yield from corpus.complaints(self.program, said, process, self.python.version)
        for cured in [*said.get("released", []), *said.get("between", [])]:
            measured = meant(self.variant(cured)[1], self.program.expect[cured]).peak
            least, likely, most = corpus.released(process)
            if cured in said.get("released", []) and not corpus.near(likely, measured):
                yield f"peak {process.peak}, likely {likely} if released; {cured}() measures {measured}"
            if not least - corpus.SLACK <= measured <= most + corpus.SLACK:
                yield f"peak {process.peak}, {least} to {most} if released; {cured}() measures {measured}"
        if "text" in said or "far" in said:
            text = report_text(outcome.profile, "text")
            yield from (f"expected the text to hold {pattern}" for pattern in said.get("text", [])
                        if not re.search(pattern, text))
            if said.get("far", False) not in (None, bool(FAR.search(text))):
                yield f"expected the text to say far: {said.get('far', False)}; got {text[:400]}"

    def check(self):
        found = [f"{self.program.name} {name}, {self.python.label}: {text}"
                 for name in self.program.expect for text in self.complaints(name) if text]
        if found:
            pytest.fail("\n".join(found), pytrace=False)


@pytest.mark.parametrize("program", ON_ANY)
def test_holders_everywhere(any_python, program, helpers):
    Runs(program, any_python, any_python.path, helpers).check()


@pytest.mark.parametrize("program", ON_SOME)
def test_holders(some_python, program, helpers):
    Runs(program, some_python, some_python.path, helpers).check()


@pytest.mark.parametrize("program", OF_PACKAGES)
def test_holders_of_packages(python, program, helpers):
    program.skip_without_packages()
    Runs(program, python, VENV, helpers).check()
