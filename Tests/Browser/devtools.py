"""A headless browser driven over a pipe by the DevTools protocol, with the standard library alone."""

import json
import os
import select
import subprocess
import tempfile
import time


class Browser:
    """A chromium process with one page.

    Every message of the protocol that is an event is kept in `events`.
    """

    def __init__(self, executable, patience=600):
        self.patience = patience
        self.events = []
        self._count = 0
        self._buffer = b""
        self._profile = tempfile.TemporaryDirectory(prefix="browser-")
        commands_out, self._commands = os.pipe()
        self._answers, answers_in = os.pipe()

        # Chromium reads commands from descriptor 3 and writes answers to 4. Copies with greater
        # numbers first, in case the pipes themselves have got these two.
        def connect():
            pair = [os.dup(os.dup(os.dup(end))) for end in (commands_out, answers_in)]
            os.dup2(pair[0], 3)
            os.dup2(pair[1], 4)

        # Continuous integration runs as root, where chromium's sandbox refuses to work.
        self._process = subprocess.Popen(
            [
                executable, "--headless=new", "--no-sandbox", "--disable-gpu",
                "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
                "--disable-background-networking", "--disable-component-update",
                "--hide-scrollbars", f"--user-data-dir={self._profile.name}",
                "--remote-debugging-pipe", "about:blank",
            ],
            close_fds=False, preexec_fn=connect,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands_out)
        os.close(answers_in)
        self._session = None
        target = next(
            t for t in self.send("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self._session = self.send(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.send(domain + ".enable")

    def send(self, method, **parameters):
        """Sends a command and waits for its answer."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data):]
        while True:
            answer = self._next(method)
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _next(self, reason):
        limit = time.monotonic() + self.patience
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], limit - time.monotonic())
            chunk = os.read(self._answers, 1 << 20) if ready else b""
            if not chunk:
                raise RuntimeError(f"the browser gave no answer to {reason}")
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\0", 1)
        message = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message

    def open(self, url):
        """Opens a page and waits until it is loaded."""
        start = len(self.events)
        self.send("Page.navigate", url=url)
        while not any(e["method"] == "Page.loadEventFired" for e in self.events[start:]):
            self._next("Page.navigate")

    def evaluate(self, expression):
        """The value of a JavaScript expression in the page."""
        result = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:2000])
        return result["result"].get("value")

    def call(self, function, *arguments):
        """What a function of JavaScript returns, or promises, for some arguments."""
        return self.evaluate(f"({function})(...{json.dumps(arguments)})")

    def press(self, key, code=None, text=None):
        """Presses a key and lets it go."""
        codes = {"Tab": 9, "Enter": 13, "ArrowRight": 39, "ArrowLeft": 37, " ": 32}
        for kind in ("keyDown", "keyUp"):
            parameters = {
                "type": kind, "key": key, "code": code or key,
                "windowsVirtualKeyCode": codes.get(key, 0)}
            if kind == "keyDown" and text:
                parameters["text"] = text
            self.send("Input.dispatchKeyEvent", **parameters)

    def resize(self, width, height=900):
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=False)

    def media(self, **features):
        """Sets media features, `prefers_color_scheme="dark"`, and the medium, `media="print"`; all
        others become as they are by themselves."""
        medium = features.pop("media", "")
        self.send(
            "Emulation.setEmulatedMedia", media=medium,
            features=[{"name": n.replace("_", "-"), "value": v} for n, v in features.items()])

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._commands)
        os.close(self._answers)
        for _ in range(20):
            try:
                self._profile.cleanup()
                return
            except OSError:  # children of the browser may still be writing
                time.sleep(0.1)
