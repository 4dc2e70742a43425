"""A headless Chromium that a test drives over the DevTools protocol, through a pair of pipes.

Nothing is downloaded and nothing listens on a port: Debian's chromium, started with
--remote-debugging-pipe, takes JSON messages on descriptor 3 and answers on 4, each ended by a NUL.
"""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

FLAGS = ["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--hide-scrollbars", "--no-first-run", "--disable-extensions", "--disable-background-networking",
         "--host-resolver-rules=MAP * ~NOTFOUND"]
TIME_LIMIT = 60  # for one answer; never part of what a test asserts

KEYS = {"Enter": 13, "Escape": 27, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9}


class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="holdfast-browser-")
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()

        def place():
            # Whatever the pipes' numbers are, out of the way first: dup2 onto 3 could close one of them.
            read, write = os.dup(theirs_in), os.dup(theirs_out)
            spare = [os.dup(number) for number in (read, write)]
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)

        self.process = subprocess.Popen(
            [program(), *FLAGS, f"--user-data-dir={self.profile}", "about:blank"], preexec_fn=place,
            close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(theirs_in)
        os.close(theirs_out)
        self.input, self.output = ours_in, ours_out
        self.waiting, self.number, self.events = b"", 0, []

    def close(self):
        try:
            self.send("Browser.close")
        except (AssertionError, OSError):
            self.process.kill()
        self.process.wait(timeout=20)
        os.close(self.input)
        os.close(self.output)
        shutil.rmtree(self.profile, ignore_errors=True)

    def receive(self):
        deadline = time.monotonic() + TIME_LIMIT
        while b"\0" not in self.waiting:
            ready, _, _ = select.select([self.input], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            data = os.read(self.input, 1 << 20)
            assert data, "the browser has ended"
            self.waiting += data
        message, _, self.waiting = self.waiting.partition(b"\0")
        return json.loads(message)

    def send(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def open(self, path, width=1280, height=900, scheme="light"):
        """A tab of its own, with the page loaded and drawn."""
        tab = self.tab(width, height, scheme)
        tab.go(path)
        return tab

    def tab(self, width=1280, height=900, scheme="light"):
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, target, session)
        tab.size(width, height)
        tab.scheme(scheme)
        tab.send("Page.enable")
        tab.send("Runtime.enable")
        tab.send("Log.enable")
        return tab


class Tab:
    def __init__(self, browser, target, session):
        self.browser, self.target, self.session = browser, target, session

    def send(self, method, **parameters):
        return self.browser.send(method, self.session, **parameters)

    def close(self):
        self.browser.send("Target.closeTarget", targetId=self.target)

    def go(self, path):
        """To a page, anew; with the page loaded and drawn."""
        self.send("Page.bringToFront")  # one behind another is never drawn
        self.browser.events.clear()
        self.send("Page.navigate", url=Path(path).resolve().as_uri())
        self.wait("document.readyState === 'complete' && document.querySelector('main') !== null")

    def run(self, expression):
        """The value of an expression, or what a promise comes to."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression):
        deadline = time.monotonic() + TIME_LIMIT
        while not (value := self.run(expression)):
            assert time.monotonic() < deadline, f"never: {expression}"
            time.sleep(0.02)
        return value

    def settle(self):
        """Until what was asked for has been drawn, movements included."""
        self.run("new Promise(done => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 230))")

    def errors(self):
        """What the page complained about: exceptions, and what its policy forbade."""
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            if event["method"] == "Runtime.exceptionThrown":
                found.append(event["params"]["exceptionDetails"]["exception"].get("description"))
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                found.append(event["params"]["entry"]["text"])
        return found

    # -- What a person sees --

    def text(self, selector):
        return self.run(f"(document.querySelector({json.dumps(selector)}) || {{}}).innerText || ''")

    def texts(self, selector):
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(one => one.innerText)")

    def count(self, selector):
        return self.run(f"document.querySelectorAll({json.dumps(selector)}).length")

    def picture(self, path, clip=None):
        """Of all of the page, or of a part of it."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = clip or {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.send("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)["data"]
        Path(path).write_bytes(base64.b64decode(data))

    def size(self, width, height):
        self.width = width
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name):
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    # -- What a person does --

    def place(self, selector, x=0.5, y=0.5):
        """A point of an element, in the window, once it has been scrolled into it."""
        box = self.run(f"""(() => {{
            const one = document.querySelector({json.dumps(selector)});
            if (!one) return null;
            one.scrollIntoView({{block: "center", behavior: "instant"}});
            const box = one.getBoundingClientRect();
            return [box.x, box.y, box.width, box.height];
        }})()""")
        assert box, f"no {selector}"
        return box[0] + box[2] * x, box[1] + box[3] * y

    def mouse(self, kind, x, y, **more):
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, selector, x=0.5, y=0.5):
        self.click_at(*self.place(selector, x, y))

    def click_at(self, x, y):
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
        self.mouse("mouseReleased", x, y, button="left", clickCount=1)
        self.settle()

    def drag(self, selector, begin, end):
        x, y = self.place(selector, begin)
        to, _ = self.place(selector, end)
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
        for step in range(1, 6):
            self.mouse("mouseMoved", x + (to - x) * step / 5, y, button="left", buttons=1)
        self.mouse("mouseReleased", to, y, button="left", clickCount=1)
        self.settle()

    def type(self, selector, text):
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self.run(f"document.querySelector({json.dumps(selector)}).select?.()")
        if text:
            self.send("Input.insertText", text=text)
        else:
            self.key("Delete")
        self.settle()

    def key(self, name, text=None):
        code = KEYS.get(name, ord(name.upper()) if len(name) == 1 else 46)
        text = text if text is not None else (name if len(name) == 1 else "\r" if name == "Enter" else "")
        self.send("Input.dispatchKeyEvent", type="keyDown", key=name, text=text, windowsVirtualKeyCode=code)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=code)
        self.settle()

    def choose(self, selector, value):
        self.run(f"""(() => {{
            const one = document.querySelector({json.dumps(selector)});
            one.value = {json.dumps(str(value))};
            one.dispatchEvent(new Event("change", {{bubbles: true}}));
        }})()""")
        self.settle()


def program():
    found = os.environ.get("HOLDFAST_BROWSER") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "no chromium: scripts/setup installs it"
    return found
