"""The phones of the site: what each sign of one adds to what is known, and which of them is asked what it is.

A phone is known by its address, or by its MAC where it has moved to another one. A new lease takes the old address's
place; what was known of the phone goes along, unless another MAC answers there now. What has given no sign for a day is
forgotten. A phone that said nothing of itself by registering is asked by OPTIONS, one a second over the whole site and
each once an hour.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tonekeeper.core.commands import AskPhone
from tonekeeper.core.events import PhoneRegistration, PhoneSeen, PhoneSign
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.report import PhoneReport
from tonekeeper.core.site import LanPolicy, Transport

MOST_PHONES = 512
FORGOTTEN_AFTER = 86400.0
"""Seconds without a sign."""
REPLACED_AFTER = 3600.0
"""Seconds without a sign after which a phone gives way to a new one where there are too many."""
SPOKEN_LATELY = 3600.0
"""Seconds for which a keepalive counts that was seen."""
SPACING = 1.0
"""Seconds between two questions."""
AGAIN = 3600.0
"""Seconds until the same phone is asked again."""


@dataclass(slots=True)
class Phone:
    address: str
    seen_at: float
    interface: str = ""
    mac: str = ""
    vendor: str = ""
    user_agent: str = ""
    profile: str = ""
    model: str = ""
    firmware: str = ""
    seen_by: tuple[PhoneSign, ...] = ()
    registration: PhoneRegistration | None = None
    asked_at: float = LONG_AGO

    def learn(self, event: PhoneSeen, now: float) -> None:
        self.seen_at = now
        self.interface = event.interface or self.interface
        self.mac = event.mac or self.mac
        self.registration = event.registration or self.registration
        if event.user_agent:  # and with it all that follows from it, also where that is nothing
            self.user_agent = event.user_agent
            self.profile, self.model, self.firmware = event.profile, event.model, event.firmware
        self.vendor = event.vendor or self.vendor
        if event.by not in self.seen_by:
            self.seen_by = tuple(sorted((*self.seen_by, event.by)))


@dataclass(slots=True)
class SitePhones:
    """All of them, by address; and when the next one is asked."""

    phones: dict[str, Phone] = field(default_factory=dict)
    ask_at: float = NEVER

    # --- signs

    def seen(self, event: PhoneSeen, lan: LanPolicy, now: float) -> None:
        if not lan.interfaces:
            return
        self._forget(now)
        phone = self._known(event)
        if phone is None:
            if not self._has_room(now):
                return
            phone = self.phones[event.address] = Phone(event.address, now)
        phone.learn(event, now)
        self.plan(lan, now)

    def _known(self, event: PhoneSeen) -> Phone | None:
        there = self.phones.get(event.address)
        if there is not None and event.mac and there.mac not in ("", event.mac):
            del self.phones[event.address]  # another one has its address now
            there = None
        if there is not None or not event.mac:
            return there
        return self._moved(event)

    def _moved(self, event: PhoneSeen) -> Phone | None:
        """The phone with this MAC and another address. Where that is of the other family, it has both."""
        phone = next((one for one in self.phones.values() if one.mac == event.mac), None)
        if phone is None or (":" in phone.address) != (":" in event.address):
            return phone
        del self.phones[phone.address]
        phone.address = event.address
        self.phones[event.address] = phone
        return phone

    def _has_room(self, now: float) -> bool:
        if len(self.phones) < MOST_PHONES:
            return True
        oldest = min(self.phones.values(), key=lambda phone: phone.seen_at)
        if now < oldest.seen_at + REPLACED_AFTER:
            return False
        del self.phones[oldest.address]
        return True

    def _forget(self, now: float) -> None:
        for phone in [phone for phone in self.phones.values() if now >= phone.seen_at + FORGOTTEN_AFTER]:
            del self.phones[phone.address]

    # --- questions

    def plan(self, lan: LanPolicy, now: float) -> None:
        """When to ask next: at once where a phone is due, but never before SPACING has passed."""
        if not lan.interfaces:
            self.phones.clear()
        due = min((phone.asked_at + AGAIN for phone in self.phones.values() if _is_asked(phone)), default=NEVER)
        latest = max((phone.asked_at for phone in self.phones.values()), default=LONG_AGO)
        self.ask_at = max(now, due, latest + SPACING) if lan.probe and due < NEVER else NEVER

    def ask(self, lan: LanPolicy, user_agent: str, token: str, now: float) -> AskPhone | None:
        """The question that is due."""
        self._forget(now)
        waiting = [phone for phone in self.phones.values() if _is_asked(phone) and now >= phone.asked_at + AGAIN]
        phone = min(waiting, key=lambda phone: phone.asked_at, default=None)
        if phone is not None:
            phone.asked_at = now
        self.plan(lan, now)
        return None if phone is None else AskPhone(phone.address, phone.interface, token, user_agent)

    # --- what is known

    def keepalive(self, now: float) -> float | None:
        """The longest interval at which a phone of this site speaks over UDP; None where that was not seen."""
        spoken = [
            phone.registration.keepalive_s
            for phone in self.phones.values()
            if now < phone.seen_at + SPOKEN_LATELY
            and phone.registration is not None
            and phone.registration.transport is Transport.UDP
            and phone.registration.keepalive_s is not None
        ]
        return max(spoken, default=None)

    def reports(self, now: float) -> tuple[PhoneReport, ...]:
        known = [phone for phone in self.phones.values() if now < phone.seen_at + FORGOTTEN_AFTER]
        return tuple(_report(phone, now) for phone in known)


def _is_asked(phone: Phone) -> bool:
    """One that has registered in the clear has told what it is; one on no known interface is not to be reached."""
    return bool(phone.interface) and PhoneSign.REGISTER not in phone.seen_by


def _report(phone: Phone, now: float) -> PhoneReport:
    known = phone.registration
    return PhoneReport(
        address=phone.address,
        user_agent=phone.user_agent,
        profile=phone.profile,
        firmware=phone.firmware,
        vendor=phone.vendor,
        model=phone.model,
        mac=phone.mac,
        seen_by=tuple(map(str, phone.seen_by)),
        transport=str(known.transport) if known is not None else "",
        expiry_s=known.expiry_s if known is not None else None,
        granted_s=known.granted_s if known is not None else None,
        status=known.status if known is not None else None,
        retry_s=known.retry_s if known is not None else None,
        keepalive_s=known.keepalive_s if known is not None else None,
        last_seen_s=round(now - phone.seen_at, 3),
    )
