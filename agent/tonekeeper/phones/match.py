"""Which family a phone is, from the User-Agent it sends: never a wrong one rather than none.

Phones are told new timers by what is found here, so what fits no pattern, what fits two families, and what only looks
like a User-Agent is nobody's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tonekeeper.phones.pattern import Pattern, parse_pattern
from tonekeeper.phones.pattern_parts import LONGEST_USER_AGENT
from tonekeeper.phones.profile import Profile

CONFIDENT = 0.9
"""A pattern taken from real User-Agents."""
HARDLY = 0.5
"""A pattern seen once, or only in a list."""
SEEN_MODEL = 0.1
"""More, for a model that is among the examples."""
NO_FIRMWARE = 0.2
"""Less, where the firmware is not told, and with it which settings there are."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a User-Agent says. `profile` is the id; `model` and `firmware` are empty where it does not say them."""

    profile: str
    vendor: str
    model: str
    firmware: str
    confidence: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    profile: Profile
    pattern: Pattern
    confidence: float


class ProfileSet:
    """Profiles that are used together, in the order of their ids. DecodeError for a pattern that is none."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self.profiles = tuple(sorted(profiles, key=lambda profile: profile.id))
        self._by_id = {profile.id: profile for profile in self.profiles}
        self._candidates = tuple(candidate for profile in self.profiles for candidate in _candidates(profile))
        self._vendors = _vendors(self.profiles)

    def __len__(self) -> int:
        return len(self.profiles)

    def get(self, id: str) -> Profile | None:
        return self._by_id.get(id)

    def match(self, user_agent: str) -> Match | None:
        """The family that sends `user_agent`, however long and strange that is."""
        if len(user_agent) > LONGEST_USER_AGENT:
            return None
        user_agent = user_agent.strip(" \t")
        found = [match for each in self._candidates if (match := _read(each, user_agent)) is not None]
        families = {match.profile for match in found}
        return max(found, key=lambda match: match.confidence) if len(families) == 1 else None

    def vendor_of(self, mac: str) -> str:
        """The vendor whose prefix `mac` has ("00:15:65:00:00:01"); empty where none or several have it."""
        return self._vendors.get(mac.lower().replace("-", ":")[:8], "")


def _candidates(profile: Profile) -> Iterator[_Candidate]:
    for text in profile.match.user_agents:
        yield _Candidate(profile, parse_pattern(text), CONFIDENT)
    for text in profile.match.weak_user_agents:
        yield _Candidate(profile, parse_pattern(text), HARDLY)


def _read(candidate: _Candidate, user_agent: str) -> Match | None:
    profile = candidate.profile
    read = candidate.pattern.read(user_agent)
    if read is None or not profile.match.firmware.contains(read[1]):
        return None
    model, firmware = read
    confidence = candidate.confidence
    if any(example.model == model for example in profile.examples):
        confidence += SEEN_MODEL
    if not firmware:
        confidence -= NO_FIRMWARE
    return Match(profile.id, profile.vendor, model, firmware, round(confidence, 2))


def _vendors(profiles: Sequence[Profile]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for profile in profiles:
        for prefix in profile.match.mac_prefixes:
            found.setdefault(prefix, set()).add(profile.vendor)
    return {prefix: next(iter(vendors)) for prefix, vendors in found.items() if len(vendors) == 1}
