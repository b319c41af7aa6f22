"""What the browser tests need of the machine, and a sentence about what of it is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.browser.chromium import PROGRAM

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


def missing() -> str:
    """Why there can be no browser here; empty if there can."""
    absent = [PROGRAM] if shutil.which(PROGRAM) is None else []
    absent += [] if AXE.exists() else ["axe-core"]
    return f"the browser tests need {' and '.join(absent)}: tests/browser/install-packages" if absent else ""
