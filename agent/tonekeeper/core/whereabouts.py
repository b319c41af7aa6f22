"""Where one SBC is, as far as it has been proven.

Names are asked of every resolver of every WAN, and each answer is kept beside the others. An answer can fail, and it
can lie (a landing page, a captive portal), so:

    HEARD      named by an answer, and nothing better is known: probed, and counted
    PROVEN     named by an answer, one of whose addresses has spoken SIP
    CANDIDATE  named by an answer none of whose addresses has spoken SIP, while others are proven: probed, not counted

What is proven is only ever replaced by what is proven. A failure of whatever kind changes nothing but the age of what
is known. It settles because an answer moves from candidate to proven once, and back only when another one is given.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

from tonekeeper.core.events import NameFailure
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.site import Target
from tonekeeper.wire.endpoint import Endpoint

LEAST_TTL, MOST_TTL = 30.0, 3600.0
"""Limits within which a TTL is honoured, seconds."""
RETRY, RETRY_MOST = 5.0, 60.0
"""Seconds until a resolver that led nowhere is asked again, doubling."""
FORGOTTEN = 86400.0
"""Seconds for which the last good answer of a resolver that fails still counts beside those of others."""
UNASKED = MOST_TTL + 2 * RETRY_MOST
"""Seconds without a word after which a resolver is one that nobody asks any more: a lease brought another."""
LIE_AFTER = 15.0
"""Seconds that an address has to speak SIP before the answer that named it is called a lie."""
STALE_AFTER = 600.0
"""Seconds without anybody's confirmation after which what is remembered is called stale."""
SAVE_AGAIN = 86400.0
"""Seconds after which what is proven is written to disk again, so that its age there means something."""

Asked = tuple[str, str]
"""WAN and resolver."""


@dataclass(slots=True)
class Answer:
    """What one resolver says, asked over one WAN."""

    targets: tuple[Target, ...] = ()
    """Of its latest good answer."""
    heard_at: float = LONG_AGO
    told_at: float = LONG_AGO
    """When it last answered at all, or failed to."""
    named_since: float = NEVER
    """Since when it names just these."""
    failure: NameFailure | None = None
    """Of its latest answer."""
    reason: str = ""
    failures: int = 0
    """In a row."""


@dataclass(slots=True)
class Whereabouts:
    targets: tuple[Target, ...] = ()
    candidates: tuple[Target, ...] = ()
    proven: bool = False
    confirmed_at: float = LONG_AGO
    """When an answer last named what is in use."""
    saved: tuple[Target, ...] = ()
    saved_at: float = LONG_AGO
    answers: dict[str, Answer] = field(default_factory=dict)
    """By WAN and resolver, as one word: a checkpoint has no other keys."""
    again: dict[str, float] = field(default_factory=dict)
    """By WAN: when it is asked again."""

    @property
    def addresses(self) -> tuple[Endpoint, ...]:
        return tuple(target.address for target in self.targets)

    @property
    def failure(self) -> str:
        """Why nobody knows this name at the moment; empty as long as one resolver does."""
        latest = [answer for answer in self.answers.values() if answer.failure is not None]
        return latest[-1].reason if latest and len(latest) == len(self.answers) else ""

    def recall(self, targets: tuple[Target, ...], age: float, now: float) -> None:
        """What an earlier run had proven, where nobody has said anything yet."""
        if not self.targets:
            self.targets = self.saved = targets
            self.proven = True
            self.confirmed_at = self.saved_at = now - age

    def hear(self, asked: Asked, targets: tuple[Target, ...], now: float) -> None:
        answer = self._answer_of(asked)
        if set(targets) != set(answer.targets):
            answer.named_since = now
        answer.targets = targets
        answer.heard_at = answer.told_at = now
        answer.failure, answer.reason, answer.failures = None, "", 0

    def fail(self, asked: Asked, failure: NameFailure, reason: str, now: float) -> None:
        answer = self._answer_of(asked)
        answer.told_at = now
        self._forget(now)
        answer.failure, answer.reason = failure, reason
        answer.failures += 1

    def retry_after(self, wan: str) -> float:
        """Seconds until the resolvers of a WAN are asked again; sooner while none of them knows the name."""
        failures = min((answer.failures for (at, _), answer in self.asked() if at == wan), default=0)
        return min(RETRY_MOST, RETRY * 2.0 ** min(failures - 1, 10)) if failures else RETRY_MOST

    def settle(self, spoken: Container[Endpoint], now: float) -> bool:
        """What follows from all answers and from who has spoken SIP; whether anything did."""
        before = (self.targets, self.candidates, self.proven)
        self._forget(now)
        credible = [answer for answer in self._good() if any(t.address in spoken for t in answer.targets)]
        if credible:
            self.targets = _united(credible)
            self.proven = True
        elif not self.proven:
            self.targets = _united(self._good()) or self.targets
            self.proven = any(address in spoken for address in self.addresses)
        self.candidates = tuple(target for target in _united(self._good()) if target not in self.targets)
        named = [answer.heard_at for answer in self._good() if set(answer.targets) & set(self.targets)]
        self.confirmed_at = max([self.confirmed_at, *named])
        return before != (self.targets, self.candidates, self.proven)

    def is_to_be_saved(self, now: float) -> bool:
        return self.proven and (self.targets != self.saved or now >= self.saved_at + SAVE_AGAIN)

    def drop(self, wans: Container[str]) -> None:
        """Only these WANs are left."""
        self.answers = {key: answer for key, answer in self.answers.items() if key.partition(" ")[0] in wans}
        self.again = {wan: at for wan, at in self.again.items() if wan in wans}

    def asked(self) -> Iterator[tuple[Asked, Answer]]:
        for key, answer in self.answers.items():
            wan, _, resolver = key.partition(" ")
            yield (wan, resolver), answer

    def lies(self, spoken: Container[Endpoint], now: float) -> Iterator[tuple[Asked, Answer]]:
        """Answers whose addresses had time enough to speak SIP and did not."""
        if not self.proven:
            return
        for asked, answer in self.asked():
            silent = not any(target.address in spoken for target in answer.targets)
            if answer.targets and silent and now >= answer.named_since + LIE_AFTER:
                yield asked, answer

    def ripens_at(self) -> Iterator[float]:
        """When something that is known now will mean more, although nothing happens."""
        for answer in self.answers.values():
            yield answer.named_since + LIE_AFTER
        yield self.confirmed_at + STALE_AFTER

    def _answer_of(self, asked: Asked) -> Answer:
        return self.answers.setdefault(" ".join(asked), Answer())

    def _good(self) -> list[Answer]:
        return [answer for answer in self.answers.values() if answer.targets]

    def _forget(self, now: float) -> None:
        """A resolver that is asked no more, or has failed for a day while another has not, has no say any more."""
        self.answers = {key: answer for key, answer in self.answers.items() if answer.told_at >= now - UNASKED}
        fresh = {key for key, answer in self.answers.items() if answer.heard_at >= now - FORGOTTEN}
        if fresh:
            for key in self.answers.keys() - fresh:
                self.answers[key].targets = ()


def _united(answers: Iterable[Answer]) -> tuple[Target, ...]:
    """All targets in their order, each place once."""
    found: dict[tuple[str, Endpoint], Target] = {}
    for answer in answers:
        for target in answer.targets:
            found.setdefault((target.transport, target.address), target)
    return tuple(sorted(found.values(), key=lambda target: target.priority))
