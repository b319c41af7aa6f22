"""How long a packet may be on the way to an SBC, and whether fragments arrive (RFC 1191, RFC 8201, RFC 8899).

    WHOLE     the longest that the interface takes, in one piece: answered, and all is well
    SEARCH    halving between what passes and what does not, over the lengths that links have; a router that says how
              long it may be is believed and tried next
    CONFIRM   without such a word the longest is tried again, patiently: loss is no limit
    CONTROL   a short one, for a way that has just closed has no limit either
    CUT       the longest again, which may be fragmented now: if it arrives, length is all that stopped it
    WALKS     short and long packets with rising TTL: the last router that hears of long ones
    PIECES    one that this host itself must fragment; where that is lost, a short one once more

A way that is well takes 2 packets. At worst it is 12 lengths with 4 tries each, 25 tries beside them and the two walks,
160 packets; patience adapts to the round trip, 0.25 to 0.8 s a try.

A short request was answered before this begins, so silence about a long one means its length, the loss that CONFIRM
rules out, or an SBC that does not care for long requests; whoever judges compares with other WANs.
"""

from __future__ import annotations

import errno
from enum import Enum, auto

from tonekeeper.core.egress.exchange import Exchange, Try
from tonekeeper.core.egress.messages import Command, ReplyReceived, SendRefused, Walked, WalkWay
from tonekeeper.core.egress.result import Fact, Icmp, PathMtu
from tonekeeper.core.egress.signs import is_too_big
from tonekeeper.core.instants import NEVER

LONGEST = 1500
"""Octets: what phones on an Ethernet send at most, whatever the interface takes."""
SHORTEST = 576
"""Octets: below it no link goes (RFC 791), and the request itself has about as many."""
FURTHER = 300
"""Octets beyond the longest: more than one link's MTU takes, so it leaves in two pieces."""
QUICK, PATIENT = 4, 6
"""Tries of one length."""
WALKING = 6.0
"""Seconds a walk is waited for."""

# 1492 PPPoE, 1480 IPv6 in IPv4, 1476 GRE, 1460 and 1440 tunnels in IPv6, 1454 PPPoE in Japan, 1450 VXLAN, 1438 IPsec,
# 1420 WireGuard, 1400 and 1358 clouds and mobile networks, 1280 the least of IPv6, 1006 and 576 RFC 1191 section 7.1.
PLATEAUS = (
    *(576, 800, 1006, 1100, 1200, 1280, 1300, 1320, 1340, 1350, 1358, 1364, 1372, 1380, 1390, 1396, 1400, 1406, 1412),
    *(1420, 1422, 1428, 1432, 1438, 1440, 1446, 1450, 1452, 1454, 1458, 1460, 1464, 1468, 1472, 1476, 1480, 1486),
    *(1488, 1492, 1496),
)


class _Step(Enum):
    WHOLE = auto()
    SEARCH = auto()
    CONFIRM = auto()
    CONTROL = auto()
    CUT = auto()
    SHORT_WALK = auto()
    LONG_WALK = auto()
    PIECES = auto()
    LAST_CONTROL = auto()


