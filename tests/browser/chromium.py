"""A headless Chromium, told what to do over a pipe: the DevTools protocol, one JSON message after the other.

    with Chromium() as browser:
        page = browser.open("http://127.0.0.1:8642/", width=360, scheme="dark")
        page.wait_for("document.title", within=5)

No page sees what another one keeps: each has a browser context of its own. Nothing outlives the `with`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PROGRAM = "chromium"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
PATIENCE = 30.0
"""Seconds that an answer of the browser may take on a slow machine."""
_PIPES = 'exec "${@:3}" 3<&"$1" 4>&"$2"'
"""The browser reads from 3 and writes to 4."""
_KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " ")}

Answer = dict[str, Any]


class BrowserError(Exception):
    """The browser did not do what it was told; says nothing about the page."""


class Chromium:
    """`within`: a command that it is started through, to be in another network namespace, say."""

    def __init__(self, *, within: Sequence[str] = ()) -> None:
        self._within = within
        self._count = 0
        self._received = b""
        self._pages: dict[str, Page] = {}

    def __enter__(self) -> Self:
        if shutil.which(PROGRAM) is None:
            raise BrowserError(f"there is no {PROGRAM} here: apt-get install {PROGRAM}")
        self._profile = tempfile.mkdtemp(prefix="tonekeeper-browser-")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        command = [*self._within, PROGRAM, *FLAGS, f"--user-data-dir={self._profile}"]
        self._process = subprocess.Popen(
            ["bash", "-c", _PIPES, "bash", str(theirs_in), str(theirs_out), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs_in, theirs_out),
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        os.close(self._in)
        os.close(self._out)
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(
        self, url: str, *, width: int = 1200, height: int = 900, scheme: str = "light", javascript: bool = True
    ) -> Page:
        """A page that has been loaded. `scheme`: light, dark."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session, context)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        page.call("Emulation.setScriptExecutionDisabled", value=not javascript)
        page.go_to(url)
        return page

    def close_pages(self) -> None:
        for page in self._pages.values():
            self.call("Target.disposeBrowserContext", browserContextId=page.context)
        self._pages.clear()

    def call(self, method: str, session: str = "", **parameters: Any) -> Answer:
        """What the browser answers to one message; events that come before it go to their pages."""
        self._count += 1
        number = self._count
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self._out, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            answer = self._next(until)
            if answer is None:
                raise BrowserError(f"no answer to {method} within {PATIENCE:g} s")
            if answer.get("id") != number:
                continue
            if "error" in answer:
                raise BrowserError(f"{method}: {answer['error']['message']}")
            result: Answer = answer["result"]
            return result

    def listen(self, until: float) -> bool:
        """Takes one event in; False if none came until then."""
        return self._next(until) is not None

    def _next(self, until: float) -> Answer | None:
        while b"\0" not in self._received:
            if not select.select([self._in], [], [], max(0.0, until - time.monotonic()))[0]:
                return None
            chunk = os.read(self._in, 1 << 20)
            if not chunk:
                raise BrowserError(f"{PROGRAM} has ended with {self._process.wait(10)}")
            self._received += chunk
        line, _, self._received = self._received.partition(b"\0")
        message: Answer = json.loads(line)
        page = self._pages.get(message.get("sessionId", ""))
        if page is not None and "method" in message:
            page.note(message["method"], message["params"])
        return message


class Page:
    """One tab."""

    def __init__(self, browser: Chromium, session: str, context: str) -> None:
        self._browser = browser
        self._session = session
        self.context = context
        self.complaints: list[str] = []
        """What the console would show in red: exceptions, refused scripts, failed loads."""
        self.requests: list[str] = []
        """URLs of all that was asked for."""
        self.bytes_loaded = 0
        """Of bodies, those of streams included."""
        self._loads = 0

    def call(self, method: str, **parameters: Any) -> Answer:
        return self._browser.call(method, self._session, **parameters)

    def go_to(self, url: str) -> None:
        """Returns when it is loaded."""
        before, until = self._loads, time.monotonic() + PATIENCE
        failure = self.call("Page.navigate", url=url).get("errorText")
        if failure:
            raise BrowserError(f"cannot load {url}: {failure}")
        while self._loads == before:
            if not self._browser.listen(until):
                raise BrowserError(f"{url} was not loaded within {PATIENCE:g} s")

    def note(self, event: str, details: Answer) -> None:
        match event:
            case "Page.loadEventFired":
                self._loads += 1
            case "Network.requestWillBeSent":
                self.requests.append(details["request"]["url"])
            case "Network.dataReceived":
                self.bytes_loaded += details["dataLength"]
            case "Runtime.exceptionThrown":
                self.complaints.append(details["exceptionDetails"].get("exception", {}).get("description", "exception"))
            case "Log.entryAdded" if details["entry"]["level"] == "error":
                self.complaints.append(details["entry"]["text"])

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; that of a promise when it is kept."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return answer["result"].get("value")

    def wait_for(self, expression: str, *, within: float) -> None:
        """Until the expression is true; AssertionError if it is not within so many seconds."""
        until = time.monotonic() + within
        while not self.evaluate(f"Boolean({expression})"):
            if time.monotonic() > until:
                raise AssertionError(f"not so within {within:g} s: {expression}\n{self.text()}")
            self._browser.listen(time.monotonic() + 0.03)

    def text(self, selector: str = "body") -> str:
        """As a person sees it, with single spaces."""
        shown = self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")
        return " ".join(str(shown).split())

    def click(self, selector: str) -> None:
        """In the middle of the element, with the mouse."""
        box = self.evaluate(
            f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
            " it.scrollIntoView({block: 'center'}); const box = it.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Tab, Enter or the space bar."""
        code, text = _KEYS[key]
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=code,
                **({"text": text} if text and kind == "keyDown" else {}),
            )

    def screenshot(self, target: Path, *, whole: bool = False) -> None:
        """As PNG; `whole`: also what one would have to scroll to."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        target.write_bytes(base64.b64decode(shot["data"]))
