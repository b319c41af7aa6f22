"""What is known of one family of phones: one file under firmware-profiles/.

A profile says which User-Agents are this family and lists real ones, what can be set and in which words and units, what
the phone does by itself when a server fails, what surprises it has in store, and how it is given new settings. Every
statement has its source. What no source says is `unknown`; what a source only suggests is `weak`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from tonekeeper.phones.behaviour import Behaviour
from tonekeeper.phones.firmware import FirmwareRange
from tonekeeper.phones.parameter import Capability, Parameter
from tonekeeper.phones.record import Confidence, Record

SCHEMA = 1
"""The version of the schema; a key that changes its meaning raises it."""


class Kind(StrEnum):
    DESK_PHONE = "desk-phone"
    CONFERENCE = "conference"
    DECT = "dect"
    ATA = "ata"
    GATEWAY = "gateway"
    SOFTWARE = "software"


class Matching(Record, frozen=True):
    """Which User-Agents are this family: patterns as docs/profiles.md explains them. Those under `weak_user_agents`
    have been seen once, or only in a list. `firmware` keeps two families apart that share a pattern."""

    user_agents: tuple[str, ...]
    weak_user_agents: tuple[str, ...] = ()
    firmware: FirmwareRange = FirmwareRange()
    mac_prefixes: tuple[str, ...] = ()
    """The vendor's, as "00:15:65". They tell a vendor, never a family."""


class Example(Record, frozen=True):
    """A real User-Agent, and what must be read in it."""

    user_agent: str
    model: str
    firmware: str
    source: str


class Quirk(Record, frozen=True):
    """A surprise: a kebab-case code, and one sentence for a person."""

    code: str
    text: str
    source: str
    firmware: FirmwareRange = FirmwareRange()
    confidence: Confidence = Confidence.FACT


class Format(StrEnum):
    """The syntax of the phone's settings."""

    YEALINK_CFG = "yealink-cfg"
    POLYCOM_XML = "polycom-xml"
    CISCO_XML = "cisco-xml"
    GRANDSTREAM_XML = "grandstream-xml"
    SNOM_XML = "snom-xml"
    SNOM_TEXT = "snom-text"
    FANVIL_XML = "fanvil-xml"
    FANVIL_TEXT = "fanvil-text"
    AUDIOCODES_INI = "audiocodes-ini"
    AUDIOCODES_CFG = "audiocodes-cfg"
    AASTRA_CFG = "aastra-cfg"
    GIGASET_XML = "gigaset-xml"
    GIGASET_FRAME = "gigaset-frame"
    PANASONIC_CFG = "panasonic-cfg"
    OBI_XML = "obi-xml"
    HTEK_XML = "htek-xml"
    UNIFY_WPI = "unify-wpi"
    ASTERISK_CONF = "asterisk-conf"
    FREESWITCH_XML = "freeswitch-xml"
    BARESIP_ACCOUNTS = "baresip-accounts"
    LINPHONE_XML = "linphone-xml"
    PJSUA_CFG = "pjsua-cfg"
    TWINKLE_CFG = "twinkle-cfg"
    UNKNOWN = "unknown"


class MissingKeys(StrEnum):
    """What becomes of a setting that the file does not mention."""

    KEPT = "kept"
    RESET = "reset"
    UNKNOWN = "unknown"


class Restarts(StrEnum):
    NO = "no"
    YES = "yes"
    IF_NEEDED = "if-needed"
    """Only when a setting changed that wants it."""
    UNKNOWN = "unknown"


class Reread(Record, frozen=True):
    """A way to make the phone read its settings again. `event`: the Event of a SIP NOTIFY; `action`: where it is
    something else. `needs`: what has to be set for it, in native words."""

    restarts: Restarts
    source: str
    event: str = ""
    action: str = ""
    needs: str = ""
    firmware: FirmwareRange = FirmwareRange()
    confidence: Confidence = Confidence.FACT


class Delivery(Record, frozen=True):
    """`file`: its name, with {mac}, {MAC} and {model}; empty where the settings are not read from a file by device."""

    format: Format
    file: str
    source: str
    missing_keys: MissingKeys = MissingKeys.UNKNOWN
    reread: tuple[Reread, ...] = ()
    confidence: Confidence = Confidence.FACT
    note: str = ""


class Profile(Record, frozen=True):
    """A family of phones. `sources`: a short key for each source, and what it stands for."""

    schema: int
    id: str
    vendor: str
    family: str
    kind: Kind
    match: Matching
    examples: tuple[Example, ...]
    sources: dict[str, str]
    parameters: tuple[Parameter, ...]
    behaviour: Behaviour
    delivery: Delivery
    quirks: tuple[Quirk, ...] = ()
    note: str = ""

    def settings(self, capability: Capability, firmware: str = "") -> Iterator[Parameter]:
        """The parameters that give `capability` on `firmware`; those of which that is not known are among them."""
        for parameter in self.parameters:
            if parameter.capability is capability and parameter.firmware.contains(firmware) is not False:
                yield parameter

    def setting(self, capability: Capability, firmware: str = "") -> Parameter | None:
        """The first of `settings`: the newest, as a profile lists them."""
        return next(self.settings(capability, firmware), None)
