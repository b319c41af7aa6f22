"""What the far end of a call agreed to: where it wants its voice, in which law of G.711, and whether it listens."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from tonekeeper.core.depth.conclusion import Conclusion
from tonekeeper.core.depth.result import DepthVerdict
from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.rtp import PCMA, PCMU
from tonekeeper.wire.sdp import AudioDescription, Direction, decode_audio
from tonekeeper.wire.sip.message import Response


@dataclass(frozen=True, slots=True)
class Agreement:
    destination: Endpoint
    payload_type: int
    """PCMU or PCMA, as the far end prefers."""
    held: str = ""
    """Why voice cannot go both ways, though the call is answered; empty where it can."""


def agreed(response: Response, server: Endpoint) -> Agreement | Conclusion:
    """The agreement in a 2xx to INVITE, or why there is none.

    A stranger names the place that packets go to, so it has to be a single host, and not this one unless `server` is.
    """
    try:
        audio = decode_audio(response.body)
    except DecodeError as error:
        return _none(response, f": {error}")
    codec = next((number for number in audio.formats if number in (PCMU, PCMA)), None)
    if not audio.address.port:
        return _none(response, ", and refuses voice")
    if codec is None:
        return _none(
            response, f", and not in G.711 but in payload types {', '.join(map(str, audio.formats)) or 'none'}"
        )
    fault = _fault_of(audio.address, server)
    if fault:
        return _none(response, f", and its media address {fault}")
    return Agreement(audio.address, codec, _held(audio))


def _none(response: Response, why: str) -> Conclusion:
    return Conclusion(DepthVerdict.FAILED, f"INVITE was answered {response.status}{why}")


def _fault_of(address: Endpoint, server: Endpoint) -> str:
    host = ip_address(address.host)
    if address.is_ipv6 != server.is_ipv6:
        return f"{host} is of the other IP version"
    is_elsewhere = not (host.is_multicast or host.is_loopback or host.is_reserved or host.is_link_local)
    if is_elsewhere or host == ip_address(server.host) or (host.is_loopback and ip_address(server.host).is_loopback):
        return ""
    return f"{host} leads to no host"


def _held(audio: AudioDescription) -> str:
    if ip_address(audio.address.host).is_unspecified:
        return "the far end holds the call: its media address is unspecified"
    return "" if audio.direction is Direction.BOTH else f"the far end answers with a={audio.direction}"
