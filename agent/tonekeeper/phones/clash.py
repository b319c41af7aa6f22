"""Two profiles that would both claim some User-Agent: found by walking their patterns, before a phone is told wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tonekeeper.errors import Mistake
from tonekeeper.phones.pattern import Pattern, parse_pattern
from tonekeeper.phones.profile import Profile


@dataclass(frozen=True, slots=True)
class Clash:
    """Two profiles that would both claim `user_agent`; the mistake is the second one's."""

    first: str
    second: str
    key_path: str
    pattern: str
    user_agent: str

    @property
    def mistake(self) -> Mistake:
        reason = f'is claimed by {self.first} too: both match "{self.user_agent}"'
        remedy = "name the models in one of the patterns, or give the two disjoint firmware ranges"
        return Mistake(self.key_path, f'"{self.pattern}"', reason, remedy)


def clashes(profiles: Sequence[Profile]) -> Iterator[Clash]:
    """The pairs of profiles that some User-Agent fits both of."""
    read = [(profile, _patterns(profile)) for profile in profiles]
    for index, (first, ours) in enumerate(read):
        for second, theirs in read[index + 1 :]:
            if not first.match.firmware.is_disjoint(second.match.firmware):
                yield from _clashes(first, ours, second, theirs)


def _clashes(
    first: Profile, ours: Sequence[tuple[str, Pattern]], second: Profile, theirs: Sequence[tuple[str, Pattern]]
) -> Iterator[Clash]:
    for path, pattern in theirs:
        for _, other in ours:
            text = other.common_text(pattern)
            if text is not None:
                yield Clash(first.id, second.id, path, pattern.text, text)


def _patterns(profile: Profile) -> list[tuple[str, Pattern]]:
    return [(path, parse_pattern(text)) for path, text in pattern_texts(profile)]


def pattern_texts(profile: Profile) -> list[tuple[str, str]]:
    """The patterns of a profile, each with its key path."""
    match = profile.match
    strong = [(f"match.user_agents[{i}]", text) for i, text in enumerate(match.user_agents)]
    return strong + [(f"match.weak_user_agents[{i}]", text) for i, text in enumerate(match.weak_user_agents)]
