"""The picture of the README, made from the real thing: the demo's page in a headless Chromium, amid the incident.

python -m tests.browser.picture docs/status-page.png
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

LISTEN = "127.0.0.1:18642"
FOUND = b"sbc-down"
WITHIN = 60.0
"""Seconds until the demo's primary must have been found dead."""

CHROMIUM = (
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1000,900",
)


def main(target: Path) -> None:
    if shutil.which(CHROMIUM[0]) is None:
        raise SystemExit("cannot take the picture: chromium is not installed; apt-get install chromium")
    demo = subprocess.Popen([sys.executable, "-m", "tonekeeper", "demo", "--listen", LISTEN], stdout=subprocess.DEVNULL)
    try:
        wait_for_the_incident()
        with tempfile.TemporaryDirectory() as profile:
            subprocess.run(
                [*CHROMIUM, f"--user-data-dir={profile}", f"--screenshot={target.absolute()}", f"http://{LISTEN}/"],
                check=True,
                capture_output=True,
                timeout=60,
            )
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
