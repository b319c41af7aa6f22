"""What the SIP of phones that passes by says of each over time: how it registers, how often it tries and speaks.

A try is a REGISTER with a new CSeq that does not merely answer a challenge; the same CSeq again is a retransmission.
How often a phone speaks is the median of the latest gaps between its packets to a SIP port over UDP, keepalives and
all: a retransmission storm or a reboot among them does not show.

Numbers and names do not get here (wire/sip/registration.py). The tables are bounded: who has spoken last stays.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from statistics import median_high

from tonekeeper.core.events import PhoneRegistration, PhoneSeen, PhoneSign
from tonekeeper.core.site import Transport
from tonekeeper.errors import DecodeError
from tonekeeper.wire.ip_packet import IpPacket
from tonekeeper.wire.sip.registration import Registration, RegistrationReply, decode_registration

MOST_PHONES = 512
MOST_REGISTRATIONS = 16
"""Accounts of one phone."""
GAPS = 8
"""Remembered of each phone."""
LEAST_GAPS = 3
"""Before they say anything."""
SHORTEST_GAP = 1.0
"""Seconds: what follows sooner is one exchange, not a keepalive."""
CHALLENGED_FOR = 10.0
"""Seconds within which a REGISTER with credentials answers a challenge."""

_CHALLENGES = (401, 407)


@dataclass(slots=True)
class _Tries:
    """Of one registration."""

    cseq: int
    at: float
    status: int = 0
    """Of the latest answer, challenges included."""


@dataclass(slots=True)
class _Phone:
    user_agent: str = ""
    transport: Transport = Transport.UDP
    has_registered: bool = False
    expiry_s: int | None = None
    granted_s: int | None = None
    status: int | None = None
    retry_s: float | None = None
    host: str = ""
    """Of its Contact."""
    tries: OrderedDict[bytes, _Tries] = field(default_factory=OrderedDict)
    spoke_at: float | None = None
    gaps: deque[float] = field(default_factory=lambda: deque(maxlen=GAPS))

    def spoke(self, now: float) -> None:
        if self.spoke_at is not None and now - self.spoke_at >= SHORTEST_GAP:
            self.gaps.append(now - self.spoke_at)
        self.spoke_at = now

    def tried(self, read: Registration, now: float) -> None:
        before = self.tries.get(read.registration)
        if before is not None and before.cseq == read.cseq:
            return
        is_second_half = (
            before is not None and before.status in _CHALLENGES and read.authorized and now - before.at < CHALLENGED_FOR
        )
        if before is not None and not is_second_half:
            self.retry_s = round(now - before.at, 3)
        began = before.at if before is not None and is_second_half else now
        self.tries[read.registration] = _Tries(read.cseq, began)
        self.tries.move_to_end(read.registration)
        if len(self.tries) > MOST_REGISTRATIONS:
            self.tries.popitem(last=False)

    def answered(self, read: RegistrationReply, address: str) -> bool:
        """Whether that says something: a final answer to its latest try."""
        tries = self.tries.get(read.registration)
        if tries is None or tries.cseq != read.cseq or read.status < 200:
            return False
        tries.status = read.status
        if read.status in _CHALLENGES:
            return False
        self.status = read.status
        own = read.granted_s.get(self.host, read.granted_s.get(address))
        self.granted_s = own if own is not None else self.granted_s
        return True

    def registration(self) -> PhoneRegistration | None:
        if not self.has_registered:
            return None
        keepalive = round(median_high(self.gaps), 1) if len(self.gaps) >= LEAST_GAPS else None
        return PhoneRegistration(
            transport=self.transport,
            expiry_s=self.expiry_s,
            granted_s=self.granted_s,
            status=self.status,
            retry_s=self.retry_s,
            keepalive_s=keepalive if self.transport is Transport.UDP else None,
        )


class PhoneTraffic:
    """`key`: fresh random bytes, forgotten with the process."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._phones: OrderedDict[str, _Phone] = OrderedDict()

    def __len__(self) -> int:
        return len(self._phones)

    def take_from_phone(self, packet: IpPacket, now: float) -> PhoneSeen | None:
        """A packet to a SIP port; what it says of its sender, if that is a phone."""
        address = packet.source.host
        if packet.opens_connection:
            return PhoneSeen(address, PhoneSign.CONNECTION)
        known = self._phones.get(address)
        if known is not None and not packet.is_tcp:
            known.spoke(now)
        try:
            read = decode_registration(packet.payload, self._key)
        except DecodeError:
            return self._seen(address, known) if known is not None else None
        return self._registered(address, packet, read, now) if isinstance(read, Registration) else None

    def take_to_phone(self, packet: IpPacket) -> PhoneSeen | None:
        """A packet from a SIP port; what it says of its receiver."""
        known = self._phones.get(packet.destination.host)
        if known is None:
            return None
        try:
            read = decode_registration(packet.payload, self._key)
        except DecodeError:
            return None
        address = packet.destination.host
        if isinstance(read, RegistrationReply) and known.answered(read, address):
            return self._seen(address, known)
        return None

    def _registered(self, address: str, packet: IpPacket, read: Registration, now: float) -> PhoneSeen:
        phone = self._phones.setdefault(address, _Phone())
        self._phones.move_to_end(address)
        if len(self._phones) > MOST_PHONES:
            self._phones.popitem(last=False)
        phone.has_registered = True
        phone.user_agent = read.user_agent or phone.user_agent
        phone.transport = Transport.TCP if packet.is_tcp else Transport.UDP
        if read.expiry_s:  # 0 unregisters, before the next one as a rule
            phone.expiry_s = read.expiry_s
        phone.host = read.host or phone.host
        phone.spoke_at = now if phone.spoke_at is None else phone.spoke_at
        phone.tried(read, now)
        return self._seen(address, phone)

    def _seen(self, address: str, phone: _Phone) -> PhoneSeen:
        return PhoneSeen(address, PhoneSign.REGISTER, user_agent=phone.user_agent, registration=phone.registration())
