"""One setting of a phone: which capability it gives, how the vendor calls it, in which unit, and what it may be."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from tonekeeper.phones.firmware import FirmwareRange
from tonekeeper.phones.record import Confidence, Record


class Capability(StrEnum):
    """What a setting is for, in one vocabulary for all vendors."""

    REGISTRATION_EXPIRY = "registration-expiry"
    REGISTRATION_EXPIRY_LEAST = "registration-expiry-least"
    """The shortest expiry that the phone takes from a server."""
    REGISTRATION_EXPIRY_MOST = "registration-expiry-most"
    REGISTRATION_REFRESH_MARGIN = "registration-refresh-margin"
    """How long before the end of the granted expiry it registers again."""
    REGISTRATION_REFRESH_PERCENT = "registration-refresh-percent"
    """After how many percent of the granted expiry it registers again."""
    REGISTRATION_START_SPREAD = "registration-start-spread"
    """The first REGISTER after start falls somewhere in this time."""
    REGISTRATION_RETRY = "registration-retry"
    """The wait after a failed REGISTER; where silence and refusals have waits of their own, after silence."""
    REGISTRATION_RETRY_FIRST = "registration-retry-first"
    """The wait before the first retry, where it is another than before those that follow."""
    REGISTRATION_RETRY_REJECTED = "registration-retry-rejected"
    """The wait after a REGISTER that was refused."""
    REGISTRATION_RETRY_403 = "registration-retry-403"
    REGISTRATION_RETRY_UNLISTED = "registration-retry-unlisted"
    """The wait after an answer that `registration-retry-codes` does not list."""
    REGISTRATION_RETRY_CODES = "registration-retry-codes"
    REGISTRATION_RETRY_LEAST = "registration-retry-least"
    """The base of a growing wait."""
    REGISTRATION_RETRY_MOST = "registration-retry-most"
    """The cap of a growing wait."""
    REGISTRATION_RETRY_SPREAD = "registration-retry-spread"
    """A random addition to the wait."""
    REGISTRATION_RETRY_SPREAD_UNLISTED = "registration-retry-spread-unlisted"
    REGISTRATION_BACKOFF = "registration-backoff"
    """A whole rule in one value; `template` says how it is written."""
    REGISTRATION_ATTEMPTS = "registration-attempts"
    REGISTRATION_TIMEOUT = "registration-timeout"
    """How long one REGISTER may take."""
    SUBSCRIPTION_EXPIRY = "subscription-expiry"
    SUBSCRIPTION_RETRY = "subscription-retry"
    KEEPALIVE = "keepalive"
    KEEPALIVE_METHOD = "keepalive-method"
    KEEPALIVE_INTERVAL = "keepalive-interval"
    CRLF_KEEPALIVE = "crlf-keepalive"
    """The ping and pong of RFC 5626, on streams."""
    CRLF_KEEPALIVE_INTERVAL = "crlf-keepalive-interval"
    TCP_KEEPALIVE = "tcp-keepalive"
    TCP_KEEPALIVE_IDLE = "tcp-keepalive-idle"
    TCP_KEEPALIVE_INTERVAL = "tcp-keepalive-interval"
    TCP_KEEPALIVE_COUNT = "tcp-keepalive-count"
    PROBE_METHOD = "probe-method"
    """A question to the server whose missing answer the phone acts upon."""
    PROBE_INTERVAL = "probe-interval"
    PROBE_LOSSES = "probe-losses"
    PROBE_TIMEOUT = "probe-timeout"
    TIMER_T1 = "timer-t1"
    TIMER_T2 = "timer-t2"
    TIMER_T4 = "timer-t4"
    TIMER_B = "timer-b"
    TIMER_F = "timer-f"
    REQUEST_RETRIES = "request-retries"
    """How often a request is sent again to one server."""
    REQUEST_SENDS = "request-sends"
    """How often a request is sent to one server, the first time included."""
    REQUEST_SENDS_BEFORE_FAILOVER = "request-sends-before-failover"
    REQUEST_SPACING = "request-spacing"
    """The time between two sends, where it does not follow T1 and T2."""
    INVITE_RETRIES = "invite-retries"
    SERVER_PRIMARY = "server-primary"
    SERVER_PRIMARY_PORT = "server-primary-port"
    SERVER_SECONDARY = "server-secondary"
    SERVER_SECONDARY_PORT = "server-secondary-port"
    SERVER_TERTIARY = "server-tertiary"
    REGISTRAR_PRIMARY = "registrar-primary"
    REGISTRAR_PRIMARY_PORT = "registrar-primary-port"
    REGISTRAR_SECONDARY = "registrar-secondary"
    REGISTRAR_SECONDARY_PORT = "registrar-secondary-port"
    OUTBOUND_PROXY_PRIMARY = "outbound-proxy-primary"
    OUTBOUND_PROXY_PRIMARY_PORT = "outbound-proxy-primary-port"
    OUTBOUND_PROXY_SECONDARY = "outbound-proxy-secondary"
    OUTBOUND_PROXY_SECONDARY_PORT = "outbound-proxy-secondary-port"
    SERVER_LIST = "server-list"
    """All servers in one value; `template` says how it is written."""
    BACKUP_ACCOUNT = "backup-account"
    DNS_MODE = "dns-mode"
    DNS_SRV_PREFIX = "dns-srv-prefix"
    """Whether the phone itself puts `_sip._udp.` before the name."""
    FAILOVER = "failover"
    FAILOVER_MODE = "failover-mode"
    FAILOVER_ON_REJECTION = "failover-on-rejection"
    FAILOVER_CODES = "failover-codes"
    FAILOVER_SERVERS = "failover-servers"
    """How many servers are tried at most."""
    FAILOVER_REGISTERS_FIRST = "failover-registers-first"
    """Whether it registers with the next server before it sends calls there."""
    FAILOVER_DROPS_REGISTRATION = "failover-drops-registration"
    SECOND_REGISTRATION = "second-registration"
    """Registered with two servers all the time."""
    DEAD_SERVER_HOLD = "dead-server-hold"
    """How long a server that failed is passed over."""
    FAILBACK = "failback"
    FAILBACK_MODE = "failback-mode"
    FAILBACK_INTERVAL = "failback-interval"
    CALLS_FOLLOW_REGISTRATION = "calls-follow-registration"
    CALL_FAILURE_REGISTERS = "call-failure-registers"
    """Whether a call that failed makes it register again."""
    TRANSPORT = "transport"
    RPORT = "rport"
    STUN_SERVER = "stun-server"
    STUN_INTERVAL = "stun-interval"
    OUTBOUND = "outbound"
    """RFC 5626."""
    SESSION_EXPIRY = "session-expiry"
    RESYNC_BY_NOTIFY = "resync-by-notify"
    """What a NOTIFY that asks to read the settings again does."""
    RESYNC_INTERVAL = "resync-interval"


class Unit(StrEnum):
    """What the native value counts. Times have a length in `SECONDS`."""

    MILLISECONDS = "ms"
    HUNDREDTHS = "10ms"
    SECONDS = "s"
    MINUTES = "min"
    HOURS = "h"
    PERCENT = "percent"
    COUNT = "count"
    SWITCH = "switch"
    """`on` or `off`; `choices` says how the phone writes them."""
    CHOICE = "choice"
    """One word of `choices`."""
    HOST = "host"
    """A name or address, with `:port` where one is needed."""
    ADDRESS = "address"
    """A name or address alone."""
    PORT = "port"
    TEXT = "text"


SECONDS: dict[Unit, float] = {
    Unit.MILLISECONDS: 0.001,
    Unit.HUNDREDTHS: 0.01,
    Unit.SECONDS: 1.0,
    Unit.MINUTES: 60.0,
    Unit.HOURS: 3600.0,
}
NUMBERS = frozenset({*SECONDS, Unit.PERCENT, Unit.COUNT, Unit.PORT})
WORDS = frozenset({Unit.SWITCH, Unit.CHOICE})


class Notation(StrEnum):
    """How a number is written: `hexadecimal` as 0xb4."""

    DECIMAL = "decimal"
    HEXADECIMAL = "hexadecimal"


class Scope(StrEnum):
    """What one value holds for. `server`: for one server of one account."""

    PHONE = "phone"
    ACCOUNT = "account"
    SERVER = "server"


class Meaning(StrEnum):
    """What a value means that is not what it seems: 0 seconds that are no wait of 0 seconds."""

    NEVER = "never"
    """It does not try again, ever."""
    OFF = "off"
    BUILT_IN = "built-in"
    """A rule of the phone's own that nobody wrote down."""
    INHERITED = "inherited"
    """From the parameter one level up."""
    SIXTY_FOUR_T1 = "64*t1"
    RFC3261 = "rfc3261"
    """As RFC 3261 spaces its sends: T1, doubled up to T2."""
    SERVER_DECIDES = "server-decides"
    UNTIL_FAILURE = "until-failure"
    """It stays where it is until that fails."""
    UNLIMITED = "unlimited"


