"""What there is to say of one kind of finding beyond its entry in the catalogue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """Markdown, without headings. Names and addresses stand for those of the site: `eth0`, `198.51.100.20`."""

    means: str
    """For somebody who has never seen this code."""
    sureness: str
    """What it was concluded from, what confirms it, and what looks the same and is not."""
    try_first: tuple[str, ...]
    """In this order, a sentence each; the cheapest and most likely first."""
    leave_alone: str
    """What makes it worse, or destroys the evidence."""
