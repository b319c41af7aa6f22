"""What is said of a certificate, and of files that cannot be used. Handshakes are met in the lab."""

from __future__ import annotations

import errno
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.site import TlsPolicy
from tonekeeper.edge.tls import Refusal, TlsSession, problem_of
from tonekeeper.errors import EdgeError
from tonekeeper.wire.x509 import Certificate

DAY = 86400
NOW = 1_800_000_000
"""15 January 2027, 08:00 UTC"""
GOOD = Certificate("CN=sbc1", "CN=Example Root", NOW - DAY, NOW + DAY, ("sbc1.example.net",), ("192.0.2.1",))
EXPIRED = Certificate("CN=sbc1", "CN=Example Root", NOW - 9 * DAY, NOW - 50 * 3600, ("sbc1.example.net",), ())
JUST_EXPIRED = Certificate("CN=sbc1", "CN=Example Root", NOW - DAY, NOW - 60, ("sbc1.example.net",), ())
TOO_NEW = Certificate("CN=sbc1", "CN=Example Root", NOW + 7200, NOW + DAY, ("sbc1.example.net",), ())


def told(code: int) -> Refusal:
    return Refusal(code, "what OpenSSL said")


@pytest.mark.parametrize(
    ("certificate", "host", "refusal", "problem"),
    [
        (GOOD, "sbc1.example.net", None, ""),
        (GOOD, "192.0.2.1", None, ""),
        (GOOD, "sbc2.example.net", None, "it is for sbc1.example.net, 192.0.2.1, not for sbc2.example.net"),
        (EXPIRED, "sbc1.example.net", told(10), "it expired on 2027-01-13, 2 days ago"),
        (EXPIRED, "sbc1.example.net", None, "it expired on 2027-01-13, 2 days ago"),
        (JUST_EXPIRED, "sbc1.example.net", told(10), "it expired on 2027-01-15, a moment ago"),
        (
            TOO_NEW,
            "sbc1.example.net",
            told(9),
            "it is valid from 2027-01-15, in 2 hours: is the clock of this device right?",
        ),
        (GOOD, "sbc1.example.net", told(10), "a certificate above it in its chain has expired"),
        (GOOD, "sbc1.example.net", told(9), "a certificate above it in its chain is not valid yet"),
        (
            GOOD,
            "sbc1.example.net",
            told(20),
            "its issuer 'CN=Example Root' is not known: set ca_file, or let the server send the whole chain",
        ),
        (GOOD, "sbc1.example.net", told(18), "it is self-signed: set ca_file to it, if it is the right one"),
        (
            GOOD,
            "sbc1.example.net",
            told(19),
            "its chain ends in a root that is not trusted: set ca_file to that root",
        ),
        (GOOD, "sbc1.example.net", told(66), "what OpenSSL said"),
        (None, "sbc1.example.net", told(66), "what OpenSSL said"),
    ],
)
def test_a_problem_is_a_sentence_with_its_remedy(certificate, host, refusal, problem):
    assert problem_of(certificate, host, refusal, NOW) == problem


def test_every_problem_is_named_not_only_the_first():
    assert problem_of(EXPIRED, "sbc2.example.net", told(18), NOW) == (
        "it is self-signed: set ca_file to it, if it is the right one; it expired on 2027-01-13, 2 days ago; "
        "it is for sbc1.example.net, not for sbc2.example.net"
    )


def test_a_certificate_for_nobody_says_so():
    nobodys = Certificate("", "", 0, NOW + DAY, (), ())
    assert problem_of(nobodys, "sbc1.example.net", None, NOW) == "it is for nobody, not for sbc1.example.net"


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_that_holds_no_certificate_is_named_and_is_not_the_servers_fault(tmp_path, content):
    file = tmp_path / "root.pem"
    file.write_text(content)
    with pytest.raises(
        EdgeError, match=f"cannot use '{file}': .*; it must hold the root's certificate as PEM"
    ) as caught:
        TlsSession(TlsPolicy(ca_file=str(file)), "sbc1.example.net")
    assert caught.value.errno == errno.EINVAL


def test_a_client_certificate_that_cannot_be_used_is_named(tmp_path):
    file = tmp_path / "client.pem"
    file.write_text("none")
    with pytest.raises(EdgeError, match=f"cannot use '{file}': .*; it must hold our certificate and its key"):
        TlsSession(TlsPolicy(cert_file=str(file)), "sbc1.example.net")


@pytest.mark.parametrize("host", ["", "a" * 64 + ".example.net", "a..example.net"])
def test_a_host_that_nobody_can_be_asked_for_is_refused(host):
    with pytest.raises(EdgeError, match=f"cannot ask for a certificate of '{host}'"):
        TlsSession(TlsPolicy(), host)


def test_the_name_that_is_asked_for_is_told_without_its_dot_and_an_address_is_not_told():
    named, numeric = TlsSession(TlsPolicy(), "sbc1.example.net."), TlsSession(TlsPolicy(), "192.0.2.1")
    for session in (named, numeric):
        assert not session.shake(b"")
    assert b"sbc1.example.net\x00" in named.leaving()
    assert b"192.0.2.1" not in numeric.leaving()


@given(st.binary(max_size=40) | st.binary(max_size=40).map(lambda tail: b"\x16\x03\x03\x00\x30\x02\x00\x00\x2c" + tail))
def test_any_bytes_instead_of_a_handshake_are_waited_for_or_refused(data):
    session = TlsSession(TlsPolicy(), "sbc1.example.net")
    session.shake(b"")
    with suppress(EdgeError):
        assert session.shake(data) is False
    assert session.facts().expires_in_s is None
