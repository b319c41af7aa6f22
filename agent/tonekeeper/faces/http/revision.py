"""The entity tag of the report: the same while nothing happens, although ages and counters never stand still.

A tag over every byte would be new with each answer. This one counts changes of what lasts: states, reasons, findings,
addresses, what was found of NAT, firewall and phones. It is a weak validator (RFC 9110 section 8.8.1), and "not
modified" says of the numbers that run by themselves only that they are not news.
"""

from __future__ import annotations

import os
from dataclasses import fields, is_dataclass

from tonekeeper.core.report import Report

RUNNING = frozenset(
    (
        *("penalty", "loss", "losses_1h", "sent", "received", "ignored", "confirmations", "probing_bytes", "responses"),
        *("count", "buckets", "attempts", "successes", "packets_sent", "packets_lost", "mos"),
        *("sent_packets", "sent_bytes", "postponed"),
    )
)
"""Keys whose numbers move while nothing happens; so do all durations but those that were measured once or agreed on."""
STANDING_DURATIONS = frozenset(("lifetime_s", "expiry_s", "granted_s", "keepalive_s"))


class Revisions:
    """Of one running agent; another one's tags, and those from before a restart, never match."""

    def __init__(self) -> None:
        self._run = os.urandom(6).hex()
        self._number = 0
        self._lasting: object = None

    def tag(self, report: Report) -> str:
        """The value of the ETag field for `report`."""
        if (lasting := lasting_part(report)) != self._lasting:
            self._lasting = lasting
            self._number += 1
        return f'W/"{self._run}-{self._number}"'


def matches(if_none_match: str, tag: str) -> bool:
    """Whether an If-None-Match field names `tag`, by the weak comparison (RFC 9110 section 13.1.2)."""
    named = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return named == ["*"] or tag.removeprefix("W/") in named


_lasting_names: dict[str, tuple[str, ...]] = {}
"""Fields by the name of their class: to look them up takes longer than to compare what they hold."""


def lasting_part(value: object) -> object:
    """`value` without the numbers that run by themselves; to be compared, not to be read."""
    if isinstance(value, tuple):
        return tuple(map(lasting_part, value))
    if not is_dataclass(value):
        return value
    name = value.__class__.__name__
    if name not in _lasting_names:
        _lasting_names[name] = tuple(field.name for field in fields(value) if not _runs(field.name))
    return tuple(lasting_part(getattr(value, lasting)) for lasting in _lasting_names[name])


def _runs(name: str) -> bool:
    return name in RUNNING or (name.endswith(("_s", "_ms")) and name not in STANDING_DURATIONS)
