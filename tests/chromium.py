"""A browser without a window, led through Chromium's DevTools protocol over two pipes.

Keys, widths, media and printing are the browser's own, and a page's policy holds as for anyone.
"""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe")
TOLD = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
CODES = {"Tab": 9, "Enter": 13, " ": 32}


class Browser:
    """One tab. `console` holds what pages said or broke since the last `open`."""

    def __init__(self, source: IO[bytes], target: IO[bytes]):
        self._source, self._target = source, target
        self._rest, self._number, self._session = b"", 0, {}
        self._events: list[dict[str, Any]] = []
        made = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=made, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The browser's answer to a command of the protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params, **self._session}
        self._target.write(json.dumps(message).encode() + b"\0")
        self._target.flush()
        while (answer := self._next()).get("id") != self._number:
            self._events.append(answer)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._source.fileno(), 1 << 20)
            assert piece, "the browser has gone"
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def open(self, page: Path, width: int = 1100, height: int = 900) -> None:
        """Load a file at a width in pixels, as on a phone if it is below 600."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        self._events = []
        self.ask("Page.navigate", url=page.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._events.append(self._next())

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str, times: int = 1) -> None:
        how = {"key": key, "code": key, "windowsVirtualKeyCode": CODES[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        for _ in range(times):
            self.ask("Input.dispatchKeyEvent", type="keyDown", **how, **text)
            self.ask("Input.dispatchKeyEvent", type="keyUp", **how)

    def write(self, words: str) -> None:
        self.ask("Input.insertText", text=words)

    def media(self, kind: str = "screen", scheme: str = "light") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", media=kind, features=features)

    def screenshot(self) -> bytes:
        return base64.b64decode(self.ask("Page.captureScreenshot")["data"])

    def printed(self) -> bytes:
        """The page as a PDF file."""
        return base64.b64decode(self.ask("Page.printToPDF")["data"])

    @property
    def console(self) -> list[str]:
        return [json.dumps(each) for each in self._events if each.get("method") in TOLD]


@contextmanager
def browser(home: Path) -> Iterator[Browser]:
    """A browser of its own, which keeps its files in `home`."""
    (theirs, ours), (source, target) = os.pipe(), os.pipe()
    command = [str(PROGRAM), *FLAGS, f"--user-data-dir={home / 'profile'}"]
    line = 'exec "$@" 3<&"$SOURCE" 4>&"$TARGET"'  # the numbers that Chromium expects
    process = subprocess.Popen(
        ["bash", "-c", line, "bash", *command],
        pass_fds=(theirs, target),
        env={**os.environ, "HOME": str(home), "SOURCE": str(theirs), "TARGET": str(target)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    os.close(target)
    try:
        with os.fdopen(source, "rb") as answers, os.fdopen(ours, "wb") as questions:
            yield Browser(answers, questions)
    finally:  # it ends when its pipe is closed
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
