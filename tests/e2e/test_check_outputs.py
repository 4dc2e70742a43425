"""The forms of `holdfast check`'s verdict that other programs read: GitHub, JUnit, SARIF."""
import json
import os
import re
import subprocess
import urllib.parse
import xml.etree.ElementTree

import jsonschema
import pytest

import harness
import interpreters
from harness import execute, holdfast_binary

# A file and a function whose names mean something in all of these forms; the function's is made up, as names that
# are no identifiers can be.
FILE = "a b,%c:d&<é>.py"
NAME = "x|y`</failure>]]>\n::error::z\x01\"'"
PROGRAM = """\
def load(size):
    return bytearray(size)


load.__code__ = load.__code__.replace(co_name=%r)
held = load(5_000_000)
""" % NAME
FORMS = ("json", "markdown", "github", "junit", "sarif")

# What is written of SARIF; the whole schema is in no package of the registries. HOLDFAST_SARIF_SCHEMA names a copy.
SARIF = {
    "type": "object", "required": ["$schema", "version", "runs"], "additionalProperties": False,
    "properties": {"$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"}, "runs": {
        "type": "array", "minItems": 1, "maxItems": 1, "items": {
            "type": "object", "required": ["tool", "results"], "additionalProperties": False, "properties": {
                "tool": {"type": "object", "required": ["driver"], "properties": {"driver": {
                    "type": "object", "required": ["name", "version", "rules"], "properties": {"rules": {
                        "type": "array", "uniqueItems": True, "items": {
                            "type": "object", "required": ["id", "shortDescription"], "additionalProperties": False,
                            "properties": {"id": {"type": "string"}, "shortDescription": {
                                "type": "object", "required": ["text"]}}}}}}}},
                "automationDetails": {"type": "object", "properties": {"id": {"type": "string"}}},
                "originalUriBaseIds": {"type": "object"},
                "invocations": {"type": "array", "items": {
                    "type": "object", "required": ["executionSuccessful"], "additionalProperties": False,
                    "properties": {"executionSuccessful": {"type": "boolean"}, "exitCode": {"type": "integer"},
                                   "exitSignalNumber": {"type": "integer"},
                                   "toolExecutionNotifications": {"type": "array"}}}},
                "results": {"type": "array", "items": {
                    "type": "object", "required": ["message"], "additionalProperties": False, "properties": {
                        "ruleId": {"type": "string"}, "ruleIndex": {"type": "integer", "minimum": 0},
                        "level": {"enum": ["none", "note", "warning", "error"]},
                        "message": {"type": "object", "required": ["text"]},
                        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                        "properties": {"type": "object"},
                        "locations": {"type": "array", "items": {
                            "type": "object", "additionalProperties": False, "properties": {"physicalLocation": {
                                "type": "object", "additionalProperties": False, "properties": {
                                    "artifactLocation": {"type": "object", "properties": {
                                        "uri": {"type": "string", "pattern": r"^[A-Za-z0-9\-._~/%]*$"},
                                        "uriBaseId": {"type": "string"}}},
                                    "region": {"type": "object", "properties": {
                                        "startLine": {"type": "integer", "minimum": 1}}}}}}}}}}}}}}}}


class Written:
    """All forms of one verdict."""

    def __init__(self, folder, *arguments, status, environment=None):
        wanted = [f"--write={form}={form}.out" for form in FORMS]
        for form in FORMS:
            (folder / f"{form}.out").unlink(missing_ok=True)
        done = execute([holdfast_binary(), "check", *arguments, *wanted, "run.holdfast"], cwd=folder, env=environment)
        assert done.returncode == status, done.stderr
        self.said = done.stdout.decode()
        for form in FORMS:
            setattr(self, form, (folder / f"{form}.out").read_text())
        self.fields = json.loads(self.json)


def make(folder, program, name):
    (folder / "pyproject.toml").write_text("")
    (folder / name).write_text(program)
    python = interpreters.main_one()
    done = execute([holdfast_binary(), "run", "-q", "-o", "run.holdfast", "--", python.path, name], cwd=folder,
                   env=python.environment())
    return done.returncode


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    assert make(folder, PROGRAM, FILE) == 0
    return folder


CEILINGS = ("--max-peak", "1MB", "--max", "json=1MB", "--max-growth", "1GB")  # beyond, unknown, within


@pytest.fixture(scope="module")
def written(hostile):
    return Written(hostile, *CEILINGS, status=1)


