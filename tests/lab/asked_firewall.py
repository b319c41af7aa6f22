"""`tonekeeper firewall`, run in the router of a crossing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.lab.crossing import SERVERS, WANS, Crossing
from tonekeeper.core.firewall.flows import FlowQuestion, Origin, Traffic
from tonekeeper.wire.endpoint import Endpoint

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

EVERYTHING = {(f"{SERVERS[1]}:{port}", True) for port in (5060, 10000, 20000)}
NOTHING = {("", False)}


def firewall(crossing: Crossing, *arguments: object, through: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Of its rules alone. `through`: a command that leads to where the tools of the firewall are."""
    command = [*through, sys.executable, "-m", "tonekeeper", "firewall", "--no-probe", *map(str, arguments)]
    return crossing.router.inside(
        lambda: subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    )


def said_of(crossing: Crossing, site: Path, *arguments: object, through: Sequence[str] = ()) -> dict[str, Any]:
    """Its JSON document."""
    done = firewall(crossing, "-c", site, *arguments, "--json", through=through)
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def passing(crossing: Crossing, *origins: Origin) -> set[tuple[str, bool]]:
    """What of SIP and media really reaches the alternate, over each WAN: where it arrived, and whether it came back."""
    found = set()
    for wan in WANS:
        asked = [
            FlowQuestion(
                origin,
                "alternate",
                wan,
                traffic,
                Endpoint(SERVERS[1], port),
                lan="lan0" if origin is Origin.LAN else "",
            )
            for origin in origins or tuple(Origin)
            for traffic, port in ((Traffic.UDP, 5060), (Traffic.RTP, 10000), (Traffic.RTP, 20000))
        ]
        found |= {
            (str(one.address) if outcome.arrived else "", outcome.answered)
            for one, outcome in zip(asked, crossing.send(asked), strict=True)
        }
    return found
