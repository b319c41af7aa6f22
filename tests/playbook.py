"""`python -m tests.playbook FILE`: writes docs/playbook.md. `make playbook` does."""

from __future__ import annotations

import sys
from pathlib import Path

from tonekeeper.faces.playbook.page import all_advice, render_playbook

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render_playbook(all_advice()))
