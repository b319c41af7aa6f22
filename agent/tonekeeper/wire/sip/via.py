"""Via: the way a request took and its response takes back (RFC 3261 section 20.42, RFC 3581)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.grammar import (
    HOST,
    SWS,
    TOKEN,
    Params,
    check_host,
    is_address,
    param,
    parse_params,
    parse_port,
    render_params,
    shown,
    split_list,
)

_VIA = re.compile(
    rf"({TOKEN}){SWS}/{SWS}({TOKEN}){SWS}/{SWS}({TOKEN})[ \t]++({HOST})(?:{SWS}:{SWS}([0-9]++))?",
)


@dataclass(frozen=True, slots=True)
class Via:
    host: str
    """Of sent-by, IPv6 in brackets."""
    port: int | None = None
    transport: str = "UDP"
    protocol: str = "SIP/2.0"
    params: Params = ()

    @property
    def sent_by(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def branch(self) -> str:
        """Empty where there is none (RFC 2543)."""
        return param(self.params, "branch") or ""

    @property
    def received(self) -> str:
        """The address the request came from, IPv6 without brackets; empty where the server did not say."""
        return (param(self.params, "received") or "").removeprefix("[").removesuffix("]")

    @property
    def rport(self) -> int | None:
        """The port the request came from; None where the server did not say, even if it was asked to."""
        value = param(self.params, "rport")
        return parse_port("Via", value) if value else None

    def answered_from(self, source: Endpoint) -> Via:
        """This Via with `received` and `rport` as the server that got it from `source` fills them in.

        RFC 3581 section 4: both where the client asked with `rport`; else `received` where sent-by has another
        address (RFC 3261 section 18.2.1).
        """
        asked = param(self.params, "rport") is not None
        if not asked and self.host.strip("[]") == source.host:
            return self
        kept = tuple(pair for pair in self.params if pair[0] not in ("received", "rport"))
        filled: Params = (("received", source.host),)
        return replace(self, params=kept + filled + ((("rport", str(source.port)),) if asked else ()))

    def __str__(self) -> str:
        return f"{self.protocol}/{self.transport} {self.sent_by}{render_params(self.params)}"


def parse_vias(value: str) -> tuple[Via, ...]:
    """Every Via of one header field, topmost first; `DecodeError` where one of them is none."""
    return tuple(_parse_via(element) for element in split_list("Via", value))


def _parse_via(text: str) -> Via:
    found = _VIA.match(text)
    if found is None:
        raise DecodeError("Via", f"{shown(text)} is not SIP/2.0/TRANSPORT HOST[:PORT][;NAME=VALUE]")
    name, version, transport, host, at_port = found.groups()
    via = Via(
        host=check_host("Via", host),
        port=parse_port("Via", at_port) if at_port else None,
        transport=transport.upper(),
        protocol=f"{name}/{version}".upper(),
        params=parse_params("Via", text, found.end()),
    )
    _check_response_params(via)
    return via


def _check_response_params(via: Via) -> None:
    """What the network wrote into our Via must be what `received` and `rport` say it is."""
    for name, value in via.params:
        if name == "rport" and value:
            parse_port("Via", value)
        elif name == "received" and not is_address(via.received):
            raise DecodeError("Via", f"received={shown(value)} is not an address")
