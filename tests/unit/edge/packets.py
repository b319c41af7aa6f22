"""IP packets as a packet socket gives them, and SIP that phones send."""

from __future__ import annotations

import struct
from ipaddress import ip_address

PHONE, SBC = "192.168.1.20", "198.51.100.10"
UDP, TCP = 17, 6
SYN, ACK, PSH = 0x02, 0x10, 0x08


def udp(payload, source=(PHONE, 5062), destination=(SBC, 5060), **ip):
    header = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0)
    return packet(source[0], destination[0], UDP, header + payload, **ip)


def tcp(payload=b"", source=(PHONE, 40000), destination=(SBC, 5060), *, flags=ACK | PSH, options=b"", **ip):
    words = 5 + len(options) // 4
    header = struct.pack("!HHIIBBHHH", source[1], destination[1], 1, 1, words << 4, flags, 1000, 0, 0)
    return packet(source[0], destination[0], TCP, header + options + payload, **ip)


def packet(source, destination, protocol, content, *, fragment=0, options=b""):
    source, destination = ip_address(source).packed, ip_address(destination).packed
    if len(source) == 16:
        return struct.pack("!IHBB", 6 << 28, len(content), protocol, 64) + source + destination + content
    words = 5 + len(options) // 4
    length = 4 * words + len(content)
    first = struct.pack("!BBHHHBBH", 0x40 | words, 0, length, 1, fragment, 64, protocol, 0)
    return first + source + destination + options + content


def register(
    *,
    cseq=1,
    call_id="a84b4c76e66710",
    user="4711",
    display='"Erika Mustermann"',
    contact="",
    expires="Expires: 3600",
    user_agent="Yealink SIP-T46U 108.86.0.20",
    extra="",
):
    lines = [
        "REGISTER sip:example.net SIP/2.0",
        f"Via: SIP/2.0/UDP {PHONE}:5062;branch=z9hG4bK{cseq};rport",
        f"From: {display} <sip:{user}@example.net>;tag=456248",
        f"To: {display} <sip:{user}@example.net>",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} REGISTER",
        f"Contact: <sip:{user}@{PHONE}:5062>{contact}",
        "Max-Forwards: 70",
        f"User-Agent: {user_agent}",
        expires,
        extra,
        "Content-Length: 0",
    ]
    return "\r\n".join([*(line for line in lines if line), "", ""]).encode()


def answer(status=200, *, cseq=1, call_id="a84b4c76e66710", user="4711", granted=600):
    lines = [
        f"SIP/2.0 {status} Whatever",
        f"Via: SIP/2.0/UDP {PHONE}:5062;branch=z9hG4bK{cseq};rport",
        f"From: <sip:{user}@example.net>;tag=456248",
        f"To: <sip:{user}@example.net>;tag=2493k59kd",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} REGISTER",
        f"Contact: <sip:{user}@{PHONE}:5062>;expires={granted}, <sip:{user}@192.168.1.99>;expires=77",
        "Content-Length: 0",
    ]
    return "\r\n".join([*lines, "", ""]).encode()
