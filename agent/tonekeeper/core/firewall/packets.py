"""The packets of a flow: what a phone or this host sends, and what comes back for it.

They say what the real ones say, as far as a firewall looks: a SIP helper drops what is no SIP.
"""

from __future__ import annotations

from tonekeeper.core.firewall.flows import FlowQuestion, Traffic
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.ip_writing import SYN, SYN_ACK, tcp_packet, udp_packet

SIP_PORT = 5060
_FIRST_RTP_PORT, _FIRST_EPHEMERAL = 16384, 40000
_RTP = bytes((0x80, 0x00)) + bytes(10) + b"\xff" * 160
"""20 ms of silence in PCMU."""
_DNS_QUESTION = bytes.fromhex("000001000001000000000000") + b"\x07example\x07invalid\x00\x00\x01\x00\x01"
_DNS_ANSWER = _DNS_QUESTION[:2] + b"\x81\x83" + _DNS_QUESTION[4:]


def source_port(question: FlowQuestion, number: int) -> int:
    """Phones send SIP over UDP from 5060; this host, and whatever connects, from any port."""
    match question.traffic:
        case Traffic.UDP if question.origin == "lan":
            return SIP_PORT
        case Traffic.RTP:
            return _FIRST_RTP_PORT + number * 2 % 16384
        case _:
            return _FIRST_EPHEMERAL + number % 20000


def packet_out(question: FlowQuestion, source: Endpoint, number: int) -> bytes:
    destination = question.address
    match question.traffic:
        case Traffic.UDP:
            return udp_packet(source, destination, _register(source, destination), number)
        case Traffic.RTP:
            return udp_packet(source, destination, _RTP, number)
        case Traffic.DNS:
            return udp_packet(source, destination, _DNS_QUESTION, number)
        case _:
            return tcp_packet(source, destination, SYN, number)


def packet_back(question: FlowQuestion, source: Endpoint, destination: Endpoint, number: int) -> bytes:
    """From the SBC (`source`) to where its request came from, as it saw that."""
    match question.traffic:
        case Traffic.UDP:
            return udp_packet(source, destination, _answer(destination, source), number)
        case Traffic.RTP:
            return udp_packet(source, destination, _RTP, number)
        case Traffic.DNS:
            return udp_packet(source, destination, _DNS_ANSWER, number)
        case _:
            return tcp_packet(source, destination, SYN_ACK, number)


def _register(phone: Endpoint, server: Endpoint) -> bytes:
    return _message(f"REGISTER sip:{server} SIP/2.0", phone, server)


def _answer(phone: Endpoint, server: Endpoint) -> bytes:
    return _message("SIP/2.0 401 Unauthorized", phone, server)


def _message(first_line: str, phone: Endpoint, server: Endpoint) -> bytes:
    lines = (
        first_line,
        f"Via: SIP/2.0/UDP {phone};branch=z9hG4bKshadow;rport",
        "Max-Forwards: 70",
        f"From: <sip:phone@{server}>;tag=shadow",
        f"To: <sip:phone@{server}>",
        "Call-ID: shadow@invalid",
        "CSeq: 1 REGISTER",
        f"Contact: <sip:phone@{phone}>",
        "Expires: 3600",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()
