"""Certificates: whose they are, until when, and which SIP domain they are for."""

from __future__ import annotations

import base64
import calendar

import pytest
from tests import der

from tonekeeper.errors import DecodeError
from tonekeeper.wire.x509 import decode_certificate

OPENSSL_MADE = """
MIICGDCCAb+gAwIBAgIUOfr6YPqPJ2P/gzD4i62QBvBkKJkwCgYIKoZIzj0EAwIwPjELMAkGA1UEBhMCREUxFDASBgNVBAoMC0V4
YW1wbGUgTmV0MRkwFwYDVQQDDBBzYmMxLmV4YW1wbGUubmV0MB4XDTI2MTEyMjIxMDg1NFoXDTI2MTIyMjIxMDg1NFowPjELMAkG
A1UEBhMCREUxFDASBgNVBAoMC0V4YW1wbGUgTmV0MRkwFwYDVQQDDBBzYmMxLmV4YW1wbGUubmV0MFkwEwYHKoZIzj0CAQYIKoZI
zj0DAQcDQgAEjF04pCeUsQj+g3LKhzARwDbSza32oDSpzPrQFyae/hw1PgyxPwU03jz/LIWYNWyDQnyL+6fJXl0mQYgWOIpllKOB
mjCBlzAdBgNVHQ4EFgQUFUcdoTcmay/9o0EFoZhTtUBHLEkwHwYDVR0jBBgwFoAUFUcdoTcmay/9o0EFoZhTtUBHLEkwDwYDVR0T
AQH/BAUwAwEB/zBEBgNVHREEPTA7ghBTQkMxLmV4YW1wbGUubmV0hg9zaXA6ZXhhbXBsZS5uZXSHBMAAAgGHECABDbgAAAAAAAAA
AAAAAAEwCgYIKoZIzj0EAwIDRwAwRAIgQAw8NQwB+vnXiG8VqC8wn5Te9vYcGWwOVarIXkm1I4UCICDkQMSKid4iXuIpvkA+Sv2q
DvFbb9l289IWpaVh2ZZB
"""
"""openssl req -x509 -subj "/C=DE/O=Example Net/CN=sbc1.example.net" -addext "subjectAltName=DNS:SBC1.example.net,
URI:sip:example.net,IP:192.0.2.1,IP:2001:db8::1" -days 30, on 22 November 2026 at 21:08:54 UTC."""


def with_names(*names):
    return decode_certificate(der.certificate(extensions=der.alternative_names(names)))


def test_a_certificate_that_openssl_made_is_read():
    certificate = decode_certificate(base64.b64decode(OPENSSL_MADE))
    assert certificate.subject == certificate.issuer == "CN=sbc1.example.net, O=Example Net, C=DE"
    assert certificate.not_before == calendar.timegm((2026, 11, 22, 21, 8, 54))
    assert certificate.not_after == calendar.timegm((2026, 12, 22, 21, 8, 54))
    assert certificate.identities == ("example.net",)
    assert certificate.addresses == ("192.0.2.1", "2001:db8::1")


def test_a_dns_name_is_an_identity_whatever_its_case():
    certificate = with_names((der.DNS, "SBC1.example.net"), (der.DNS, "sbc2.example.net"))
    assert certificate.is_for("sbc1.EXAMPLE.net")
    assert certificate.is_for("sbc2.example.net")
    assert not certificate.is_for("example.net")


def test_a_sip_uri_is_an_identity_and_then_a_dns_name_is_none():
    certificate = with_names((der.DNS, "sbc1.example.net"), (der.URI, "sip:example.net"))
    assert certificate.is_for("example.net")
    assert not certificate.is_for("sbc1.example.net")


@pytest.mark.parametrize("uri", ["sip:user@example.net", "sips:example.net", "https://example.net", "sip:[", "sip:"])
def test_a_uri_that_is_no_sip_domain_hides_no_dns_name(uri):
    certificate = with_names((der.URI, uri), (der.DNS, "sbc1.example.net"))
    assert certificate.identities == ("sbc1.example.net",)


def test_a_common_name_counts_only_without_alternative_names():
    assert decode_certificate(der.certificate()).is_for("sbc1.example.net")
    assert not with_names((der.DNS, "other.example.net")).is_for("sbc1.example.net")
    assert not with_names().is_for("sbc1.example.net")


def test_a_wildcard_matches_nothing_but_itself():
    assert not with_names((der.DNS, "*.example.net")).is_for("sbc1.example.net")


def test_a_numeric_host_is_looked_for_among_the_addresses_only():
    certificate = with_names((der.ADDRESS, "2001:db8::1"), (der.DNS, "192.0.2.1"))
    assert certificate.is_for("2001:DB8:0::1")
    assert not certificate.is_for("192.0.2.1")


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (der.utc("500101000000Z"), (1950, 1, 1, 0, 0, 0)),
        (der.utc("491231235959Z"), (2049, 12, 31, 23, 59, 59)),
        (der.generalized("20500301000000Z"), (2050, 3, 1, 0, 0, 0)),
        (der.generalized("20000229120000Z"), (2000, 2, 29, 12, 0, 0)),
        (der.generalized("21000301000000Z"), (2100, 3, 1, 0, 0, 0)),
        (der.generalized("99991231235959Z"), (9999, 12, 31, 23, 59, 59)),
    ],
)
def test_times_are_those_of_the_calendar(time, expected):
    certificate = decode_certificate(der.certificate(validity=(time, time)))
    assert certificate.not_before == certificate.not_after == calendar.timegm(expected)


@pytest.mark.parametrize(
    "time",
    [
        "261301000000Z",
        "260001000000Z",
        "260132000000Z",
        "260101240000Z",
        "260101006000Z",
        "2601010000Z",
        "260101000000+",
    ],
)
def test_a_time_that_is_none_is_refused(time):
    with pytest.raises(DecodeError, match="is not a time"):
        decode_certificate(der.certificate(validity=(der.utc(time), der.utc(time))))


def test_what_a_stranger_wrote_into_a_name_is_fit_for_a_terminal():
    subject = der.name((der.COMMON_NAME, "a\x1b[31m\n" + "b" * 100), (der.ORGANIZATION, "Ü"))
    assert decode_certificate(der.certificate(subject=subject)).subject == f"O=Ü, CN=a?[31m?{'b' * 57}"


def test_a_certificate_of_the_first_version_has_no_version_field():
    assert decode_certificate(der.certificate(version=b"")).issuer == "CN=Example Root"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "one element is expected where 0 are"),
        (b"\x30", "has no length"),
        (b"\x30\x80\x00\x00", "a length of 0 octets"),
        (b"\x30\x85\x01\x00\x00\x00\x00", "a length of 5 octets"),
        (b"\x30\x84\xff\xff\xff\xff", "4294967295 octets are promised, 0 are there"),
        (b"\x31\x00", "an element 0x30 is expected where 0x31 is"),
        (b"\x30\x00", "an element 0x30 is expected where nothing is"),
        (b"\x30\x02\x30\x00", "its fields are not those of RFC 5280"),
        (der.certificate() + b"\x05\x00", "one element is expected where 2 are"),
        (der.certificate(validity=()), "its validity has 0 times"),
        (der.certificate(extensions=der.element(0xA3, b"")), "one element is expected where 0 are"),
    ],
)
def test_what_is_no_certificate_is_refused_with_the_reason(data, reason):
    with pytest.raises(DecodeError, match=reason):
        decode_certificate(data)
