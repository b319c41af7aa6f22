"""One examination of one path, from the first packet to the result.

    UDP         opening -> asking -> walking, where nobody answered or said why -> Finished
                                  -> path MTU, where somebody answered          -> Finished
    TCP, TLS    connecting -> walking, likewise -> Finished
                           -> a stream, likewise -> Finished

The first `DeadlineReached` begins it. Every part has a bound of its own and the whole has two: LONGEST seconds and, as
the sum of the parts, about 230 packets. A way that is well takes three packets over UDP, a connection or two over TCP;
one that is silent 7 packets and a walk of 32, in 10 s.

Nothing here says whose fault it is. It settles because each part ends at a deadline of its own.
"""

from __future__ import annotations

from typing import assert_never

from tonekeeper.core.commands import ExamineEgress
from tonekeeper.core.egress.asking import Asking, Connecting
from tonekeeper.core.egress.messages import (
    Command,
    Connect,
    Connected,
    ConnectionFailed,
    Event,
    IcmpReceived,
    OpenSocket,
    OpenStream,
    ReplyReceived,
    SendOptions,
    SendRefused,
    SocketOpened,
    SocketRefused,
    StreamEnded,
    StreamOpened,
    Walked,
    WalkWay,
)
from tonekeeper.core.egress.path_mtu import SHORTEST, PathMtuSearch
from tonekeeper.core.egress.result import EgressTrial, Fact, Outcome
from tonekeeper.core.egress.signs import Sign, sign_of_errno, sign_of_icmp
from tonekeeper.core.egress.streaming import Streaming
from tonekeeper.core.instants import NEVER
from tonekeeper.core.machine import DeadlineReached, Finished
from tonekeeper.core.site import Transport

LONGEST = 90.0
"""Seconds. Only a way that loses every other packet of every length takes so long."""
WALKING = 6.0
"""Seconds a walk is waited for; its adapter answers earlier."""
CONNECTION_PACKETS = 4
"""From us, as a rule: SYN, FIN, and the acknowledgements."""


