"""Everything one configuration file says, as values. Durations are seconds, sizes are bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tonekeeper.core.site import Site
from tonekeeper.wire.endpoint import Endpoint

STATE_DIR = Path("/var/lib/tonekeeper")
PROFILES_DIR = Path("/usr/share/tonekeeper/firmware-profiles")
HTTP_LISTEN = Endpoint("127.0.0.1", 8642)
SNMP_LISTEN = Endpoint("127.0.0.1", 1161)


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class AuthProtocol(StrEnum):
    """RFC 3414 section 6, RFC 7860 section 4."""

    SHA1 = "sha1"
    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


class PrivProtocol(StrEnum):
    """RFC 3826; 192 and 256 bits as the field extends it."""

    AES128 = "aes128"
    AES192 = "aes192"
    AES256 = "aes256"


class NotificationKind(StrEnum):
    """RFC 3416 section 4.2."""

    INFORM = "inform"
    """Has to be acknowledged."""
    TRAP = "trap"


@dataclass(frozen=True, slots=True)
class HttpSettings:
    listen: Endpoint = HTTP_LISTEN
    token_file: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class SnmpUser:
    """A user of the USM (RFC 3414). A key is a passphrase, given here or in a file, never both."""

    name: str
    auth_protocol: AuthProtocol
    auth_key: str = field(default="", repr=False)
    auth_key_file: Path | None = None
    priv_protocol: PrivProtocol | None = None
    priv_key: str = field(default="", repr=False)
    priv_key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class SnmpTarget:
    """A manager that is told of changes."""

    name: str
    address: Endpoint
    user: str = ""
    """By whose keys; empty: by the community."""
    kind: NotificationKind = NotificationKind.INFORM


@dataclass(frozen=True, slots=True)
class SnmpSettings:
    listen: Endpoint = SNMP_LISTEN
    enterprise: int = 32473
    """The arc under 1.3.6.1.4.1; 32473 is the number RFC 5612 keeps for documentation."""
    users: tuple[SnmpUser, ...] = ()
    agentx: Path | Endpoint | None = None
    """The SNMP agent of this host that answers for us; then nothing is listened on."""
    community: str = field(default="", repr=False)
    community_file: Path | None = None
    """Neither: nobody asks by SNMPv2c."""
    allow: tuple[str, ...] = ()
    """Networks that may ask; empty: all."""
    targets: tuple[SnmpTarget, ...] = ()


@dataclass(frozen=True, slots=True)
class JournalSettings:
    max_bytes: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LogSettings:
    format: LogFormat = LogFormat.TEXT
    level: LogLevel = LogLevel.INFO


@dataclass(frozen=True, slots=True)
class Settings:
    site: Site
    """What the core is built with."""
    state_dir: Path = STATE_DIR
    profiles_dir: Path = PROFILES_DIR
    http: HttpSettings | None = field(default_factory=HttpSettings)
    """None where the file says `enabled = false`."""
    snmp: SnmpSettings | None = None
    journal: JournalSettings = field(default_factory=JournalSettings)
    log: LogSettings = field(default_factory=LogSettings)
    notices: tuple[str, ...] = ()
    """Sentences for the operator: accepted, but not (yet) doing what one may expect. Shown by `check` and at start."""

    @property
    def wan_from_default_route(self) -> bool:
        """No `[[wan]]` is configured: the interface of the default route is the one WAN, found at start."""
        return not self.site.wans
