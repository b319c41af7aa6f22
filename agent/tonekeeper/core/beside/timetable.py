"""When the daemon looks at what lies beside the paths.

What costs nothing is looked at often, what sends something seldom. A look is brought forward when what it is about may
have changed, never nearer to the last one than its least distance, and comes sooner while there is a problem, so that a
technician sees it go. When an agent looks differs from agent to agent: a fleet whose power returns in one second does
not ask its time servers in one second.
"""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.beside.knowledge import Knowledge
from tonekeeper.core.chance import Chance
from tonekeeper.core.checks import Check, Outcome
from tonekeeper.core.instants import LONG_AGO
from tonekeeper.core.site import Role
from tonekeeper.core.situation import Situation

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SOON = 5.0
"""Seconds until a look that was brought forward: what changed is given time to be complete."""
EARLY = 0.1
"""By this share at most a look comes before its time; the first one comes up to its whole time later."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds."""

    first: float
    """After the start."""
    every: float
    while_problem: float
    least: float
    """Between two looks, whatever brings one forward."""


PACES = {
    Check.CONNTRACK: Pace(first=SOON, every=MINUTE, while_problem=MINUTE, least=0.0),
    Check.CLOCK: Pace(first=MINUTE, every=HOUR, while_problem=5 * MINUTE, least=MINUTE),
    Check.DOUBLE_NAT: Pace(first=MINUTE, every=DAY, while_problem=DAY, least=MINUTE),
    Check.PORTAL: Pace(first=5 * MINUTE, every=6 * HOUR, while_problem=10 * MINUTE, least=10 * MINUTE),
    Check.DHCP: Pace(first=5 * MINUTE, every=DAY, while_problem=HOUR, least=10 * MINUTE),
}


@dataclass(frozen=True, slots=True)
class Signs:
    """What brings a look forward when it is not as it was."""

    clock_jump: float
    ways_out: tuple[tuple[str, tuple[str, ...], str], ...]
    """Of each WAN its addresses, and the one that a STUN server saw."""
    broken: tuple[str, ...]
    problems: tuple[Check, ...]
    """Whoever found them: a diagnosis looks too."""


def signs_of(situation: Situation, known: Knowledge) -> Signs:
    links = situation.links
    ways_out = tuple(
        (wan.name, links[wan.interface].addresses if wan.interface in links else (), known.mapped.get(wan.name, ""))
        for wan in situation.site.wans
    )
    problems = (check for check, one in situation.checks.items() if one.result.outcome is Outcome.PROBLEM)
    return Signs(situation.clock_jump, ways_out, known.broken, tuple(problems))


class Timetable:
    """`now` is monotonic seconds, and never decreases."""

    def __init__(self, chance: Chance, signs: Signs, now: float) -> None:
        self._chance = chance
        self._signs = signs
        self._looked_at = dict.fromkeys(PACES, LONG_AGO)
        self._due = {check: now + pace.first * (1 + chance.random()) for check, pace in PACES.items()}

    def notice(self, signs: Signs, now: float) -> None:
        before, self._signs = self._signs, signs
        if signs.clock_jump != before.clock_jump:
            self._bring_forward(Check.CLOCK, now)
        if signs.ways_out != before.ways_out:
            self._bring_forward(Check.DOUBLE_NAT, now)
        if any(wan not in before.broken for wan in signs.broken):
            self._bring_forward(Check.PORTAL, now)
        for check, pace in PACES.items():
            if check in signs.problems and check not in before.problems:
                self._due[check] = min(self._due[check], now + pace.while_problem)

    def look_again(self, now: float) -> None:
        """The operator asks, by a reload."""
        for check in PACES:
            self._bring_forward(check, now)

    def next(self, role: Role) -> tuple[Check, float]:
        """What is due first, and when. The table of connections is a router's business."""
        checks = [check for check in PACES if check is not Check.CONNTRACK or role is Role.ROUTER]
        check = min(checks, key=lambda each: self._due[each])
        return check, self._due[check]

    def looked(self, check: Check, outcome: Outcome, now: float) -> None:
        pace = PACES[check]
        pause = pace.while_problem if outcome is Outcome.PROBLEM else pace.every
        self._looked_at[check] = now
        self._due[check] = now + pause * (1 - EARLY * self._chance.random())

    def _bring_forward(self, check: Check, now: float) -> None:
        earliest = max(now + SOON * (1 + self._chance.random()), self._looked_at[check] + PACES[check].least)
        self._due[check] = min(self._due[check], earliest)