class PathMtuSearch:
    """`interface_mtu` in octets, `round_trip` in seconds. `found` is None where the way did not last."""

    def __init__(self, interface_mtu: int, round_trip: float, *, is_ipv6: bool, now: float) -> None:
        self.found: PathMtu | None = None
        self.is_over = False
        self._is_ipv6 = is_ipv6
        self._wait = min(0.8, max(0.25, 0.1 + 4 * round_trip))
        self._tried = min(interface_mtu, LONGEST)
        self._passes = 0
        self._fails = self._tried + 1
        self._is_at_the_edge = False
        self._told, self._told_by = 0, ""
        self._cut = self._pieces = Fact.NOT_CHECKED
        self._walks: list[tuple[str, ...]] = []
        self._exchanges: list[Exchange] = []
        self._step = _Step.WHOLE
        self._walk_by = NEVER
        self._ask(now, self._tried, whole=True)

    def next_deadline(self) -> float:
        if self.is_over:
            return NEVER
        return min(self._walk_by, self._exchange.next_deadline())

    def on_deadline(self, token: str, now: float) -> list[Command]:
        if now < self.next_deadline():
            return []
        if now >= self._walk_by:
            return self.walked(Walked(()), now)
        command = self._exchange.on_deadline(token, now)
        return [command] if command is not None else self._go_on(now)

    def hear(self, reply: ReplyReceived, now: float) -> list[Command]:
        """Of any length that was asked so far."""
        was_over = self._exchange.is_over
        for exchange in self._exchanges:
            if exchange.hear(reply, now) and exchange.whole:
                self._passes = max(self._passes, exchange.octets)
        return self._go_on(now) if self._exchange.is_over and not was_over and not self.is_over else []

    def hear_icmp(self, icmp: Icmp, now: float) -> list[Command]:
        if self.is_over or not is_too_big(icmp) or not self._exchange.whole or self._exchange.is_over:
            return []
        self._told_by = icmp.offender
        if not max(SHORTEST, self._passes + 1) <= icmp.mtu < self._exchange.octets:
            return []  # a router older than RFC 1191, or one that errs: the search goes on without it
        self._told = icmp.mtu
        self._exchange.given_up = True
        return self._go_on(now)

    def refused(self, event: SendRefused, now: float) -> list[Command]:
        """The interface takes less than it says, or the way is closed by now."""
        if self.is_over or event.errno != errno.EMSGSIZE:
            return []
        if self._step is _Step.WHOLE and SHORTEST <= event.mtu < self._tried:
            self._tried, self._fails = event.mtu, event.mtu + 1
            self._ask(now, self._tried, whole=True)
            return []
        if self._step is _Step.PIECES:
            return self._end(self._result())
        self._exchange.given_up = True
        return self._go_on(now)

    def walked(self, event: Walked, now: float) -> list[Command]:
        if self._walk_by == NEVER:
            return []
        self._walk_by = NEVER
        self._walks.append(event.hops)
        return self._go_on(now)

    # --- from one step to the next

    def _go_on(self, now: float) -> list[Command]:
        answered = self._exchange.is_answered
        match self._step:
            case _Step.WHOLE | _Step.SEARCH:
                self._note(answered)
                self._search(now)
            case _Step.CONFIRM:
                self._ask_in_pieces(now) if answered else self._control(now, _Step.CONTROL)
            case _Step.CONTROL:
                return self._cut_or_walk(now) if answered else self._end(None)
            case _Step.CUT:
                self._cut = Fact.YES if answered else Fact.NO
                return self._walk(_Step.SHORT_WALK, now) if not self._told else self._pieces_next(now)
            case _Step.SHORT_WALK:
                return self._walk(_Step.LONG_WALK, now)
            case _Step.LONG_WALK:
                return self._pieces_next(now)
            case _Step.PIECES:
                self._pieces = Fact.YES if answered else Fact.NO
                return self._end(self._result()) if answered else self._control(now, _Step.LAST_CONTROL)
            case _Step.LAST_CONTROL:
                return self._end(self._result() if answered else None)
        return []

    def _note(self, answered: bool) -> None:
        if not answered:
            self._fails = min(self._fails, self._exchange.octets)
        if self._passes >= self._fails:  # an answer that came late
            self._fails = self._tried + 1

    def _search(self, now: float) -> None:
        octets = self._next_length()
        if octets:
            self._step = _Step.SEARCH
            self._ask(now, octets, whole=True)
        elif self._passes == self._tried:
            self._ask_in_pieces(now)
        elif self._told and self._passes == self._told:
            self._ask_in_pieces(now) if self._is_ipv6 else self._ask_to_be_cut(now)
        else:
            self._step = _Step.CONFIRM
            self._ask(now, self._tried, whole=True, tries=PATIENT)

    def _next_length(self) -> int:
        """0: nothing is left to find out."""
        if self._passes >= self._tried or self._passes + 1 >= self._fails:
            return 0
        if self._told > self._passes and self._told < self._fails:
            return self._told
        if self._told and self._passes == self._told:
            return 0
        between = [length for length in PLATEAUS if self._passes < length < self._fails]
        if between:
            return between[len(between) // 2]
        if not self._passes:
            return 0
        if not self._is_at_the_edge:
            self._is_at_the_edge = True
            return self._passes + 1
        return (self._passes + self._fails) // 2

    def _ask_to_be_cut(self, now: float) -> None:
        self._step = _Step.CUT
        self._ask(now, self._tried, whole=False)

    def _cut_or_walk(self, now: float) -> list[Command]:
        if self._is_ipv6:  # its routers fragment nothing (RFC 8200 section 5)
            return self._walk(_Step.SHORT_WALK, now)
        self._ask_to_be_cut(now)
        return []

    def _pieces_next(self, now: float) -> list[Command]:
        self._ask_in_pieces(now)
        return []

    def _ask_in_pieces(self, now: float) -> None:
        self._step = _Step.PIECES
        self._ask(now, self._tried + FURTHER, whole=False, tries=PATIENT)

    def _control(self, now: float, step: _Step) -> list[Command]:
        self._step = step
        self._ask(now, 0, whole=False, tries=PATIENT)
        return []

    def _walk(self, step: _Step, now: float) -> list[Command]:
        self._step = step
        self._walk_by = now + WALKING
        return [WalkWay(octets=self._tried if step is _Step.LONG_WALK else 0)]

    @property
    def _exchange(self) -> Exchange:
        """The latest."""
        return self._exchanges[-1]

    def _ask(self, now: float, octets: int, *, whole: bool, tries: int = QUICK) -> None:
        repeated = tuple(Try(self._wait) for _ in range(tries))
        self._exchanges.append(Exchange(repeated, now, octets=octets, whole=whole))

    # --- the end

    def _end(self, found: PathMtu | None) -> list[Command]:
        self.is_over, self.found = True, found
        return []

    def _result(self) -> PathMtu:
        return PathMtu(
            tried=self._tried,
            largest=self._passes or None,
            told=self._told,
            told_by=self._told_by,
            cut=self._cut,
            pieces=self._pieces,
            lost_after=self._lost_after(),
        )

    def _lost_after(self) -> str:
        """Empty where long packets were heard of as far as short ones."""
        if len(self._walks) < 2:
            return ""
        short, long = self._walks[:2]
        heard = max((ttl for ttl, hop in enumerate(long, 1) if hop), default=0)
        further = any(hop for hop in short[heard:])
        return long[heard - 1] if heard and further else ""
