"""Certificates against anything: a value or `DecodeError`; and what was written into one is read out of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import der
from tonekeeper.errors import DecodeError
from tonekeeper.wire.x509 import Certificate, decode_certificate

HOSTS = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,3}", fullmatch=True)
NAMES = st.lists(
    st.tuples(st.just(der.DNS), HOSTS)
    | st.tuples(st.just(der.URI), HOSTS.map("sip:{}".format))
    | st.tuples(st.just(der.ADDRESS), st.ip_addresses().map(str)),
    max_size=5,
)
SECONDS = st.integers(-2_208_988_800, 253_402_300_799)
"""The years 1900 to 9999."""
SAMPLE = der.certificate(
    extensions=der.alternative_names([(der.DNS, "a.example.net"), (der.URI, "sip:b"), (der.ADDRESS, "192.0.2.1")])
)


def generalized(seconds):
    year, month, day, hour, minute, second, *_ = time.gmtime(seconds)
    return der.generalized(f"{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z")


@given(HOSTS, HOSTS, SECONDS, SECONDS, NAMES)
def test_what_a_certificate_says_is_read_out_of_it(subject, issuer, not_before, not_after, names):
    certificate = decode_certificate(
        der.certificate(
            subject=der.name((der.ORGANIZATION, "Example"), (der.COMMON_NAME, subject)),
            issuer=der.name((der.COMMON_NAME, issuer)),
            validity=(generalized(not_before), generalized(not_after)),
            extensions=der.alternative_names(names),
        )
    )
    uris = tuple(value.removeprefix("sip:") for tag, value in names if tag == der.URI)
    assert certificate == Certificate(
        subject=f"CN={subject}, O=Example",
        issuer=f"CN={issuer}",
        not_before=not_before,
        not_after=not_after,
        identities=uris or tuple(value for tag, value in names if tag == der.DNS),
        addresses=tuple(value for tag, value in names if tag == der.ADDRESS),
    )


@given(
    st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), max_size=4), st.integers(0, len(SAMPLE))
)
def test_a_damaged_certificate_is_a_value_or_a_decode_error(changes, end):
    damaged = bytearray(SAMPLE)
    for position, octet in changes:
        damaged[position] = octet
    for data in (bytes(damaged), bytes(damaged[:end])):
        try:
            assert isinstance(decode_certificate(data), Certificate)
        except DecodeError:
            continue


@given(st.binary(max_size=60))
def test_any_bytes_inside_are_no_certificate(data):
    with pytest.raises(DecodeError):
        decode_certificate(der.element(der.SEQUENCE, der.element(der.SEQUENCE, data)))
