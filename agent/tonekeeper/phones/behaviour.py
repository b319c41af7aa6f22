"""What a phone does when a server fails: enough of it to play the first minutes of an incident.

A phone notices a failure by its own request: the refresh of its registration, a call, a probe. It gives that request
up after a timeout, reacts by the kind of the failure (goes to the next server, stays, stops), and when no server is
left it waits, by a rule that is fixed or grows, before it starts over. Calls go where the registration is, or not.
Some day it goes back. Each of these is one value here; a time is a number of seconds, or the capability whose
parameter sets it, so that what is tuned changes what is forecast.
"""

from __future__ import annotations

from enum import StrEnum

from tonekeeper.phones.parameter import Capability
from tonekeeper.phones.record import Confidence, Record, Unknown

Wait = Capability | float
"""Seconds, or the parameter that sets them."""
Count = Capability | int


class Timeout(Record, frozen=True):
    """When one request to one server is given up. Exactly one key.

    `after`: a time. `times_t1`: this many T1 (64 is RFC 3261). `sends`: when the answer to the last of so many sends is
    overdue, with the sends spaced T1, doubled each time, up to T2. `retries`: as `sends`, without counting the first.
    """

    after: Wait | None = None
    times_t1: float | None = None
    sends: Count | None = None
    retries: Count | None = None


class Refresh(Record, frozen=True):
    """When a registration is renewed. One key, or `percent` from one number `to` another, drawn at random.

    `margin`: so long before the granted expiry ends, and at half of it where it is shorter than `half_below` seconds
    (default: than the margin). `percent`: of the granted expiry.
    """

    margin: Wait | None = None
    half_below: float | None = None
    percent: Capability | float | None = None
    to: float | None = None
    source: str = ""
    confidence: Confidence = Confidence.FACT


class Shape(StrEnum):
    """How the wait grows with the number of failures n (from 1): `first`; `first`*n; `first`*2**(n-1); RFC 5626
    section 4.5: `first`*2**n. Never above `most`, and drawn from `spread`."""

    FIXED = "fixed"
    LINEAR = "linear"
    DOUBLING = "doubling"
    RFC5626 = "rfc5626"


class Backoff(Record, frozen=True):
    """How long it waits before it tries again, and how often.

    `at_once`: the wait before the very first retry, where it is another. `spread`: the wait is multiplied by a number
    drawn between these two. `plus`: a random addition between 0 and this. `attempts`: after so many failed retries it
    stops for ever.
    """

    shape: Shape
    first: Wait
    most: Wait | None = None
    at_once: Wait | None = None
    spread: tuple[float, float] = (1.0, 1.0)
    plus: Wait | None = None
    attempts: Count | None = None


class BackoffIf(Record, frozen=True):
    """Another rule for the wait after every failure, in force while the parameter `set` is neither empty nor off."""

    set: Capability
    retry: Backoff
    source: str
    confidence: Confidence = Confidence.FACT


class NoRetry(StrEnum):
    NEVER = "never"
    """It has stopped, until somebody restarts or reloads it."""
    UNKNOWN = "unknown"


class Then(StrEnum):
    """Where it goes after a failure of this kind, as long as there is anywhere to go."""

    NEXT_SERVER = "next-server"
    SAME_SERVER = "same-server"
    """It waits, then asks the same one again."""
    STOP = "stop"
    UNKNOWN = "unknown"


class RetryAfter(StrEnum):
    OBEYED = "obeyed"
    IGNORED = "ignored"
    UNKNOWN = "unknown"


class Reaction(Record, frozen=True):
    """What follows a REGISTER that failed. `retry` is the wait when no server is left, or before the same one.
    `unheard`: it takes no notice of this kind, and gives the request up as one that nobody answers."""

    then: Then
    retry: Backoff | NoRetry
    source: str
    retry_after: RetryAfter = RetryAfter.UNKNOWN
    unheard: bool = False
    confidence: Confidence = Confidence.FACT
    note: str = ""


class Failures(Record, frozen=True, rename="kebab"):
    """The reaction by the kind of failure. `answer-other`: the other refusals."""

    no_answer: Reaction | Unknown
    icmp_unreachable: Reaction | Unknown
    tcp_reset: Reaction | Unknown
    answer_403: Reaction | Unknown
    answer_503: Reaction | Unknown
    answer_503_retry_after: Reaction | Unknown
    dns_failure: Reaction | Unknown
    answer_other: Reaction | Unknown = Unknown.UNKNOWN


class Registers(StrEnum):
    """With which servers it holds a registration."""

    ONE_AT_A_TIME = "one-at-a-time"
    ALL_AT_ONCE = "all-at-once"
    UNKNOWN = "unknown"


class StartsOver(StrEnum):
    """With which server it begins again when all of them have failed."""

    FIRST_SERVER = "first-server"
    SAME_SERVER = "same-server"
    UNKNOWN = "unknown"


class CallsGo(StrEnum):
    """Which server an outgoing call tries first."""

    WITH_REGISTRATION = "with-registration"
    """Where it is registered."""
    PRIMARY_FIRST = "primary-first"
    """The primary each time, dead or not."""
    BY_DNS = "by-dns"
    """A lookup of its own for each request."""
    UNKNOWN = "unknown"


class Calls(Record, frozen=True):
    """Outgoing calls. `timeout`: when an INVITE is given up at one server; `then`: what happens after that."""

    go: CallsGo
    timeout: Timeout | Unknown
    then: Then
    source: str
    confidence: Confidence = Confidence.FACT
    note: str = ""


class Probe(Record, frozen=True):
    """A question the phone asks its server by itself, and acts upon. `switch`: the parameter that turns it on."""

    switch: Capability
    interval: Wait
    losses: Count
    source: str
    confidence: Confidence = Confidence.FACT


class FailbackWhen(StrEnum):
    EVERY_REQUEST = "every-request"
    """The primary is asked first each time."""
    REGISTRATION = "registration"
    """At the next refresh."""
    DNS_TTL = "dns-ttl"
    INTERVAL = "interval"
    """After a time, whether the primary answers or not."""
    PROBE = "probe"
    """As soon as the primary answers a question asked at an interval."""
    CURRENT_FAILS = "current-fails"
    """Not before the server it is with fails."""
    NEVER = "never"
    UNKNOWN = "unknown"


class Failback(Record, frozen=True):
    """When it goes back to the primary. `idle_only`: not during a call."""

    when: FailbackWhen
    source: str
    after: Wait | None = None
    idle_only: bool = False
    confidence: Confidence = Confidence.FACT
    note: str = ""


class Requirement(Record, frozen=True):
    """A setting without which there is no failover: set at all, or set to `value` (a word of its choices)."""

    capability: Capability
    value: str = ""


class Failover(Record, frozen=True):
    """Whether the model can go to another server, and what has to be set for that."""

    possible: bool | Unknown
    source: str
    needs: tuple[Requirement, ...] = ()
    confidence: Confidence = Confidence.FACT
    note: str = ""


class Behaviour(Record, frozen=True):
    """`timeout`: of a REGISTER at a server that is not the last one; `last_timeout`: at the last (default: the same).
    `dead_server_hold`: how long a server that failed is passed over."""

    registers: Registers
    refresh: Refresh | Unknown
    timeout: Timeout | Unknown
    failures: Failures
    failover: Failover
    failback: Failback
    calls: Calls
    last_timeout: Timeout | Unknown | None = None
    starts_over: StartsOver = StartsOver.UNKNOWN
    backoff_if: tuple[BackoffIf, ...] = ()
    probe: Probe | Unknown | None = None
    dead_server_hold: Wait | None = None
