"""The picture of the README, made from the real thing: the demo's page in a headless Chromium, amid the incident.

python -m tests.browser.picture docs/status-page.png
"""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.browser.chromium import BrowserError, Chromium

LISTEN = "127.0.0.1:18642"
FOUND = b"sbc-down"
WITHIN = 60.0
"""Seconds until the demo's primary must have been found dead."""


def main(target: Path) -> None:
    demo = subprocess.Popen([sys.executable, "-m", "tonekeeper", "demo", "--listen", LISTEN], stdout=subprocess.DEVNULL)
    try:
        with Chromium() as browser:
            wait_for_the_incident()
            page = browser.open(f"http://{LISTEN}/", width=1000, height=900)
            page.wait_for("document.getElementById('live').dataset.is === 'live'", within=WITHIN)
            page.screenshot(target)
    except BrowserError as error:
        raise SystemExit(f"cannot take the picture: {error}") from None
    finally:
        demo.terminate()
        demo.wait(10)


def wait_for_the_incident() -> None:
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://{LISTEN}/api/v1/status", timeout=5) as response:
                if FOUND in response.read():
                    return
        except OSError:
            pass  # it is still starting
        time.sleep(0.2)
    raise SystemExit("cannot take the picture: the demo's primary was not found dead")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
