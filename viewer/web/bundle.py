"""Builds the page: bundles src/ with esbuild, puts it into page.html, and writes that as a C header.

Usage: bundle.py HEADER DEPFILE

The header has the page in three pieces, between which the viewer writes the title and the data. The
licences of the packages that the bundle really contains are part of it. Only the browser runs the
scripts whose hash the page's own policy names, so nothing that a profile says can become one.
"""
import base64
import hashlib
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

WEB = Path(__file__).resolve().parent
MODULES = WEB / "node_modules"


def find_esbuild():
    """The program itself: what npm puts into .bin would need node to start it."""
    found = sorted(MODULES.glob("@esbuild/*/bin/esbuild"))
    if not found:
        sys.exit(f"no esbuild for {platform.machine()} in {MODULES}: run scripts/setup --build")
    return found[0]


def run_esbuild(folder):
    """The script, the style, and the files that they were made from."""
    report = folder / "inputs.json"
    subprocess.run(
        [find_esbuild(), "src/main.tsx", "--bundle", "--minify", "--format=iife", "--target=es2021",
         "--jsx=automatic", "--jsx-import-source=preact", "--charset=ascii", "--legal-comments=none",
         "--log-level=warning", f"--outfile={folder / 'page.js'}", f"--metafile={report}"],
        cwd=WEB, check=True)
    inputs = json.loads(report.read_text())["inputs"]
    texts = [(folder / name).read_text(encoding="ascii").strip() for name in ("page.js", "page.css")]
    return texts, [WEB / name for name in inputs]


def packages_of(inputs):
    names = {path.relative_to(MODULES).parts[0] for path in inputs if MODULES in path.parents}
    return sorted(names)


def licences(names):
    """What the packages' authors ask to be kept with them, as a template of HTML."""
    texts = []
    for name in names:
        about = json.loads((MODULES / name / "package.json").read_text())
        [text] = [path.read_text() for path in sorted((MODULES / name).glob("LICENSE*"))]
        texts.append(f"{name} {about['version']}\n\n{text.strip()}")
    text = "\n\n\n".join(texts).replace("&", "&amp;").replace("<", "&lt;")
    return text.encode("ascii", "xmlcharrefreplace").decode()


def policy_hash(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def pieces(script, style, licence_texts):
    """page.html around the places that are filled in when a report is written."""
    filled = {"style-hash": policy_hash(style), "script-hash": policy_hash(script), "style": style,
              "script": script, "licences": licence_texts}
    template = (WEB / "page.html").read_text(encoding="ascii")
    until_title, rest = template.split("{{title}}")
    until_data, until_end = rest.split("{{data}}")
    for piece in (until_title, until_data, until_end):
        parts = piece.split("{{")
        yield parts[0] + "".join(filled[name] + text
                                 for name, text in (part.split("}}", 1) for part in parts[1:]))


def c_array(name, text):
    data = text.encode("ascii")  # bytes above 127 would not fit a char
    rows = [",".join(map(str, data[at:at + 32])) for at in range(0, len(data), 32)]
    return f"static const char {name}[] = {{\n" + ",\n".join([*rows, "0"]) + "};\n"


def main(header, depfile):
    with tempfile.TemporaryDirectory() as folder:
        (script, style), inputs = run_esbuild(Path(folder))
    if "</script" in script.lower() or "</style" in style.lower():
        sys.exit("the bundle would end its own element")
    names = ("page_until_title", "page_until_data", "page_until_end")
    texts = pieces(script, style, licences(packages_of(inputs)))
    Path(header).write_text("".join(map(c_array, names, texts)), encoding="ascii")
    used = [*inputs, WEB / "page.html", WEB / "package-lock.json", Path(__file__).resolve()]
    Path(depfile).write_text(f"{header}: " + " ".join(str(path).replace(" ", "\\ ") for path in used) + "\n")


main(*sys.argv[1:])
