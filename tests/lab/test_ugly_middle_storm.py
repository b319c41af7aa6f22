"""The storm guard on the wire: whatever fails, the site sends no more than it says that it would."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.lab.agent import Agent
from tests.lab.packet_count import PacketCount, worst_excess
from tests.lab.topology import Lab
from tests.lab.verdicts import over

pytestmark = pytest.mark.lab

DEAD, BACK = 20.0, 8.0
"""Seconds."""


TIGHT = {"udp": 1, "tcp": 2, "tls": 7}
"""Packets per second, where the cadence takes 4 over UDP and 8 over streams, and a handshake more than these."""


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
@pytest.mark.parametrize("tight", [False, True], ids=["by default", "tight"])
def test_an_incident_of_the_whole_site_never_costs_more_than_stated(
    lab: Lab, make_agent: Callable[..., Agent], transport: str, tight: bool
):
    """Fine, then everything dead, then fine again. Tight: less than the cadence would take."""
    agent = make_agent(
        sbc=[over(transport, sbc, **{"tls.ca_file": str(lab.authority.root)}) for sbc in lab.sbcs],
        probe={"packets_per_second": TIGHT[transport]} if tight else {},
    )
    with ExitStack() as stack:
        lines = [
            stack.enter_context(PacketCount(wan.namespace, "access", [sbc.address for sbc in lab.sbcs]))
            for wan in lab.providers
        ]
        agent.start()
        agent.wait_for(lambda now: now["agent"]["uptime_s"] > 5.0, within=10)
        with lab.provider("fibre").silence(), lab.provider("lte").silence():
            dead = agent.wait_for(lambda now: now.has("site-offline"), within=30)
            over_at = dead["agent"]["uptime_s"] + DEAD
            agent.wait_for(lambda now: now["agent"]["uptime_s"] > over_at, within=DEAD + 5)
        agent.wait_for(lambda now: now["agent"]["uptime_s"] > over_at + BACK, within=BACK + 5)
        probing = agent.status()["probing"]
        agent.kill()
    sent = [at for line in lines for at in line.sent]
    print(f"{len(sent)} packets, charged {probing}, {worst_excess(sent, probing['packets_per_second']):.1f} at once")
    assert len(sent) > 60, "the count would prove nothing"
    assert worst_excess(sent, probing["packets_per_second"]) <= probing["burst"]
    assert len(sent) <= probing["sent_packets"] + 2 * len(lab.sbcs), "what left after the status was read"
    assert (probing["postponed"] > 0) == tight
