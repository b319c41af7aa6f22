"""The phones of a site in a few sentences: how many of which kind, and which of them have trouble to register."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tonekeeper.core.report import PhoneReport

MOST_KINDS = 6
MOST_NAMED = 4
"""In a sentence; the JSON has them all."""


def phones(known: tuple[PhoneReport, ...]) -> list[str]:
    """No sentence where no phone is known."""
    if not known:
        return []
    kinds = Counter(map(_kind, known)).most_common()
    told = [f"{count} {kind}" for kind, count in kinds[:MOST_KINDS]]
    rest = len(known) - sum(count for _, count in kinds[:MOST_KINDS])
    sentences = [f"{len(known)} found: {', '.join([*told, *([f'{rest} others'] if rest else [])])}"]
    refused = [f"{_named(phone)} by {phone.status}" for phone in known if (phone.status or 200) >= 300]
    if refused:
        sentences.append(f"refused: {_listed(refused)}")
    return sentences


def _kind(phone: PhoneReport) -> str:
    """Vendor and model, as far as they are known; else what it says of itself."""
    return " ".join(filter(None, (phone.vendor, phone.model))) or phone.user_agent or "not identified"


def _named(phone: PhoneReport) -> str:
    return f"{phone.address} ({_kind(phone)})"


def _listed(parts: Iterable[str]) -> str:
    shown = list(parts)
    more = [f"and {len(shown) - MOST_NAMED} more"] if len(shown) > MOST_NAMED else []
    return ", ".join([*shown[:MOST_NAMED], *more])
