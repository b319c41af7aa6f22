from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.self_description import SelfDescription, decode_self_description


def described(*lines: str, status: str = "200 OK") -> SelfDescription:
    return decode_self_description(
        "\r\n".join(
            [
                f"SIP/2.0 {status}",
                "Via: SIP/2.0/UDP 192.0.2.2:49152;branch=z9hG4bK1",
                "From: <sip:tonekeeper@192.0.2.2>;tag=a1",
                "To: <sip:sbc1.example.net>;tag=b2",
                "Call-ID: c3",
                "CSeq: 4711 OPTIONS",
                *lines,
                "\r\n",
            ]
        ).encode()
    )


def test_an_sbc_that_says_everything_is_described_in_full():
    assert described(
        "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE",
        "Supported: replaces, 100rel",
        "Accept: application/sdp, application/dtmf-relay",
        "Allow-Events: presence, dialog",
        "Server: SBC 5.6.3",
    ) == SelfDescription(
        methods=("ACK", "BYE", "CANCEL", "INVITE", "OPTIONS"),
        extensions=("100rel", "replaces"),
        bodies=("application/dtmf-relay", "application/sdp"),
        events=("dialog", "presence"),
        server="SBC 5.6.3",
    )


def test_an_sbc_that_says_nothing_is_not_said_to_lack_anything():
    assert described() == SelfDescription(methods=None, extensions=None, bodies=None, events=None)


def test_an_empty_header_field_says_none():
    found = described("Supported:", "Allow: ", "Accept:")
    assert (found.extensions, found.methods, found.bodies) == ((), (), ())


def test_compact_forms_and_repeated_header_fields_count_as_one_list():
    found = described("k: timer", "Supported: path,timer", "u: dialog", "Allow: INVITE", "allow: BYE")
    assert (found.extensions, found.events, found.methods) == (("path", "timer"), ("dialog",), ("BYE", "INVITE"))


def test_parameters_and_blanks_of_accept_are_no_part_of_a_media_type():
    assert described("Accept: application / sdp;level=1 ;q=0.5, */*, Text/HTML").bodies == (
        "*/*",
        "application/sdp",
        "text/html",
    )


@pytest.mark.parametrize(("status", "header"), [("401 No", "WWW-Authenticate"), ("407 No", "Proxy-Authenticate")])
def test_the_first_challenge_names_realm_and_algorithm(status, header):
    found = described(
        f'{header}: Digest realm="voice.example", nonce="n1", algorithm=SHA-256',
        f'{header}: Digest realm="other", nonce="n2"',
        status=status,
    )
    assert (found.realm, found.algorithm) == ("voice.example", "SHA-256")


def test_a_challenge_without_algorithm_is_for_md5():
    found = described('WWW-Authenticate: Digest realm="r", nonce="n"', status="401 Unauthorized")
    assert found.algorithm == "MD5"


@pytest.mark.parametrize("challenge", ["Basic realm=x", "Digest realm", 'Digest nonce="n"', ""])
def test_a_challenge_that_cannot_be_answered_names_no_realm(challenge):
    found = described(f"WWW-Authenticate: {challenge}", "Allow: INVITE", status="401 Unauthorized")
    assert (found.realm, found.algorithm, found.methods) == ("", "", ("INVITE",))


def test_what_is_no_name_is_left_out():
    assert described("Allow: INVITE, in valid, <BYE>, , \x1b[2J, ACK").methods == ("ACK", "INVITE")


def test_a_server_cannot_make_it_remember_a_novel():
    found = described("Allow: " + ", ".join(f"M{number:04}" for number in range(2000)), "Supported: " + "x" * 3000)
    assert found.methods is not None
    assert len(found.methods) == 64
    assert found.extensions == ()


def test_the_same_words_in_another_order_are_the_same_description():
    assert described("Allow: BYE, INVITE", "Supported: B,a") == described("Allow: INVITE,BYE", "Supported: A, b")


def test_a_request_describes_nobody():
    with pytest.raises(DecodeError):
        decode_self_description(b"OPTIONS sip:a SIP/2.0\r\n\r\n")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_description_or_a_decode_error(data):
    with contextlib.suppress(DecodeError):
        assert isinstance(decode_self_description(data), SelfDescription)


@given(st.text(st.characters(exclude_characters="\r\n"), max_size=200), st.sampled_from(["Allow", "Accept", "k", "u"]))
def test_whatever_stands_in_a_list_never_costs_the_description(value, header):
    found = described(f"{header}: {value}")
    for names in (found.methods, found.extensions, found.bodies, found.events):
        assert names is None or list(names) == sorted(set(names))
