"""Whether this host's own ruleset hands SIP to the kernel's helper, which rewrites it (nf_conntrack_sip).

The ruleset is read by `nft`, as JSON. A helper does nothing before a rule assigns it, so the object alone is none.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

from tonekeeper.core.nat.alg import HelperState

TIMEOUT = 5.0
"""Seconds for `nft` to list everything."""

_COMMAND = ("nft", "--json", "list", "ruleset")


def sip_helper() -> HelperState:
    """Blocks while `nft` runs."""
    try:
        done = subprocess.run(_COMMAND, capture_output=True, text=True, timeout=TIMEOUT, check=False)
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
