"""The kernel's SIP helper in the output of nft."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tonekeeper.core.kernel import Flow, Protocol
from tonekeeper.core.nat.result import BindingKind
from tonekeeper.core.nat.tracked import TrackedFlow
from tonekeeper.edge.sip_rewriting import helper_in, helper_of_flows

HELPER = {
    "ct helper": {"family": "ip", "name": "sip-5060", "table": "x", "handle": 2, "type": "sip", "protocol": "udp"}
}
FTP = {"ct helper": {"family": "ip", "name": "ftp-21", "table": "x", "type": "ftp", "protocol": "tcp"}}


def rule(*expr: dict[str, Any], table: str = "x") -> dict[str, Any]:
    return {"rule": {"family": "ip", "table": table, "chain": "prerouting", "handle": 7, "expr": list(expr)}}


def ruleset(*entries: dict[str, Any]) -> str:
    return json.dumps({"nftables": [{"metainfo": {"version": "1.0.6"}}, *entries]})


def test_a_rule_that_assigns_it_is_named():
    state = helper_in(ruleset(HELPER, rule({"ct helper": "sip-5060"})))
    assert state.is_attached
    assert state.text == "rule ip x prerouting handle 7 assigns the helper sip-5060, of type sip"


def test_a_rule_that_assigns_it_by_a_map_is_found():
    by_port = {"map": {"key": {"payload": {}}, "data": {"set": [[5060, {"ct helper": "sip-5060"}]]}}}
    assert helper_in(ruleset(HELPER, rule({"mangle": {"value": by_port}}))).is_attached


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (HELPER,),
        (HELPER, rule({"accept": None})),
        (HELPER, rule({"ct helper": "sip-5060"}, table="another")),
        (FTP, rule({"ct helper": "ftp-21"})),
    ],
)
def test_an_object_that_nothing_assigns_does_nothing(entries):
    assert helper_in(ruleset(*entries)).is_attached is False


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"nftables": [{"rule": {}}]}', '{"nftables": [{"ct helper": 1}]}'])
def test_what_cannot_be_understood_is_not_checked(text):
    state = helper_in(text)
    assert state.is_attached is None
    assert "cannot be understood" in state.text


# --- of flows


def flow(helper: str) -> TrackedFlow:
    tracked = Flow(Protocol.UDP, "192.0.2.10", 5060, "203.0.113.2", 5060, "198.51.100.2", 5060)
    return TrackedFlow(tracked, BindingKind.STREAM, 100, helper)


@pytest.mark.parametrize("helper", ["sip", "sip-5070"])
def test_a_tracked_flow_with_the_helper_is_named(helper):
    state = helper_of_flows([flow(""), flow(helper)])
    assert state.is_attached
    said = f"the flow UDP 192.0.2.10:5060 to 203.0.113.2:5060 has the helper {helper} attached, says conntrack"
    assert state.text == said


def test_flows_without_it_are_counted_and_no_flows_say_nothing():
    assert helper_of_flows([flow(""), flow("ftp")]).is_attached is False
    assert helper_of_flows([]).is_attached is None
