"""How often a flow must speak so that NAT keeps its binding, with what, and what follows when nobody answers.

*Interval.* `SAFE_FRACTION` of the measured low bound: what is left is room for one lost keepalive and its repetition.
Whoever keeps alive draws each interval anew below it, so that the phones of a site do not speak in chorus. Until a flow
has been answered over more than 2 s it has the lifetime of a replied binding, then that of a stream. Never under 15 s
(RFC 8085 section 3.5) unless the lifetime forces it, which is worth a finding; never over 2 min, within which a dead
flow is to be noticed (RFC 5626 section 3.5). A binding that outlived the measurement gives no reason to speak more
often than where nothing was measured.

*Method.* One that elicits a reply, because a keepalive that nobody checks can pin a dead mapping for hours.

*Unanswered.* A mapping that stays silent is taken for dead, and refreshing it would keep it so: the probe of the path
takes a new local port (probe.py, REKEY_AFTER), and with it a new mapping.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.core.nat.result import Interval, Lifetimes
from tonekeeper.core.site import Transport

SAFE_FRACTION = 0.75
POLITE = 15.0
LONGEST = 120.0
SHORTEST = 1.0
"""Seconds; a binding that lives for less than this cannot be kept."""
UNMEASURED = 29.0
"""Seconds, where nothing is known: many NATs forget UDP after 30 s (RFC 5626 section 4.4.2)."""


class KeepaliveMethod(StrEnum):
    STUN = "stun"
    """Binding request on the flow itself (RFC 5626 section 4.4.2), where the peer does that."""
    CRLF = "crlf"
    """CRLF CRLF, answered by CRLF (RFC 5626 section 4.4.1); TCP and TLS only."""
    OPTIONS = "options"


@dataclass(frozen=True, slots=True)
class KeepalivePolicy:
    method: KeepaliveMethod
    first_s: float
    """The longest interval until the flow is a stream ..."""
    steady_s: float
    """... and from then on."""
    reason: str
    """Why, for people."""

    @property
    def is_impolite(self) -> bool:
        """The NAT forces more keepalives than RFC 8085 wants."""
        return min(self.first_s, self.steady_s) < POLITE


def keepalive_method(transport: Transport, *, peer_does_stun: bool) -> KeepaliveMethod:
    if transport is not Transport.UDP:
        return KeepaliveMethod.CRLF
    return KeepaliveMethod.STUN if peer_does_stun else KeepaliveMethod.OPTIONS


def keepalive_policy(
    transport: Transport, lifetimes: Lifetimes | None, *, peer_does_stun: bool = False
) -> KeepalivePolicy:
    """What the measured lifetimes ask for; None, or a kind that was not checked: what RFC 5626 advises."""
    method = keepalive_method(transport, peer_does_stun=peer_does_stun)
    if transport is not Transport.UDP:
        measured = lifetimes.tcp if lifetimes is not None else None
        steady = _interval(measured, LONGEST)
        return KeepalivePolicy(method, steady, steady, _reason("TCP connection", measured, steady))
    replied = lifetimes.replied if lifetimes is not None else None
    stream = lifetimes.stream if lifetimes is not None else None
    steady = _interval(stream or replied, UNMEASURED)
    first = min(steady, _interval(replied, UNMEASURED))
    return KeepalivePolicy(method, first, steady, _reason("UDP stream", stream or replied, steady))


def _interval(measured: Interval | None, unmeasured: float) -> float:
    if measured is None:
        return unmeasured
    low, high = measured
    safe = min(LONGEST, max(SHORTEST, SAFE_FRACTION * low))
    return safe if high is not None else max(safe, unmeasured)


def _reason(what: str, measured: Interval | None, interval: float) -> str:
    if measured is None:
        return f"{interval:.0f} s, because nobody has measured how long an idle {what} lives here (RFC 5626)"
    seen = f"an idle {what} lives for {measured[0]:.0f} s at least"
    if interval == LONGEST:
        return f"{interval:.0f} s, so that a dead flow is noticed in time; {seen}"
    if measured[1] is None and interval > SAFE_FRACTION * measured[0]:
        return f"{interval:.0f} s, as where nobody has measured (RFC 5626); {seen}"
    return f"{interval:.1f} s, {SAFE_FRACTION:.0%} of the lifetime: {seen}"
