"""SIP messages in datagrams: bytes in, a frozen `Request` or `Response` out, or `DecodeError`; and bytes again.

What every message is routed and matched by is checked here: start line, framing, Via, From, To, Call-ID, CSeq,
Max-Forwards, and the Contact of a request. Other headers are kept as text: one that nobody asks for may be
malformed without harm (RFC 3261 section 8.2.2). A line break is CRLF; bytes after Content-Length are noise (18.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.challenge import Challenge, parse_challenges
from tonekeeper.wire.sip.cseq import CSeq, parse_cseq
from tonekeeper.wire.sip.grammar import is_token, parse_number, shown
from tonekeeper.wire.sip.name_addr import NameAddr, parse_contacts, parse_name_addr
from tonekeeper.wire.sip.uri import SipUri, Uri, parse_uri
from tonekeeper.wire.sip.via import Via, parse_vias

Headers = tuple[tuple[str, str], ...]
"""Long name in lower case and unfolded value, in the order of the message."""

# RFC 3261 section 7.3.3 and the registry of header fields.
_LONG_NAMES = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
_SINGLE = frozenset({"from", "to", "call-id", "cseq", "max-forwards", "content-length"})
_REQUIRED = frozenset({"from", "to", "call-id", "cseq"})
_STATUS_LINE = re.compile(r"SIP/2\.0 ([0-9]{3}) ([^\x00-\x08\x0a-\x1f\x7f]*+)", re.IGNORECASE | re.ASCII)
_VERSION = re.compile(r"SIP/2\.0", re.IGNORECASE | re.ASCII)
_WORD = r"[A-Za-z0-9\-.!%*_+`'~()<>:\\\"/\[\]?{}]++"
_CALL_ID = re.compile(rf"{_WORD}(?:@{_WORD})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What requests and responses have in common."""

    vias: tuple[Via, ...]
    """Topmost first; never empty."""
    from_: NameAddr
    to: NameAddr
    call_id: str
    cseq: CSeq
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of the header field `name`, long form in any case; None where it is absent."""
        wanted = name.lower()
        for known, value in self.headers:
            if known == wanted:
                return value
        return None

    def header_values(self, name: str) -> tuple[str, ...]:
        """Every value of the header field `name`, in the order of the message."""
        wanted = name.lower()
        return tuple(value for known, value in self.headers if known == wanted)

    def contacts(self) -> tuple[NameAddr, ...]:
        """Every contact; `DecodeError` where a response has a malformed one. `Contact: *` counts as none."""
        return tuple(contact for value in self.header_values("contact") for contact in parse_contacts(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Message):
    method: str
    uri: Uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(Message):
    status: int
    """100-699"""
    reason: str

    def challenges(self) -> tuple[Challenge, ...]:
        """The Digest challenges of a 401 or 407; `DecodeError` where one is malformed."""
        values = self.header_values("www-authenticate") + self.header_values("proxy-authenticate")
        return tuple(challenge for value in values for challenge in parse_challenges(value))


def decode_message(data: bytes) -> Request | Response:
    """The message in one datagram; `DecodeError` for anything else."""
    start_line, headers, body = _read(data)
    decode = _response if _is_status_line(start_line) else _request
    return decode(start_line, headers, body)


def decode_request(data: bytes) -> Request:
    """The request in one datagram; `DecodeError` for anything else, a response included."""
    start_line, headers, body = _read(data)
    if _is_status_line(start_line):
        raise DecodeError("request", f"{shown(start_line)} is not a request")
    return _request(start_line, headers, body)


def decode_response(data: bytes) -> Response:
    """The response in one datagram; `DecodeError` for anything else, a request included."""
    start_line, headers, body = _read(data)
    if not _is_status_line(start_line):
        raise DecodeError("response", f"{shown(start_line)} is not a response")
    return _response(start_line, headers, body)


def render_message(start_line: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """The bytes of a message; Content-Length is added. `ValueError` for a value that would break out of its line."""
    lines = [start_line, *(f"{name}: {value}" for name, value in headers), f"Content-Length: {len(body)}"]
    for line in lines:
        if "\r" in line or "\n" in line:
            raise ValueError(f"cannot render a line break inside {line!r}")
    return "\r\n".join((*lines, "", "")).encode() + body


def _is_status_line(line: str) -> bool:
    return line[:4].upper() == "SIP/"


def _response(line: str, headers: Headers, body: bytes) -> Response:
    found = _STATUS_LINE.fullmatch(line)
    if found is None or not 100 <= int(found[1]) <= 699:
        raise DecodeError("status line", f"{shown(line)} is not SIP/2.0 100-699 REASON")
    singles = _singles(headers)
    return Response(
        status=int(found[1]),
        reason=found[2],
        vias=_vias(headers),
        from_=parse_name_addr("From", singles["from"]),
        to=parse_name_addr("To", singles["to"]),
        call_id=_call_id(singles["call-id"]),
        cseq=parse_cseq(singles["cseq"]),
        headers=headers,
        body=_cut(body, singles),
    )


def _request(line: str, headers: Headers, body: bytes) -> Request:
    method, uri = _request_line(line)
    singles = _singles(headers)
    cseq = parse_cseq(singles["cseq"])
    if cseq.method != method:
        raise DecodeError("CSeq", f"its method {shown(cseq.method)} is not the request's, {shown(method)}")
    if "max-forwards" in singles:  # RFC 2543 had none
        parse_number("Max-Forwards", singles["max-forwards"], 255)
    request = Request(
        method=method,
        uri=uri,
        vias=_vias(headers),
        from_=parse_name_addr("From", singles["from"]),
        to=parse_name_addr("To", singles["to"]),
        call_id=_call_id(singles["call-id"]),
        cseq=cseq,
        headers=headers,
        body=_cut(body, singles),
    )
    request.contacts()
    return request


def _request_line(line: str) -> tuple[str, Uri]:
    parts = line.split(" ")
    if len(parts) != 3 or not is_token(parts[0]):
        raise DecodeError("request line", f"{shown(line)} is not METHOD URI SIP/2.0")
    method, target, version = parts
    if _VERSION.fullmatch(version) is None:
        raise DecodeError("request line", f"version {shown(version)} is not SIP/2.0")
    uri = parse_uri(target)
    if isinstance(uri, SipUri) and uri.headers:
        raise DecodeError("request line", f"{shown(target)} has headers, which a Request-URI cannot have")
    return method, uri


def _read(data: bytes) -> tuple[str, Headers, bytes]:
    """Start line, headers and all that follows the blank line. CRLFs before the start line are skipped (7.5)."""
    begin = 0
    while data.startswith(b"\r\n", begin):
        begin += 2
    end = data.find(b"\r\n\r\n", begin)
    if end < 0:
        raise DecodeError("message", "no blank line ends its header")
    lines = _unfold(_text(data[begin:end]))
    return lines[0], tuple(map(_header, lines[1:])), data[end + 4 :]


def _text(head: bytes) -> str:
    """RFC 3261 says UTF-8, some servers write Latin-1: no byte is refused."""
    try:
        return head.decode()
    except UnicodeDecodeError:
        return head.decode("latin-1")


def _unfold(head: str) -> list[str]:
    """The lines of `head`, those that begin with a blank joined to the one before (7.3.1)."""
    lines = head.split("\r\n")
    if head.count("\r") != len(lines) - 1 or head.count("\n") != len(lines) - 1:
        raise DecodeError("message", "its header has a CR or LF that is no line break")
    if "\r\n " not in head and "\r\n\t" not in head:
        return lines
    folded: list[list[str]] = []
    for line in lines:
        if folded and line[0] in " \t":
            folded[-1].append(line.strip(" \t"))
        else:
            folded.append([line.rstrip(" \t") if folded else line])
    if len(folded[0]) > 1:
        raise DecodeError("message", "its start line is folded")
    return [" ".join(parts) for parts in folded]


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name = name.rstrip(" \t")
    if not colon or not is_token(name):
        raise DecodeError("message", f"{shown(line)} is not a header field")
    name = name.lower()
    return _LONG_NAMES.get(name, name), value.strip(" \t")


def _singles(headers: Headers) -> dict[str, str]:
    """The header fields that a message has only once."""
    singles: dict[str, str] = {}
    for name, value in headers:
        if name in _SINGLE:
            if name in singles:
                raise DecodeError("message", f"header field {name} appears twice")
            singles[name] = value
    missing = _REQUIRED - singles.keys()
    if missing:
        raise DecodeError("message", f"header field {min(missing)} is missing")
    return singles


def _vias(headers: Headers) -> tuple[Via, ...]:
    vias = tuple(via for name, value in headers if name == "via" for via in parse_vias(value))
    if not vias:
        raise DecodeError("message", "header field via is missing")
    return vias


def _call_id(text: str) -> str:
    if _CALL_ID.fullmatch(text) is None:
        raise DecodeError("Call-ID", f"{shown(text)} is not WORD[@WORD]")
    return text


def _cut(body: bytes, singles: dict[str, str]) -> bytes:
    """`body` up to Content-Length; without that header a datagram is the message (18.3)."""
    stated = singles.get("content-length")
    if stated is None:
        return body
    length = parse_number("Content-Length", stated, 2**32 - 1)
    if length > len(body):
        raise DecodeError("Content-Length", f"{length} bytes are promised, {len(body)} are there")
    return body[:length]
