"""Is the truth in tests/programs/holders true? Its programs run here under an opcode tracer, without Holdfast."""
import json

import pytest

import corpus
import harness
from corpus import OF_PACKAGES, ON_ANY, ON_SOME, VENV


def told(mode, program, path, environment, helpers, variants):
    outcome = harness.plain(path, harness.PROGRAMS / "read_later.py", mode, program.path, *variants, "--", helpers,
                            env=environment)
    assert outcome.status == 0, outcome.text_err()[-2000:]
    return json.loads(outcome.stdout)


def check(program, path, environment, helpers, version):
    wrong = []
    variants = [name for name, said in program.expect.items() if not said.get("untraced")]
    for name, (read, unread) in told("reads", program, path, environment, helpers, variants).items():
        said = program.expect[name]
        wrong += [f"{name}: {one} is {'read' if one in read else 'not there'}, not dead"
                  for one in said["dead"] if one not in unread and not one.startswith("*")]
        wrong += [f"{name}: {one} is not read" for one in said.get("read", []) if one not in read]
    cured = {name: said["released"] for name, said in program.expect.items() if "released" in said}
    if cured:
        peaks = told("peaks", program, path, environment, helpers,
                     sorted({*cured, *(cure for cures in cured.values() for cure in cures)}))
        for name, cures in cured.items():
            saved = [peaks[name] - peaks[cure] for cure in cures]
            facts = [corpus.Fact(program, fields) for fields in
                     [*program.expect[name].get("some", []), *filter(None, [program.expect[name].get("first")])]]
            least = max(program.value(fact.fields.get("saves", "1")) for fact in facts if fact.about(version))
            # What tracemalloc and the tracer take of their own is not the same in every variant.
            if min(saved) < least * 0.98 or max(saved) - min(saved) > peaks[name] / 100:
                wrong.append(f"{name}: {cures} save {saved} of {peaks[name]}, not {least}")
    if wrong:
        pytest.fail(f"{program.name}:\n" + "\n".join(wrong), pytrace=False)


@pytest.mark.parametrize("program", ON_ANY)
def test_truth_everywhere(any_python, program, helpers):
    check(program, any_python.path, any_python.environment(), helpers, any_python.version)


@pytest.mark.parametrize("program", ON_SOME)
def test_truth(some_python, program, helpers):
    check(program, some_python.path, some_python.environment(), helpers, some_python.version)


@pytest.mark.parametrize("program", OF_PACKAGES)
def test_truth_of_packages(python, program, helpers):
    program.skip_without_packages()
    check(program, VENV, python.environment(), helpers, python.version)
