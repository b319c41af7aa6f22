"""`tonekeeper firewall`, run in the router of a crossing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.lab.crossing import Crossing

PRIMARY_AND_ALTERNATE = """
[[wan]]
name = "fibre"
interface = "wan0"
[[wan]]
name = "lte"
interface = "wan1"
[[sbc]]
name = "primary"
uri = "sip:198.51.100.10:5060;transport=udp"
[[sbc]]
name = "alternate"
uri = "sip:198.51.100.20:5060;transport=udp"
[lan]
interfaces = ["lan0"]
"""


def firewall(crossing: Crossing, *arguments: object, through: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """`through`: a command that leads to where the tools of the router's firewall are."""
    command = [*through, sys.executable, "-m", "tonekeeper", "firewall", *map(str, arguments)]
    return crossing.router.inside(
        lambda: subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    )


def said_of(crossing: Crossing, site: Path, *arguments: object, through: Sequence[str] = ()) -> dict[str, Any]:
    """Its JSON document."""
    done = firewall(crossing, "-c", site, *arguments, "--json", through=through)
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
