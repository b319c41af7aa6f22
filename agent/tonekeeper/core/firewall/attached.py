"""What a ruleset has attached to SIP and RTP, read from its text: helpers, flow offload, short timeouts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tonekeeper.core.findings import Observation
from tonekeeper.wire.ruleset import Listing

LEAST_STREAM, LEAST_UNREPLIED = 60, 20
"""Seconds: below, phones that keep alive every 30 s, or register slowly, lose their mapping."""

_HELPER_SET = re.compile(r"ct helper set \"?([^\"\s]+)\"?|--helper (sip\S*)")
_HELPER_TYPE = re.compile(r'type "sip[^"]*" protocol (\w+)')
_OFFLOAD = re.compile(r"\bflow (?:add|offload) @(\S+)")
_PROTOCOL = re.compile(r"l4proto (\{[^}]*\}|\S+)|ip protocol (\{[^}]*\}|\S+)")
_TIMEOUT = re.compile(r"(unreplied|replied)\s*:\s*(?:((?:\d+[hms])+)|(\d+))")
_SPAN = re.compile(r"(\d+)([hms])")
_UNITS = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class KernelTimeouts:
    """nf_conntrack_udp_timeout and nf_conntrack_udp_timeout_stream, seconds; None where they are not known."""

    unreplied: int | None
    stream: int | None


def attached_to_sip(
    listing: Listing, timeouts: KernelTimeouts | None = None, *, assigns_helpers: bool = False
) -> Iterator[Observation]:
    """`assigns_helpers`: the kernel gives every connection to port 5060 the SIP helper (nf_conntrack_helper)."""
    yield from _helpers(listing, assigns_helpers)
    yield from _offload(listing)
    yield from _timeouts(listing, timeouts)


def _helpers(listing: Listing, assigns_helpers: bool) -> Iterator[Observation]:
    of_sip = {
        name for _, _, kind, name, content in listing.blocks if kind == "ct helper" and _HELPER_TYPE.search(content)
    }
    rules = [
        f"{rule.family} {rule.table} {rule.chain} handle {rule.handle}: {rule.text}"
        for rule in listing.rules()
        if (found := _HELPER_SET.search(rule.text)) is not None and (found[2] or found[1] in of_sip)
    ]
    if assigns_helpers:
        rules.append("net.netfilter.nf_conntrack_helper = 1")
    if rules:
        yield Observation("sip-helper-attached", "", {"rule": "; ".join(rules)})


def _offload(listing: Listing) -> Iterator[Observation]:
    rules = [rule for rule in listing.rules() if _OFFLOAD.search(rule.text) and _is_of_udp(rule.text)]
    if rules:
        told = "; ".join(f"{rule.family} {rule.table} {rule.chain} handle {rule.handle}: {rule.text}" for rule in rules)
        yield Observation("flow-offload-udp", "", {"rule": told})


def _is_of_udp(text: str) -> bool:
    found = _PROTOCOL.search(text)
    return found is None or "udp" in (found[1] or found[2])


def _timeouts(listing: Listing, kernel: KernelTimeouts | None) -> Iterator[Observation]:
    if kernel is not None:
        short = _short({"unreplied": kernel.unreplied, "replied": kernel.stream})
        if short:
            evidence = {"timeouts": short, "set_by": "net.netfilter.nf_conntrack_udp_timeout and _stream"}
            yield Observation("firewall-udp-timeout-low", "", evidence)
    for family, table, kind, name, content in listing.blocks:
        if kind == "ct timeout" and "protocol udp" in content:
            told = {one[1]: _seconds(one[2]) if one[2] else int(one[3]) for one in _TIMEOUT.finditer(content)}
            if short := _short(told):
                where = f"ct timeout {name} in table {family} {table}"
                yield Observation("firewall-udp-timeout-low", name, {"timeouts": short, "set_by": where})


def _short(timeouts: Mapping[str, int | None]) -> str:
    least = {"unreplied": LEAST_UNREPLIED, "replied": LEAST_STREAM}
    return ", ".join(
        f"{kind} {seconds} s" for kind, seconds in timeouts.items() if seconds is not None and seconds < least[kind]
    )


def _seconds(span: str) -> int:
    return sum(int(number) * _UNITS[unit] for number, unit in _SPAN.findall(span))