class EgressProbe:
    """`handle(event, now)` and `next_deadline()`; `now` is monotonic seconds."""

    def __init__(self, question: ExamineEgress, *, started: float) -> None:
        self.path = question.path
        self._question = question
        self._started = started
        self._has_begun = False
        self._is_over = False
        self._local = ""
        self._interface_mtu = 0
        self._asking: Asking | None = None
        self._connecting: Connecting | None = None
        self._mtu: PathMtuSearch | None = None
        self._streaming: Streaming | None = None
        self._verdict: Sign | None = None
        self._walk_by = NEVER
        self._has_walked = False
        self._hops: tuple[str, ...] | None = None
        self._packets = 0

    # --- the contract

    def handle(self, event: Event, now: float) -> list[Command]:
        if self._is_over:
            return []
        commands = self._tell(event, now)
        commands += self._go_on(now)
        self._packets += sum(map(_weight, commands))
        return commands

    def next_deadline(self) -> float | None:
        if self._is_over:
            return None
        if not self._has_begun:
            return self._started
        parts = (self._asking, self._connecting, self._mtu, self._streaming)
        due = min((part.next_deadline() for part in parts if part is not None), default=NEVER)
        return min(due, self._walk_by, self._started + LONGEST)

    def doing(self) -> str:
        """What it waits for, for people."""
        if self._mtu is not None or self._streaming is not None:
            return "long packets"
        return "routers on the way" if self._walk_by < NEVER else "an answer"

    # --- telling the parts

    def _tell(self, event: Event, now: float) -> list[Command]:
        match event:
            case DeadlineReached():
                return self._on_deadline(event.token, now)
            case SocketOpened():
                self._opened(event, now)
            case SocketRefused():
                self._refused(event)
            case SendRefused():
                return self._send_refused(event, now)
            case IcmpReceived():
                return self._icmp(event, now)
            case ReplyReceived():
                return self._reply(event, now)
            case Connected() | ConnectionFailed():
                if self._connecting is not None:
                    self._connecting.hear(event, now)
            case StreamOpened():
                if self._streaming is not None:
                    self._streaming.opened(now)
            case StreamEnded():
                if self._streaming is not None:
                    self._streaming.ended()
            case Walked():
                return self._walked(event, now)
            case _:
                assert_never(event)
        return []

    def _on_deadline(self, token: str, now: float) -> list[Command]:
        if not self._has_begun:
            self._has_begun = True
            if self._question.path.transport is Transport.UDP:
                return [OpenSocket()]
            self._connecting = Connecting()
            return self._connecting.on_deadline(now)
        if now >= self._started + LONGEST:
            return self._finish(now, too_late=True)
        if now >= self._walk_by:
            return self._walked(Walked(()), now)
        return self._parts_on_deadline(token, now)

    def _parts_on_deadline(self, token: str, now: float) -> list[Command]:
        if self._asking is not None and now >= self._asking.next_deadline():
            return self._asking.on_deadline(token, now)
        if self._connecting is not None and now >= self._connecting.next_deadline():
            return self._connecting.on_deadline(now)
        if self._mtu is not None:
            return self._mtu.on_deadline(token, now)
        return self._streaming.on_deadline(token, now) if self._streaming is not None else []

    def _opened(self, event: SocketOpened, now: float) -> None:
        if self._has_begun and self._asking is None and self._verdict is None:
            self._local, self._interface_mtu = event.local, event.mtu
            self._asking = Asking(event.local, now)

    def _refused(self, event: SocketRefused) -> None:
        sign = sign_of_errno(event.errno)
        no_route = sign is not None and sign.outcome is Outcome.NO_ROUTE
        self._verdict = self._verdict or Sign(Outcome.NO_ROUTE if no_route else Outcome.NOT_CHECKED, event.reason)

    def _send_refused(self, event: SendRefused, now: float) -> list[Command]:
        if self._mtu is not None:
            return self._mtu.refused(event, now)
        if self._asking is not None:
            self._asking.refused(event, now)
        elif self._verdict is None:
            self._verdict = sign_of_errno(event.errno) or Sign(Outcome.NOT_CHECKED, f"errno {event.errno}")
        return []

    def _icmp(self, event: IcmpReceived, now: float) -> list[Command]:
        if self._mtu is not None:
            return self._mtu.hear_icmp(event.icmp, now)
        if self._asking is not None:
            self._asking.hear_icmp(event.icmp, now)
        return []

    def _reply(self, event: ReplyReceived, now: float) -> list[Command]:
        if self._mtu is not None:
            return self._mtu.hear(event, now)
        if self._streaming is not None:
            self._streaming.hear(event, now)
        elif self._asking is not None:
            self._asking.hear(event, now)
        return []

    def _walked(self, event: Walked, now: float) -> list[Command]:
        if self._mtu is not None:
            self._packets += event.packets
            return self._mtu.walked(event, now)
        if self._walk_by == NEVER:
            return []
        self._packets += event.packets
        self._walk_by, self._has_walked, self._hops = NEVER, True, event.hops
        if event.answered:
            self._verdict = Sign(Outcome.ANSWERED, "answered at last, while the routers on the way were asked")
        elif event.icmp is not None:
            self._verdict = sign_of_icmp(event.icmp, self._local) or self._verdict
        return []

    # --- from one part to the next

    def _go_on(self, now: float) -> list[Command]:
        if self._is_over:
            return []
        self._take_verdict()
        verdict = self._verdict
        if verdict is None or self._walk_by < NEVER:
            return []
        if verdict.outcome is Outcome.SILENT and not self._has_walked:
            self._walk_by = now + WALKING
            return [WalkWay()]
        if verdict.outcome is Outcome.ANSWERED and self._question.measures and not self._has_walked:
            return self._measure(now)
        return self._finish(now)

    def _take_verdict(self) -> None:
        part = self._asking or self._connecting
        if self._verdict is None and part is not None:
            self._verdict = part.verdict

    def _measure(self, now: float) -> list[Command]:
        if self._asking is None:
            if self._streaming is None:
                self._streaming = Streaming()
                return self._streaming.begin(now)
            return self._finish(now) if self._streaming.is_over else []
        if self._interface_mtu < SHORTEST:
            return self._finish(now)
        if self._mtu is None:
            self._mtu = PathMtuSearch(
                self._interface_mtu, self._asking.round_trip, is_ipv6=self._question.path.address.is_ipv6, now=now
            )
        return self._finish(now) if self._mtu.is_over else []

    # --- the end

    def _finish(self, now: float, *, too_late: bool = False) -> list[Command]:
        self._is_over = True
        self._take_verdict()
        late = Sign(Outcome.NOT_CHECKED, f"nothing was found within {LONGEST:g} s")
        verdict = self._verdict or late
        trial = EgressTrial(
            path=self.path,
            interface=self._question.interface,
            outcome=verdict.outcome,
            detail=f"{verdict.detail}, the rest was not found within {LONGEST:g} s" if too_late else verdict.detail,
            hop=verdict.hop,
            hops=self._hops,
            unusual_answered=self._asking is not None and self._asking.unusual_answered,
            mtu=self._mtu.found if self._mtu is not None else None,
            stream=self._streaming.found if self._streaming is not None else Fact.NOT_CHECKED,
            packets=self._packets,
            elapsed_s=round(now - self._started, 3),
        )
        return [Finished(trial)]


def _weight(command: Command) -> int:
    match command:
        case SendOptions():
            return 1
        case Connect() | OpenStream():
            return CONNECTION_PACKETS
        case _:
            return 0
