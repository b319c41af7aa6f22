"""What a REGISTER that passes by, and the answer to it, say of a phone: which one it is, and for how long it registers.

Whose phone it is, is nobody's business: numbers, names, realms and passwords are left behind here. What must be told
apart, one registration of a phone from another, is told apart by a digest under a key that the caller keeps.

The end of a message may be missing (a first fragment, the first segment of a stream): its header is read as far as it
was seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.grammar import for_people, param
from tonekeeper.wire.sip.message import Message, Request, Response, decode_message
from tonekeeper.wire.sip.name_addr import NameAddr
from tonekeeper.wire.sip.uri import SipUri

LONGEST_EXPIRY = 2**32 - 1
"""Seconds (RFC 3261 section 20.19)."""

_BODY_LENGTH = (b"content-length", b"l")
SHORTEST_USER = 3
"""Two digits are as often a byte of a MAC address as an account, and tell nobody who that is."""

_SEPARATORS = re.compile(r"([\s/:;,=()\[\]<>@\"']++)")
_DIGEST_SIZE = 8


@dataclass(frozen=True, slots=True)
class Registration:
    """A REGISTER of a phone."""

    registration: bytes
    """Tells one registration from another; says nothing of either."""
    cseq: int
    user_agent: str
    """Fit to be shown, without the user's name where that stands in it; empty where there is none."""
    expiry_s: int | None
    """Seconds that the phone asks for, 0 where it unregisters; None where it leaves that to the server, or only asks
    what is registered."""
    host: str
    """Of its Contact: an address, or a name; empty where it has none."""
    authorized: bool
    """It answers a challenge."""


@dataclass(frozen=True, slots=True)
class RegistrationReply:
    """A response to a REGISTER."""

    registration: bytes
    cseq: int
    status: int
    granted_s: dict[str, int]
    """Of a 2xx: seconds by the host of each Contact."""


def decode_registration(data: bytes, key: bytes) -> Registration | RegistrationReply:
    """The message in `data`; `DecodeError` for one that is no REGISTER, nor an answer to one."""
    message = decode_message(_head(data))
    if message.cseq.method != "REGISTER":
        raise DecodeError("REGISTER", "its method is another")
    registration = blake2b(message.call_id.encode(), digest_size=_DIGEST_SIZE, key=key).digest()
    if isinstance(message, Response):
        return _reply(message, registration)
    return _request(message, registration)


def _request(request: Request, registration: bytes) -> Registration:
    contacts = request.contacts()
    general = _seconds(request.header("expires"))
    removes_all = request.header("contact") == "*"
    expiry = 0 if removes_all else next((_expiry(contact, general) for contact in contacts), None)
    return Registration(
        registration=registration,
        cseq=request.cseq.number,
        user_agent=user_agent_of(request),
        expiry_s=expiry,
        host=next((_host(contact) for contact in contacts), ""),
        authorized=any(request.header(name) for name in ("authorization", "proxy-authorization")),
    )


def _reply(response: Response, registration: bytes) -> RegistrationReply:
    granted: dict[str, int] = {}
    if 200 <= response.status < 300:
        general = _seconds(response.header("expires"))
        for contact in response.contacts():
            seconds = _expiry(contact, general)
            if seconds is not None:
                granted[_host(contact)] = seconds
    return RegistrationReply(registration, response.cseq.number, response.status, granted)


def _head(data: bytes) -> bytes:
    """The header alone, as far as whole lines of it are there, and nothing said of a body."""
    begin = len(data) - len(data.lstrip(b"\r\n"))
    end = data.find(b"\r\n\r\n", begin)
    if end < 0:
        end = data.rfind(b"\r\n", begin)
    lines = data[begin : max(end, begin)].split(b"\r\n")
    return b"\r\n".join(
        [*(line for line in lines if line.partition(b":")[0].strip().lower() not in _BODY_LENGTH), b"", b""]
    )


def _expiry(contact: NameAddr, general: int | None) -> int | None:
    """Its own expiry goes before that of the message (section 10.2.1.1)."""
    own = _seconds(param(contact.params, "expires"))
    return general if own is None else own


def _seconds(text: str | None) -> int | None:
    """What is malformed counts as absent (section 20.19 would have it 3600, which nobody asked for)."""
    digits = (text or "").strip(' \t"').lstrip("0") or ("0" if text else "")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(LONGEST_EXPIRY)):
        return None
    return min(int(digits), LONGEST_EXPIRY)


def _host(contact: NameAddr) -> str:
    return contact.uri.host.strip("[]") if isinstance(contact.uri, SipUri) else ""


def user_agent_of(message: Message) -> str:
    """User-Agent, else Server, fit to be shown; empty where there is neither.

    Some phones put the account's number into it: where that stands as a word, the word is left out.
    """
    written = message.header("user-agent") or message.header("server") or ""
    users = {_user(named).lower() for named in (message.from_, message.to, *message.contacts())}
    hidden = {user for user in users if len(user) >= SHORTEST_USER}
    parts = _SEPARATORS.split(written)
    return for_people("".join(part for part in parts if part.lower() not in hidden).strip(" ;,/"))


def _user(named: NameAddr) -> str:
    return named.uri.user or "" if isinstance(named.uri, SipUri) else ""
