"""One path, probed: what we believe about it and when we ask again.

    UNKNOWN --answer--> UP --miss--> SUSPECT --as many misses as the budget asks--> DOWN
                        ^               |                                            |
                        |<---answer-----+      three answers in a row, 1 s apart     |
                        +<-----------------------------------------------------------+

- Steady: one probe per interval, jittered down by 0-10 %.
- A probe that is not answered within the adaptive timeout is a miss. The next probe leaves at once: a confirming one.
  Any answer to any probe of the last 32 s, however late, proves the path.
- Unambiguous evidence (ICMP unreachable, the kernel refusing to send, carrier lost) is a verdict by itself.
- While DOWN the steady cadence goes on; one answer is not enough to come back.
- An UNKNOWN path falls by the same count of misses.
- 503 with Retry-After: nothing is sent until the hold is over.

Only the agent calls the methods that change a probe; all of it is plain data, so that a checkpoint can hold it. It
settles because every state but DOWN and UP moves on within (confirmations + 1) timeouts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum

from tonekeeper.core.backoff import full_jitter
from tonekeeper.core.budget import EPISODE, LossEstimate, Patience
from tonekeeper.core.chance import Chance
from tonekeeper.core.events import TlsFacts
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.meaning import Meaning, hold_of, meaning_of
from tonekeeper.core.report import PathState
from tonekeeper.core.rtt import CEILING, AdaptiveTimeout
from tonekeeper.core.site import Path, Transport
from tonekeeper.core.strain import Strain, strain_of
from tonekeeper.core.stun_keepalive import StunKeepalive
from tonekeeper.wire.sip.reply import SipReply

JITTER = 0.10
RISE = 3
"""Answers in a row that bring a path back up ..."""
RISE_SPACING = 1.0
"""... this many seconds apart."""
MEMORY_OF_SENT = 32.0
"""Seconds for which an answer still counts (64*T1, RFC 3261 17.1.2.2)."""
MOST_SENT = 32
"""Probes remembered at most; the oldest is forgotten, and an answer to it would be ignored."""
STALL = 1.0
"""A timer that is served this much too late says that we slept, not that the answer is missing."""
REKEY_AFTER = 2
"""Unanswered probes while down after which a new local port is taken: a NAT that holds a dead mapping to the old one
would have it refreshed for ever by every further probe ..."""
REKEY_PATIENCE = CEILING
"""... and seconds that their answers have to come: one to a port that was given up would never be heard."""
TAKES_AND_SAYS_NOTHING = "takes connections and answers nothing on them"
"""Of a path that fell silent and could be connected again: a port that is open proves nothing."""
REOPEN, REOPEN_MOST = 5.0, 30.0
"""Seconds until a socket that could not be opened is tried again, at first and at most."""
PONG = 10.0
"""Seconds within which a ping is answered (RFC 5626 section 4.4.1)."""
FIRST_VERDICT = 15.0
"""Seconds that a new path has for its first verdict before the others are judged without it."""


class Kind(StrEnum):
    STEADY = "steady"
    CONFIRMING = "confirming"
    RISING = "rising"


class Outcome(Enum):
    """What a reply was to us."""

    IGNORED = "ignored"
    REPEATED = "repeated"
    PROVED = "proved"


@dataclass(frozen=True, slots=True)
class Sent:
    branch: str
    call_id: str
    cseq: int
    at: float
    kind: Kind


@dataclass(slots=True)
class PathProbe:
    path: Path
    opened_at: float | None = None
    """When the socket opened; None while there is none."""
    opening: bool = False
    """A socket was asked for and has not been told of yet."""
    candidate: bool = False
    """Its address was named by an answer that nobody has proven yet: what it says counts for nothing else."""
    local: str = ""
    state: PathState = PathState.UNKNOWN
    reason: str = "not probed yet"
    since: float = 0.0
    meaning: Meaning | None = None
    meaning_streak: int = 0
    """Replies in a row that disagreed with `meaning`."""
    timeout: AdaptiveTimeout = field(default_factory=AdaptiveTimeout)
    loss: LossEstimate = field(default_factory=LossEstimate)
    strain: Strain = Strain.NONE
    fit_since: float = LONG_AGO
    """When it last ceased to be strained."""
    sent: list[Sent] = field(default_factory=list)
    """Unanswered, oldest first."""
    answered: list[str] = field(default_factory=list)
    """Branches answered lately: a repeated answer is not a forged one."""
    cseq: int = 0
    misses: int = 0
    """In a row, in this episode."""
    rises: int = 0
    unanswered: int = 0
    """Probes in a row that stayed unanswered while down, on this socket."""
    stalls: int = 0
    asked_at: float = NEVER
    """When it was asked to testify, because another path came into doubt or came back; NEVER if it was heard since."""
    next_send: float = NEVER
    next_kind: Kind = Kind.STEADY
    answer_by: float = NEVER
    hold_until: float = 0.0
    reopen_at: float = NEVER
    reopens: int = 0
    """Sockets in a row that were refused, or connections that ended at once."""
    ping_at: float = NEVER
    """When a keepalive leaves (keeping.py), or the answer to it is overdue."""
    pinged: bool = False
    """Of a connection."""
    stun: StunKeepalive = field(default_factory=StunKeepalive)
    tls: TlsFacts | None = None
    tls_at: float = LONG_AGO
    not_before: float = 0.0
    """A socket that took the place of another keeps its cadence: no probe before this instant."""
    proven_at: float = LONG_AGO
    """When the latest answered probe was sent: the path worked at that moment."""
    up_since: float = NEVER
    answered_at: float = LONG_AGO
    down_at: float = LONG_AGO
    alarmed_at: float = NEVER
    """When the doubt began that led to the verdict; NEVER while the path is fine."""
    evidence: bool = False
    """The verdict came from evidence, not from silence."""
    last_reply: str = ""
    probes_sent: int = 0
    replies: int = 0
    ignored: int = 0

    # --- what the driver of this machine asks

    @property
    def deadline(self) -> float:
        earliest = self.next_send if self.next_send < self.answer_by else self.answer_by
        earliest = earliest if earliest < self.ping_at else self.ping_at
        return earliest if earliest < self.reopen_at else self.reopen_at

    @property
    def open(self) -> bool:
        return self.opened_at is not None

    def wants_new_port(self, now: float) -> bool:
        waited = now - self.sent[0].at if self.sent else 0.0
        return self.unanswered >= REKEY_AFTER and waited >= REKEY_PATIENCE

    @property
    def spoke_at(self) -> float:
        """When the latest packet left that refreshed the binding: what comes in may not (RFC 4787 REQ-6)."""
        return max(self.stun.asked_at, self.proven_at, self.sent[-1].at if self.sent else LONG_AGO)

    @property
    def spoke_stun_last(self) -> bool:
        """Whether what goes wrong on the flow may be about STUN alone, which a firewall can forbid by itself."""
        return self.stun.waiting and not (self.sent and self.sent[-1].at >= self.stun.asked_at)

    @property
    def checking(self) -> bool:
        return self.asked_at < NEVER

    def is_held(self, now: float) -> bool:
        return now < self.hold_until

    def is_heard(self, now: float) -> bool:
        """Whether its state says something about now: it had a verdict, and is being probed."""
        return self.state is not PathState.UNKNOWN and not self.is_held(now)

    def is_awaited(self, now: float) -> bool:
        """Whether its first verdict is about to come."""
        return self.state is PathState.UNKNOWN and not self.is_held(now) and now < self.since + FIRST_VERDICT

    # --- the socket

    def socket_opened(self, local: str, now: float) -> None:
        self.opening = False
        self.opened_at = now
        self.local = local
        self.reopen_at = NEVER
        if self.evidence:
            self.reason = "back, not proven yet"
        elif self.state is PathState.DOWN and self.path.transport is not Transport.UDP:
            self.reason = TAKES_AND_SAYS_NOTHING
        first = Kind.RISING if self.state is PathState.DOWN else Kind.STEADY
        self.plan(first, max(now, self.hold_until, self.not_before))

    def socket_refused(self, reason: str, chance: Chance, now: float) -> None:
        """Open again later: at a random moment, ever rarer, because a server that returns meets everybody at once."""
        self.socket_closed()
        self.reopen_at = now + full_jitter(self.reopens, REOPEN, REOPEN_MOST, chance, floor=REOPEN / 2)
        self.reopens += 1
        self.fall(reason, now, evidence=True)

    def stream_ended(self, reason: str, chance: Chance, now: float) -> None:
        """The other side closed the connection, which servers do. Whether that means anything, the next one tells.

        One that ended with a probe on it and without any answer is as good as refused: a port that is open is no SBC.
        """
        lasted = now - self.opened_at if self.opened_at is not None else 0.0
        barren = bool(self.sent) and self.opened_at is not None and self.answered_at < self.opened_at
        if barren and not self.is_held(now):
            self.socket_refused(f"the connection ended before an answer: {reason}", chance, now)
            return
        self.socket_closed()
        self.reopens = 0 if lasted >= REOPEN else self.reopens + 1
        self.reopen_at = (
            now if not self.reopens else now + full_jitter(self.reopens, REOPEN, REOPEN_MOST, chance, floor=1.0)
        )

    def socket_closed(self) -> None:
        self.opened_at = None
        self.opening = False
        self.sent.clear()
        self.next_send = self.answer_by = self.reopen_at = self.ping_at = NEVER
        self.misses = self.rises = self.unanswered = 0
        self.stun = StunKeepalive()

    # --- keepalives

    def plan_ping(self, interval: float, chance: Chance, now: float) -> None:
        self.pinged = False
        self.ping_at = now + interval * (1 - JITTER * chance.random())

    def ping_is_due(self, now: float) -> bool:
        """Whether to ping now; a pong that did not come makes the path testify instead."""
        if self.pinged:
            self.ping_at = NEVER
            self.testify(now)
            return False
        self.pinged = True
        self.ping_at = now + PONG
        return True

    # --- timers

    def plan(self, kind: Kind, at: float) -> None:
        self.next_kind = kind
        self.next_send = at

    def plan_steady(self, interval: float, chance: Chance, now: float) -> None:
        self.plan(Kind.STEADY, now + interval * (1 - JITTER * chance.random()))

    def testify(self, now: float) -> None:
        """Probe now rather than at the next cadence, because a sibling is in doubt or comes back."""
        busy = self.rises if self.state is PathState.DOWN else self.misses
        if not self.open or self.is_held(now) or busy or (self.sent and self.sent[-1].at >= now):
            return
        self.asked_at = now
        self.plan(Kind.RISING if self.state is PathState.DOWN else Kind.STEADY, now)

    def missed(self, patience: Patience, now: float) -> bool:
        """The answer did not come in time. True if this was the last miss before a verdict."""
        needed = patience.confirmations + 1
        late = now - self.answer_by
        self.answer_by = NEVER
        if late > max(STALL, self.timeout.value) and self.stalls < RISE:
            self.stalls += 1
            self.plan(Kind.CONFIRMING if self.misses else self.next_kind, now)
            return False
        self.stalls = 0
        if self.state is PathState.DOWN:
            self.rises = 0
            self.unanswered += 1
            self.asked_at = NEVER
            return False
        self.misses += 1
        if self.misses >= needed:
            self.fall(f"{self.misses} probes in a row unanswered", now, evidence=False)
            return False
        if self.state is PathState.UP:
            self.become(PathState.SUSPECT, "a probe was not answered", now)
        pause = patience.pause if self.misses > EPISODE else 0.0
        self.plan(Kind.CONFIRMING, now + pause * self.timeout.value)
        if self.misses != needed - 1:
            return False
        self.alarmed_at = now
        return True

    def sending(self, token: str, interval: float, chance: Chance, now: float) -> Sent:
        """The probe that is due now; `token` is 32 random hex digits."""
        self.cseq += 1
        self.probes_sent += 1
        kind = self.next_kind
        probe = Sent("z9hG4bK" + token[:16], token[24:], self.cseq, now, kind)
        if len(self.sent) >= MOST_SENT or (self.sent and self.sent[0].at < now - MEMORY_OF_SENT):
            self.sent = [old for old in self.sent if old.at >= now - MEMORY_OF_SENT][-MOST_SENT + 1 :]
        self.sent.append(probe)
        self.answer_by = min(self.answer_by, now + self.timeout.value)  # probes may come faster than answers
        self.plan_steady(interval, chance, now)
        return probe

    # --- answers

    def reply(self, reply: SipReply, interval: float, chance: Chance, now: float) -> Outcome:
        """A response from the right address. Branch, Call-ID and CSeq decide whether it is an answer of ours."""
        probe = self._probe_of(reply)
        if probe is None:
            if reply.branch in self.answered:
                return Outcome.REPEATED
            self.ignored += 1
            return Outcome.IGNORED
        meaning = meaning_of(reply)
        if meaning is not Meaning.PROVISIONAL:
            self.sent.remove(probe)
            self.answered = [*self.answered[-3:], probe.branch]
        self.replies += 1
        self.answered_at = now
        self.last_reply = str(reply.status)
        self.proven_at = max(self.proven_at, probe.at)
        self.timeout.sample(now - probe.at)
        self.answer_by = NEVER
        self.stalls = self.unanswered = 0
        if probe.at >= self.asked_at:
            self.asked_at = NEVER
        self._understand(meaning, now)
        self._rise(probe, interval, chance, now)
        self._feel(now)
        if meaning is Meaning.DRAINING:
            self.hold(now + hold_of(reply))
        return Outcome.PROVED

    def hold(self, until: float) -> None:
        """The server wishes to be left alone until then."""
        self.hold_until = until
        self.asked_at = NEVER
        if self.open:
            self.plan(Kind.STEADY, until)

    def _probe_of(self, reply: SipReply) -> Sent | None:
        for probe in self.sent:
            if probe.branch == reply.branch:
                ours = (reply.call_id, reply.cseq, reply.method, reply.via_count)
                return probe if ours == (probe.call_id, probe.cseq, "OPTIONS", 1) else None
        return None

    def _understand(self, meaning: Meaning, now: float) -> None:
        """A changed meaning is believed at the second reply in a row; draining, being a request, at once."""
        if meaning in (Meaning.PROVISIONAL, self.meaning):
            self.meaning_streak = 0
            return
        self.meaning_streak += 1
        if self.meaning is None or meaning is Meaning.DRAINING or self.meaning_streak >= 2:
            self.meaning = meaning
            self.meaning_streak = 0
        else:
            self.next_send = min(self.next_send, now + RISE_SPACING)

    def _feel(self, now: float) -> None:
        before = self.strain
        self.strain = strain_of(before, self.loss.lately, self.timeout.srtt)
        if before and not self.strain:
            self.fit_since = now

    def _rise(self, probe: Sent, interval: float, chance: Chance, now: float) -> None:
        if self.state is PathState.DOWN:
            self._rise_from_down(interval, chance, now)
            return
        if self.misses:
            self.loss.missed(self.misses, then_answered=True)
            self.misses = 0
            self.plan_steady(interval, chance, now)
        elif probe.kind is Kind.STEADY:
            self.loss.answered()
        if self.state is not PathState.UP:
            if self.state is PathState.UNKNOWN:
                self.up_since = now
            self.become(PathState.UP, "answers", now)

    def _rise_from_down(self, interval: float, chance: Chance, now: float) -> None:
        if self.rises == 0 and not self.evidence and now - self.down_at < interval:
            self.loss.missed(max(1, self.misses), then_answered=True)
        self.rises += 1
        if self.rises < RISE:
            self.plan(Kind.RISING, min(self.next_send, now + RISE_SPACING))
            return
        self.misses = self.rises = 0
        self.evidence = False
        self.up_since = now
        self.become(PathState.UP, f"{RISE} answers in a row", now)
        self.plan_steady(interval, chance, now)

    # --- verdicts

    def fall(self, reason: str, now: float, *, evidence: bool) -> None:
        """The path is down."""
        self.answer_by = NEVER
        self.rises = 0
        self.asked_at = NEVER
        self.evidence = evidence
        self.up_since = NEVER
        if evidence:
            self.misses = 0
        self.alarmed_at = min(self.alarmed_at, now)
        if self.state is not PathState.DOWN:
            self.down_at = now
            self.become(PathState.DOWN, reason, now)
        else:
            self.reason = reason

    def become(self, state: PathState, reason: str, now: float) -> None:
        if state is PathState.UP:
            self.alarmed_at = NEVER
        self.state = state
        self.reason = reason
        self.since = now
