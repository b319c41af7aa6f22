"""Whether this host, as a router, hands SIP to the kernel's helper, which rewrites it (nf_conntrack_sip).

The ruleset is read by `nft`, as JSON. A helper does nothing before a rule assigns it, so the object alone is none. The
flows that are tracked tell what became of it: not all rules are nft's, and older kernels assign helpers by themselves.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator

from tonekeeper.core.nat.alg import HelperState
from tonekeeper.core.nat.tracked import TrackedFlow
from tonekeeper.edge.child_environment import child_environment
from tonekeeper.edge.nat_kernel import tracked_flows
from tonekeeper.errors import EdgeError
from tonekeeper.wire.endpoint import Endpoint

TIMEOUT = 5.0
"""Seconds for `nft` to list everything."""

_SIP = "sip"
"""The kernel's name of the helper; one for another port than 5060 has it in the name (`sip-5070`)."""
_COMMAND = ("nft", "--json", "list", "ruleset")


def sip_helper(servers: Iterable[Endpoint]) -> HelperState:
    """Of the flows to `servers` that this host tracks, and of its ruleset. Blocks while `nft` runs."""
    in_flows = helper_of_flows(_flows_to(servers))
    return in_flows if in_flows.is_attached else _agreed(_in_ruleset(), in_flows)


def helper_of_flows(flows: Iterable[TrackedFlow]) -> HelperState:
    """What the helpers of these flows say; nothing where there are none."""
    known = list(flows)
    for one in known:
        if one.helper.startswith(_SIP):
            return HelperState(True, f"the flow {one} has the helper {one.helper} attached, says conntrack")
    if not known:
        return HelperState(None, "no SIP flow is tracked")
    return HelperState(False, f"none of the {len(known)} SIP flows that are tracked has a helper")


def _flows_to(servers: Iterable[Endpoint]) -> list[TrackedFlow]:
    """Empty where they cannot be read: the ruleset is asked as well, and says why it cannot be."""
    wanted = set(servers)
    try:
        tracked = tracked_flows(server.host for server in wanted)
    except EdgeError:
        return []
    return [one for one in tracked if Endpoint(one.flow.destination, one.flow.destination_port) in wanted]


def _agreed(in_ruleset: HelperState, in_flows: HelperState) -> HelperState:
    """The flows make up for a ruleset that cannot be read; else they are told beside it."""
    if in_flows.is_attached is None or in_ruleset.is_attached:
        return in_ruleset
    return HelperState(False, f"{in_ruleset.text}; {in_flows.text}")


def _in_ruleset() -> HelperState:
    try:
        done = subprocess.run(
            _COMMAND, capture_output=True, text=True, timeout=TIMEOUT, check=False, env=child_environment()
        )
    except FileNotFoundError:
        return HelperState(None, "this host has no nft, so its ruleset cannot be read")
    except (OSError, subprocess.TimeoutExpired) as error:
        return HelperState(None, f"the ruleset cannot be read: {error}")
    if done.returncode != 0:
        return HelperState(None, f"the ruleset cannot be read: {_last_line(done.stderr)}")
    return helper_in(done.stdout)


def helper_in(ruleset: str) -> HelperState:
    """What the output of `nft --json list ruleset` says."""
    try:
        entries = json.loads(ruleset)["nftables"]
        helpers = [entry["ct helper"] for entry in entries if "ct helper" in entry]
        sip = {(one["family"], one["table"], one["name"]) for one in helpers if one["type"] == "sip"}
        for rule in (entry["rule"] for entry in entries if "rule" in entry):
            for name in _assigned(rule["expr"]):
                if (rule["family"], rule["table"], name) in sip:
                    where = f"{rule['family']} {rule['table']} {rule['chain']} handle {rule['handle']}"
                    return HelperState(True, f"rule {where} assigns the helper {name}, of type sip")
    except (ValueError, KeyError, TypeError) as error:
        return HelperState(None, f"the ruleset cannot be understood: {type(error).__name__} {error}")
    return HelperState(False, "no rule of this host assigns a helper of type sip")


def _assigned(expression: object) -> Iterator[str]:
    """Names of the helpers that a rule's expression sets, however deep, as in a map."""
    match expression:
        case {"ct helper": str(name)}:
            yield name
        case dict():
            for value in expression.values():
                yield from _assigned(value)
        case list():
            for value in expression:
                yield from _assigned(value)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["nft says nothing"])[-1]