UNKNOWN = "unknown"


class Parameter(Record, frozen=True):
    """A setting. `source` starts with a key of the profile's `sources`."""

    capability: Capability
    name: str
    """As the vendor writes it; `{account}` and `{server}` stand for the number of the account and of the server."""
    unit: Unit
    default: int | float | str
    """In `unit`; a word of `choices`; "" for none; "unknown" where no source says it."""
    source: str
    scope: Scope = Scope.PHONE
    names: tuple[str, ...] = ()
    """The names for account 1, 2, 3 ..., where they follow no rule; `name` is the first."""
    aliases: tuple[str, ...] = ()
    """Other names of the same setting, of older or newer firmware or of another file format."""
    min: float | None = None
    max: float | None = None
    steps: tuple[float, ...] = ()
    """The only values there are, of a number."""
    choices: dict[str, int | str] = msgspec.field(default_factory=dict)
    """Our word for each choice, and how the phone writes it."""
    special: dict[str, Meaning] = msgspec.field(default_factory=dict)
    """Native values that are not what they seem: {"0": never}."""
    template: str = ""
    """For a value of several numbers or hosts: "{low},{high}:{most}", "{first},{second}"."""
    notation: Notation = Notation.DECIMAL
    firmware: FirmwareRange = FirmwareRange()
    confidence: Confidence = Confidence.FACT
    note: str = ""

    @property
    def default_is_known(self) -> bool:
        return self.default != UNKNOWN
