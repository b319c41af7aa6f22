"""The daemon on a router: a rule that would block the alternate is a finding before anybody needs the alternate."""

from __future__ import annotations

import time

import pytest

from tests.lab.namespace import until

pytestmark = pytest.mark.lab

SEEN = 10.0
"""Seconds from the change to the finding, on a busy machine; a second of them is for the change to be complete."""


def test_a_rule_that_blocks_the_alternate_is_found_when_it_is_made_and_forgotten_when_it_is_gone(lab, make_agent):
    cpe = lab.cpe.namespace
    agent = make_agent(agent={"role": "router"}, lan={"interfaces": ["lan0"]})
    agent.start()
    until(lambda: agent.status()["firewall"], within=SEEN, what="nobody looks at the firewall")
    assert {flow["verdict"] for flow in agent.status()["firewall"]} == {"accept"}
    cpe.nft(f"insert rule inet filter forward ip daddr {lab.sbc('alternate').address} drop")
    changed = time.monotonic()
    try:
        until(lambda: agent.status().has("firewall-blocks-alternate", "alternate"), within=SEEN, what="not found")
        print(f"found {time.monotonic() - changed:.2f} s after the change")
        (finding,) = [one for one in agent.status()["findings"] if one["code"] == "firewall-blocks-alternate"]
        assert "insert rule inet filter forward" in finding["remedy"]
    finally:
        handle = (
            cpe.run("nft", "-a", "list", "chain", "inet", "filter", "forward").partition("drop # handle ")[2].split()[0]
        )
        cpe.run("nft", "delete", "rule", "inet", "filter", "forward", "handle", handle)
    until(lambda: not agent.status().has("firewall-blocks-alternate"), within=SEEN, what="not forgotten")
    agent.stop()
    assert "firewall-not-checked" not in agent.output
