"""Takes the pictures of the documentation: pictures.py PAGE DIFF_PAGE FOLDER."""
import sys
from pathlib import Path

from browser import Browser


def part(tab, first, last, path):
    """From the top of one element to the bottom of another."""
    box = tab.run(f"""(() => {{
        const [first, last] = [{first!r}, {last!r}].map(one => document.querySelector(one).getBoundingClientRect());
        return [first.top + scrollY, last.bottom + scrollY];
    }})()""")
    top, bottom = max(0, box[0] - 12), box[1] + 12
    tab.picture(path, clip={"x": 0, "y": top, "width": tab.width, "height": bottom - top, "scale": 1})


def main(page, diff, folder):
    browser = Browser()
    try:
        tab = browser.open(page, width=1100)
        part(tab, "header", "#time", folder / "page.png")
        tab.click("input[name=colour][value=verdict] + span")
        part(tab, "#stacks", "#holders", folder / "graphs.png")
        part(browser.open(diff, width=1100), "header", "#stacks", folder / "diff.png")
    finally:
        browser.close()


main(*map(Path, sys.argv[1:]))
