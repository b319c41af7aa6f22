"""How long a request takes that nobody answers, and how often it has to be sent (RFC 3261 section 17.1.2).

A request is sent at once, then after T1, doubled each time up to T2, and given up when the answer to its last copy is
overdue. Fewer copies mean a quicker verdict; too few, and an ordinary loss of packets looks like a dead server.
"""

from __future__ import annotations

import math

T1, T2 = 0.5, 4.0
"""RFC 3261 Table 4, seconds."""
MONTH = 30 * 86400.0
FALSE_ALARMS_PER_MONTH = 1.0
"""How many servers a phone may give up for nothing: the agent's own measure for its verdicts."""
ASSUMED_LOSS = 0.01
"""Where less, or nothing, was measured: hardly any measurement is long enough to prove less."""
FEWEST_RETRIES, MOST_RETRIES = 3, 10
"""With three, a server has 7.5 s, and a WAN that is being switched is no dead server. Ten are what RFC 3261 does."""
RTTS_FOR_T1 = 3.0
"""RFC 6298 section 2.2: a timer from one measurement is R + 4*R/2."""
LEAST_T1 = 0.1


def overdue_after(sends: int, t1: float = T1, t2: float = T2) -> float:
    """Seconds from the first of so many sends until the answer to the last is overdue."""
    return math.fsum(min(t1 * 2.0**n, max(t1, t2)) for n in range(min(sends, 64)))


def sends_within(limit: float, t1: float = T1, t2: float = T2) -> int:
    """Copies of one request before `limit` seconds are over; 64*T1 with the defaults: eleven."""
    at, sends = 0.0, 0
    while at < limit - 1e-9 and sends < 1000:
        at += min(t1 * 2 ** min(sends, 60), max(t1, t2))
        sends += 1
    return max(1, sends)


def retries_for(loss: float | None, requests_per_month: float) -> int:
    """After how many repetitions silence is no accident: all of them lost once a month at most."""
    assumed = min(0.9, max(ASSUMED_LOSS, loss or 0.0))
    accident = FALSE_ALARMS_PER_MONTH / max(1.0, requests_per_month)
    sends = math.ceil(math.log(accident) / math.log(assumed) - 1e-9) if accident < 1.0 else 1
    return min(MOST_RETRIES, max(FEWEST_RETRIES, sends - 1))


def t1_for(rtt: float | None) -> float | None:
    """The least T1 that the round trip allows."""
    return None if rtt is None else max(LEAST_T1, RTTS_FOR_T1 * rtt)
