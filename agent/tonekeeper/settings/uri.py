"""Where an SBC is, from the URI the operator wrote. Only what a probe really uses is accepted: nothing is ignored."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.site import Transport
from tonekeeper.errors import DecodeError
from tonekeeper.settings.kinds import Refusal, is_address_of_one_host, text
from tonekeeper.wire.sip.uri import SipUri, parse_sip_uri

_EXAMPLE = 'write a SIP URI, such as "sip:sbc1.example.net" or "sip:192.0.2.20:5060;transport=udp"'
_USED_PARAMS = {"transport", "lr"}


@dataclass(frozen=True, slots=True)
class SbcPlace:
    uri: str = ""
    """As written."""
    host: str = ""
    """A name or a numeric address, IPv6 without brackets."""
    port: int = 0
    """0 where none is written: RFC 3263 finds it."""
    transport: Transport | None = None
    """None where none is written."""


def sbc_uri(value: object) -> SbcPlace | Refusal:
    written = text(value)
    if isinstance(written, Refusal):
        return Refusal(written.reason, _EXAMPLE)
    try:
        uri = parse_sip_uri(written)
    except DecodeError as error:
        return _no_uri(written, error)
    host = uri.host.strip("[]")
    return _unused_part(uri) or _unknown_transport(uri) or _place(written, host, uri)


def _no_uri(written: str, error: DecodeError) -> Refusal:
    if written.lower().startswith(("sip:", "sips:")):
        return Refusal(f"is not a SIP URI ({error.reason})", _EXAMPLE)
    try:
        parse_sip_uri(f"sip:{written}")
    except DecodeError:
        return Refusal("is not a SIP URI", _EXAMPLE)
    return Refusal("is not a SIP URI, the scheme is missing", f'write "sip:{written}"')


def _unused_part(uri: SipUri) -> Refusal | None:
    """Parts that are good SIP and mean nothing here."""
    if uri.user is not None:
        return Refusal("names a user, but an SBC is a host", "leave out what stands before the @")
    if uri.headers:
        return Refusal("carries headers", "leave out what stands behind the ?")
    for name, _ in uri.params:
        if name not in _USED_PARAMS:
            return Refusal(f"has the parameter {name}, which a probe does not use", "leave it out")
    return None


def _unknown_transport(uri: SipUri) -> Refusal | None:
    remedy = 'write ";transport=udp", "tcp" or "tls", or leave the transport out'
    if uri.transport not in list(Transport):
        return Refusal(f"names the transport {uri.transport}, which is not udp, tcp or tls", remedy)
    if uri.scheme == "sips" and dict(uri.params).get("transport", "tls") not in ("tls", "tcp"):
        return Refusal("asks for TLS over UDP, which does not exist", 'write "sips:HOST" alone')
    return None


def _place(written: str, host: str, uri: SipUri) -> SbcPlace | Refusal:
    if len(host) > 253 or not is_address_of_one_host(host):
        return Refusal("is not the address of a host", _EXAMPLE)
    return SbcPlace(written, host, uri.port or 0, _transport(uri))


def _transport(uri: SipUri) -> Transport | None:
    """`sips:` means TLS over TCP whatever else is written (RFC 3261 section 26.2.2)."""
    if uri.scheme == "sips":
        return Transport.TLS
    return Transport(uri.transport) if "transport" in dict(uri.params) else None
