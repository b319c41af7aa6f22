"""STUN messages, octet by octet."""

from __future__ import annotations

import hmac
import subprocess
import sys

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.codec import decode_stun, encode_stun, looks_like_stun
from tonekeeper.wire.stun.integrity import is_authentic, short_term_key
from tonekeeper.wire.stun.message import Attribute, ChangeRequest, ErrorCode, StunClass, StunMessage, binding_request

ID = bytes.fromhex("0102030405060708090a0b0c")
COOKIE = "2112a442"


def message(type_: str, *attributes: str) -> bytes:
    body = bytes.fromhex("".join(attributes))
    return bytes.fromhex(type_) + len(body).to_bytes(2, "big") + bytes.fromhex(COOKIE) + ID + body


def test_a_plain_binding_request_is_twenty_octets():
    assert encode_stun(binding_request(ID), fingerprint=False) == message("0001")


def test_a_request_from_another_port_to_another_port_is_written_as_rfc_5780_says():
    request = binding_request(ID, change_request=ChangeRequest(address=False, port=True), response_port=0xABCD)
    assert encode_stun(request, fingerprint=False) == message("0001", "00030004 00000002", "00270004 abcd0000")


def test_the_fingerprint_adds_eight_octets_and_is_checked():
    data = encode_stun(binding_request(ID))
    assert len(data) == 28
    assert decode_stun(data) == binding_request(ID)
    with pytest.raises(DecodeError, match="cannot decode FINGERPRINT"):
        decode_stun(data[:-1] + bytes((data[-1] ^ 1,)))


def test_a_fingerprint_must_be_the_last_attribute():
    with pytest.raises(DecodeError, match="not the last"):
        decode_stun(message("0001", "80280004 00000000", "80220000"))


@pytest.mark.parametrize(
    ("type_", "stun_class"),
    [
        ("0001", StunClass.REQUEST),
        ("0011", StunClass.INDICATION),
        ("0101", StunClass.SUCCESS),
        ("0111", StunClass.ERROR),
    ],
)
def test_the_four_classes_of_binding_are_told_apart(type_, stun_class):
    assert decode_stun(message(type_)) == StunMessage(stun_class, ID)


def test_a_method_keeps_all_twelve_bits():
    data = message("3eef")
    assert decode_stun(data) == StunMessage(StunClass.REQUEST, ID, method=0xFFF)
    assert encode_stun(decode_stun(data), fingerprint=False) == data


def test_a_server_that_knows_rfc_5780_is_read_whole():
    answer = decode_stun(
        message(
            "0101",
            "00200008 0001e112 e112a643",  # 192.0.2.1:49152
            "00010008 0001c001 c0000202",
            "802b0008 00010d96 cb007101",
            "802c0008 00010d97 cb007102",
            "80220003 61626300",
        )
    )
    assert answer.xor_mapped_address == Endpoint("192.0.2.1", 49152)
    assert answer.mapped_address == Endpoint("192.0.2.2", 49153)
    assert answer.mapped == answer.xor_mapped_address
    assert answer.response_origin == Endpoint("203.0.113.1", 3478)
    assert answer.other_address == Endpoint("203.0.113.2", 3479)
    assert answer.software == "abc"


def test_an_old_server_has_only_the_mapped_address():
    assert decode_stun(message("0101", "00010008 0001c001 c0000202")).mapped == Endpoint("192.0.2.2", 49153)


def test_an_error_names_its_code_its_reason_and_what_was_not_understood():
    answer = decode_stun(message("0111", "00090007 00000414 6e6f21 00", "000a0004 00270003"))
    assert answer.error == ErrorCode(420, "no!")
    assert answer.unknown_attributes == (0x27, 0x03)


def test_what_must_be_understood_and_is_not_is_named_and_the_rest_is_not():
    request = decode_stun(message("0001", "00240004 00000001", "802a0001 ff000000"))
    assert request.others == (Attribute(0x24, b"\0\0\0\1"), Attribute(0x802A, b"\xff"))
    assert request.not_understood == (0x24,)


def test_of_an_attribute_that_comes_twice_the_first_counts():
    assert decode_stun(message("0001", "00270004 00010000", "00270004 00020000")).response_port == 1


def test_a_response_port_whose_padding_is_not_counted_is_understood():
    assert decode_stun(message("0001", "00270002 abcd0000")).response_port == 0xABCD


def test_what_follows_the_integrity_does_not_count():
    data = message("0001", "00080014", "00" * 20, "00270004 00010000")
    assert decode_stun(data) == binding_request(ID)


def test_software_is_fit_for_a_terminal():
    assert decode_stun(message("0101", "80220005 611b5b41ff 000000")).software == "a?[A\ufffd"
    assert len(decode_stun(message("0101", "80220200", "61" * 0x200)).software) == 127


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "fewer than a header"),
        (message("0001")[:19], "fewer than a header"),
        (message("4001"), "no STUN message does"),
        (message("0001").replace(bytes.fromhex(COOKIE), b"\0\0\0\0"), "no STUN message does"),
        (message("0001") + b"\0\0\0\0", "does not fit"),
        (message("0001", "00"), "does not fit"),
        (message("0001", "00200008 00000000"), "goes beyond the end"),
        (message("0101", "00200008 0003e112 e112a643"), "neither an IPv4 nor an IPv6 address"),
        (message("0101", "00010014 00010000", "00" * 16), "neither an IPv4 nor an IPv6 address"),
        (message("0101", "00200018", "00" * 24), "too many"),
        (message("0101", "802c0000"), "neither an IPv4 nor an IPv6 address"),
        (message("0001", "00030002 00000000"), "2 octets instead of 4"),
        (message("0001", "00270001 00000000"), "1 octets instead of 4"),
        (message("0111", "00090002 00000000"), "too few"),
        (message("0111", "00090004 00000214"), "no code between"),
        (message("0111", "00090004 00000464"), "no code between"),
        (message("0111", "000a0003 00000000"), "no list of types"),
        (message("0001", "00060001 ff000000"), "not UTF-8"),
        (message("0001", "00060400", "61" * 0x400), "more than 763"),
    ],
)
def test_what_is_no_stun_message_is_refused_with_the_reason(data, reason):
    with pytest.raises(DecodeError, match=reason):
        decode_stun(data)


def test_sip_and_rtp_on_the_same_socket_do_not_look_like_stun():
    assert looks_like_stun(message("0101"))
    assert not looks_like_stun(b"SIP/2.0 200 OK\r\n\r\n......")
    assert not looks_like_stun(bytes((0x80,)) + bytes(40))


def test_a_message_without_integrity_is_never_authentic():
    assert not is_authentic(encode_stun(binding_request(ID)), short_term_key("x"))


@pytest.mark.parametrize(("octets", "verdict"), [(32, True), (16, True), (12, False)])
def test_an_sha256_integrity_may_be_cut_to_sixteen_octets_and_no_further(octets, verdict):
    key = short_term_key("secret")
    length = octets + 4
    covered = bytes.fromhex("0001") + length.to_bytes(2, "big") + bytes.fromhex(COOKIE) + ID
    signature = hmac.digest(key, covered, "sha256")[:octets]
    signed = message("0001", f"001c{octets:04x}", signature.hex())
    assert is_authentic(signed, key) is verdict
    assert not is_authentic(message("0001", f"001c{octets:04x}", bytes(octets).hex()), key)


def test_the_daemon_does_not_load_openssl_for_stun():
    program = "import sys, tonekeeper.wire.stun.codec; sys.exit('hashlib' in sys.modules or 'hmac' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
