"""What tuning comes to: each setting with its reason and its price, and what the model cannot do."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field, replace

from tonekeeper.phones.conditions import Aim
from tonekeeper.phones.native import Value
from tonekeeper.phones.parameter import Capability, Parameter
from tonekeeper.phones.profile import Format

REGISTRATION_BYTES = 2400
"""A REGISTER, its challenge, the same with credentials, and the answer: 600 B each, IP and UDP included."""
PACKET_BYTES = 32
"""A keepalive without a SIP method: 4 B, and 28 of IP and UDP."""
OPTIONS_BYTES = 900
"""A question and its answer."""
CONNECTION_PING_BYTES = 164
"""CRLF CRLF, CRLF, and two acknowledgements."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one phone, per hour."""

    registrations: float = 0.0
    packets: float = 0.0
    """Keepalives and probes, with the answers they get."""
    bytes: float = 0.0
    """All of these."""

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.registrations + other.registrations, self.packets + other.packets, self.bytes + other.bytes)


NOTHING = Cost()


@dataclass(frozen=True, slots=True)
class Setting:
    """One value. `server`: its number where the setting is one server's, else 0."""

    parameter: Parameter
    name: str
    """As it stands in the phone's file, with the numbers of account and server."""
    value: Value
    native: str
    why: str
    server: int = 0
    account: int = 1
    caution: str = ""
    cost: Cost = NOTHING

    @property
    def capability(self) -> Capability:
        return self.parameter.capability


@dataclass(frozen=True, slots=True)
class Kept:
    """A setting that stays as it is, and why."""

    capability: Capability
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """What the model cannot do, as a finding of the catalogue."""

    code: str
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tuning:
    """For one phone of `phones`. None: nobody knows."""

    profile: str
    aim: Aim
    format: Format
    settings: tuple[Setting, ...]
    kept: tuple[Kept, ...]
    shortcomings: tuple[Shortcoming, ...]
    phones: int
    noticed_s: float | None
    """A silent server is noticed by this time at the latest, without a call."""
    given_up_s: float | None
    """How long one silent server is waited for."""
    steady_rate: float | None
    """Registrations per second of all phones, while all is well ..."""
    storm_rate: float | None
    """... and on average in the first moments after the worst outage of up to ten minutes."""
    registrar_rate: float | None

    @property
    def values(self) -> dict[Capability, Value]:
        """By capability; of a setting that each server has, the first server's."""
        found: dict[Capability, Value] = {}
        for setting in self.settings:
            found.setdefault(setting.capability, setting.value)
        return found

    def without(self, capabilities: Container[Capability], why: str) -> Tuning:
        """The same, with these settings left as they are."""
        left = [Kept(each.capability, each.name, why) for each in self.settings if each.capability in capabilities]
        settings = tuple(each for each in self.settings if each.capability not in capabilities)
        return replace(self, settings=settings, kept=(*self.kept, *left))

    @property
    def cost(self) -> Cost:
        return sum((setting.cost for setting in self.settings), NOTHING)
