"""Firmware versions, compared by their numbers.

Vendors write 108.86.0.20, 83.V2.11.0+build.a546b91, 7.20A.258 and 11-1-0MSR3-9. What they have in common is that the
numbers in them count up from left to right, so the numbers are what is compared. Yealink puts the number of the
hardware first; a `*` in a range stands for such a number.
"""

from __future__ import annotations

import re
from itertools import zip_longest

from tonekeeper.phones.record import Record

ANY = "*"

_NUMBER = re.compile("[0-9]{1,12}")
_LONGEST = 64


class FirmwareRange(Record, frozen=True):
    """Versions from `since` on and below `before`; empty: no limit. "*.84" is 84 in the second number."""

    since: str = ""
    before: str = ""

    def contains(self, firmware: str) -> bool | None:
        """Whether `firmware` lies in the range; None where its version is not known and the range has a limit."""
        if not (self.since or self.before):
            return True
        version = numbers(firmware)
        if not version:
            return None
        return not (self.since and _below(version, numbers(self.since))) and (
            not self.before or _below(version, numbers(self.before))
        )

    def is_disjoint(self, other: FirmwareRange) -> bool:
        """Whether no firmware can be in both. Where a `*` leaves that open, no."""
        return self._ends_before(other) or other._ends_before(self)

    @property
    def is_upside_down(self) -> bool:
        return bool(self.since and self.before) and not _below(numbers(self.since), numbers(self.before))

    def _ends_before(self, other: FirmwareRange) -> bool:
        if not (self.before and other.since):
            return False
        ours, theirs = numbers(self.before), numbers(other.since)
        comparable = all((a is None) == (b is None) for a, b in zip(ours, theirs, strict=False))
        return comparable and not _below(theirs, ours)


def numbers(firmware: str) -> tuple[int | None, ...]:
    """The numbers of a version, left to right; None for each `*`."""
    parts = re.findall(r"[0-9]{1,12}|\*", firmware[:_LONGEST])
    return tuple(None if part == ANY else int(part) for part in parts)


def is_version(text: str) -> bool:
    """Whether `text` can stand in a range: numbers and stars with dots between them."""
    return all(part == ANY or _NUMBER.fullmatch(part) for part in text.split("."))


def _below(version: tuple[int | None, ...], limit: tuple[int | None, ...]) -> bool:
    """By number; a version that ends early counts as 0 from there on, a `*` on either side as equal."""
    for ours, theirs in zip_longest(version, limit, fillvalue=0):
        if ours is not None and theirs is not None and ours != theirs:
            return ours < theirs
    return False