def commands(text):
    """GitHub's workflow commands, read as its runner does: [(level, {property: value}, message)]."""
    def decode(value):
        for code, meaning in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            value = value.replace(code, meaning)
        return value

    found = []
    for line in text.split("\n"):
        match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
        if match:
            properties = dict(one.split("=", 1) for one in match[2].split(","))
            found.append((match[1], {key: decode(value) for key, value in properties.items()}, decode(match[3])))
    return found


def test_annotations(written):
    messages = {one["verdict"]: one["message"] for one in written.fields["judgements"]}
    assert commands(written.github) == [
        ("error", {"file": FILE, "line": "2", "title": f"{FILE} (holdfast)"}, messages["beyond"]),
        ("warning", {"title": f"{FILE} (holdfast)", **place_of(written, "unknown")}, messages["unknown"])]
    assert len(written.github.splitlines()) == 2


def place_of(written, verdict):
    place, = (one["place"] for one in written.fields["judgements"] if one["verdict"] == verdict)
    return {"file": place["file"], "line": str(place["line"])} if place else {}


def test_annotations_only_name_files_of_the_project(hostile, tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "run.holdfast").write_bytes((hostile / "run.holdfast").read_bytes())
    away = Written(tmp_path, *CEILINGS, status=1)
    assert all(set(properties) == {"title"} for _, properties, _ in commands(away.github))
    assert all(result["locations"] == [] for result in json.loads(away.sarif)["runs"][0]["results"])


def test_github_option(hostile):
    """Annotations beside the text, and the summary behind what the step has written there."""
    summary = hostile / "summary.md"
    summary.write_text("before\n")
    written = Written(hostile, "--github", *CEILINGS, status=1,
                      environment=dict(os.environ, GITHUB_STEP_SUMMARY=str(summary)))
    assert commands(written.said) == commands(written.github)
    assert summary.read_text() == "before\n" + written.markdown


def test_markdown(written):
    """Tables keep their columns, and names are no markup."""
    rows = [line for line in written.markdown.splitlines() if line.startswith("|")]
    assert rows and all(row.count("|") in (3, 4) for row in rows)
    assert sum(f"**{one['verdict']}**" in written.markdown for one in written.fields["judgements"]) == 3
    assert "`" not in written.markdown and "<" not in written.markdown
    assert "x&#124;y" in written.markdown
    assert written.markdown.startswith("### Memory of a b,%c:d&#38;&#60;é&#62;.py: beyond\n")


def test_junit(written):
    root = xml.etree.ElementTree.fromstring(written.junit)
    suite, = root
    assert root.tag == "testsuites" and suite.tag == "testsuite"
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4", "failures": "1", "errors": "0", "skipped": "1"}
    assert float(suite.get("time")) > 0 and suite.get("name") == f"holdfast {FILE}"
    cases = {case.get("name"): case for case in suite}
    assert len(cases) == 4 and all(case.get("classname") == f"holdfast.{FILE}" for case in cases.values())
    outcomes = {name: [(one.tag, one.get("message")) for one in case] for name, case in cases.items()}
    messages = {one["verdict"]: one["message"] for one in written.fields["judgements"]}
    assert outcomes == {"peak": [("failure", messages["beyond"])], "json at the peak": [("skipped", messages["unknown"])],
                        "growth from start to end": [], "the program itself": []}
    assert cases["peak"][0].text.strip() == written.said.strip()


