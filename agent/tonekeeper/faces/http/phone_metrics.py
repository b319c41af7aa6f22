"""The phones of the site, as metric families by firmware profile. Addresses and numbers are nobody's business here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from tonekeeper.core.report import PhoneReport
from tonekeeper.faces.http.exposition import Family, Kind, labels_of

MOST_PROFILES = 4
"""Shown by name, those with the most phones: who is on a LAN may call himself anything."""
OTHER, UNKNOWN = "other", "unknown"
"""All other profiles, and phones that have none. An id of a profile has a hyphen in it."""


def families(phones: tuple[PhoneReport, ...]) -> Iterator[Family]:
    """None where no phone is known."""
    known = Family("tonekeeper_phones", Kind.GAUGE, "Phones at the site.")
    registered = Family("tonekeeper_phones_registered", Kind.GAUGE, "Of them, those whose last REGISTER was accepted.")
    refused = Family("tonekeeper_phones_refused", Kind.GAUGE, "Of them, those whose last REGISTER was refused.")
    expiry = Family("tonekeeper_phones_expiry_seconds", Kind.GAUGE, "The longest expiry that one of them was given.")
    keepalive = Family("tonekeeper_phones_keepalive_seconds", Kind.GAUGE, "The longest keepalive interval over UDP.")
    for profile, alike in _by_profile(phones).items():
        labels = labels_of(profile=profile)
        statuses = [phone.status for phone in alike if phone.status is not None]
        known.add(len(alike), labels)
        if statuses:
            registered.add(sum(status < 300 for status in statuses), labels)
            refused.add(sum(status >= 300 for status in statuses), labels)
        expiry.add(_longest(alike, lambda phone: phone.granted_s), labels)
        keepalive.add(_longest(alike, lambda phone: phone.keepalive_s), labels)
    yield from (known, registered, refused, expiry, keepalive)


def _by_profile(phones: Iterable[PhoneReport]) -> dict[str, list[PhoneReport]]:
    counted = Counter(phone.profile for phone in phones if phone.profile)
    named = sorted(counted, key=lambda profile: (-counted[profile], profile))[:MOST_PROFILES]
    found: dict[str, list[PhoneReport]] = {profile: [] for profile in named}
    for phone in phones:
        other = OTHER if phone.profile else UNKNOWN
        found.setdefault(phone.profile if phone.profile in named else other, []).append(phone)
    return found


def _longest(phones: Iterable[PhoneReport], of: Callable[[PhoneReport], float | None]) -> float | None:
    return max((seconds for phone in phones if (seconds := of(phone)) is not None), default=None)