def test_sarif(written, hostile):
    fields = json.loads(written.sarif)
    jsonschema.validate(fields, SARIF)
    if os.environ.get("HOLDFAST_SARIF_SCHEMA"):
        with open(os.environ["HOLDFAST_SARIF_SCHEMA"], encoding="utf-8") as schema:
            jsonschema.validate(fields, json.load(schema))
    run, = fields["runs"]
    result, = run["results"]
    rules = run["tool"]["driver"]["rules"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "memory-peak"
    location = result["locations"][0]["physicalLocation"]
    assert urllib.parse.unquote(location["artifactLocation"]["uri"]) == FILE
    assert location["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
    assert location["region"]["startLine"] == 2
    again = json.loads(Written(hostile, "--max-peak", "2MB", "--max", "json=1MB", status=1).sarif)
    assert again["runs"][0]["results"][0]["partialFingerprints"] == result["partialFingerprints"]
    other = json.loads(Written(hostile, "--max-process", "2MB", status=1).sarif)
    assert other["runs"][0]["results"][0]["partialFingerprints"] != result["partialFingerprints"]
    assert json.loads(Written(hostile, "--max-peak", "1GB", status=0).sarif)["runs"][0]["results"] == []


def test_failure_of_the_program(tmp_path):
    assert make(tmp_path, "raise SystemExit(5)\n", "fails.py") == 5
    written = Written(tmp_path, "--max-peak", "1GB", status=3)
    suite, = xml.etree.ElementTree.fromstring(written.junit)
    assert suite.get("errors") == "1" and suite.get("failures") == "0"
    error, = (one for case in suite for one in case)
    assert error.tag == "error" and error.get("message") == "the program itself exited with status 5"
    invocation, = json.loads(written.sarif)["runs"][0]["invocations"]
    assert invocation == {"executionSuccessful": False, "exitCode": 5}
    assert [(level, message) for level, _, message in commands(written.github)] == [
        ("error", "the program itself exited with status 5")]
    assert "the program itself exited with status 5" in written.markdown


@pytest.mark.parametrize("file", sorted((harness.ROOT / "docs" / "ci").glob("*.yml")), ids=lambda file: file.name)
def test_files_to_copy(file, tmp_path):
    """The commands of the CI files do what the files are for."""
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "job.py").write_text("held = bytes(5_000_000)\n")
    (tmp_path / "python").symlink_to(interpreters.main_one().path)
    (_, command), = re.findall(r">-\n( +)(holdfast.*\n(?:\1\S.*\n)*)", file.read_text())
    words = " ".join(command.split())
    assert words.startswith("holdfast check ") and " -- " in words
    environment = interpreters.main_one().environment(
        PATH=f"{tmp_path}:{holdfast_binary().resolve().parent}:{os.environ['PATH']}",
        GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"))
    start = ["holdfast", "check", "--baseline", "memory.json", "--update-baseline", "--", "python", "job.py"]
    assert execute(start, cwd=tmp_path, env=environment).returncode == 0
    for size, status in ((5_000_000, 0), (6_000_000, 1)):
        (tmp_path / "job.py").write_text(f"held = bytes({size})\n")
        done = execute(["bash", "-c", words], cwd=tmp_path, env=environment)
        assert done.returncode == status, done.stderr
        made = set(re.findall(r"memory\.(?:holdfast|html|sarif|xml)", file.read_text()))
        assert {"memory.holdfast", "memory.html"} < made
        for name in made:
            assert (tmp_path / name).stat().st_size > 100
            (tmp_path / name).unlink()
    assert "::error file=job.py,line=1," in done.stderr.decode() or "--github" not in words


def test_files_are_named_from_the_repository(hostile, tmp_path):
    """A project in a folder of its repository: others look for its files from there."""
    project = tmp_path / "services" / "a b"
    project.mkdir(parents=True)
    assert make(project, PROGRAM, FILE) == 0
    (tmp_path / ".git").mkdir()

    def named(**variables):
        environment = {name: value for name, value in os.environ.items() if name != "GITHUB_WORKSPACE"}
        one = Written(project, "--max-peak", "1MB", status=1, environment={**environment, **variables})
        [result] = json.loads(one.sarif)["runs"][0]["results"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        return [properties["file"] for _, properties, _ in commands(one.github)] + [urllib.parse.unquote(uri)]

    assert named() == [f"services/a b/{FILE}"] * 2
    assert named(GITHUB_WORKSPACE=str(tmp_path / "services")) == [f"a b/{FILE}"] * 2
    assert named(GITHUB_WORKSPACE=str(tmp_path / "serv")) == [f"services/a b/{FILE}"] * 2
    (tmp_path / ".git").rmdir()
    # The root itself is nobody's repository.
    above = [folder for folder in list(project.resolve().parents)[:-1] if (folder / ".git").exists()]
    assert named() == [str((project.resolve() / FILE).relative_to(*above[:1] or [project.resolve()]))] * 2


def test_names_of_jobs_are_made_harmless(hostile):
    """Bytes that are no text, and commands of a terminal's."""
    words = [os.fsencode(str(word)) for word in (holdfast_binary(), "check", "--max-peak", "1MB", "--github",
                                                 "--write", "junit=strange.xml", "--write", "github=strange.txt")]
    done = execute_bytes([*words, b"--job", b"a\xffb\x1b[31m\xc2\x9bm", b"run.holdfast"], hostile)
    assert done.returncode == 1, done.stderr
    assert xml.etree.ElementTree.parse(hostile / "strange.xml").getroot()[0].get("name").startswith("holdfast a?b?[31m")
    text = (hostile / "strange.txt").read_bytes()
    assert b"title=a?b?[31m?m (holdfast)::" in text and not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", text)


def execute_bytes(words, folder):
    return subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=harness.TIME_LIMIT)
