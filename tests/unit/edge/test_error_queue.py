"""Entries of the kernel's error queue, byte for byte."""

from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.edge.error_queue import ORIGIN_ICMP, ORIGIN_ICMP6, ORIGIN_LOCAL, ExtendedError, parse_extended_error
from tonekeeper.errors import DecodeError


def entry(number: int, origin: int, kind: int, code: int) -> bytes:
    return struct.pack("=IBBBBII", number, origin, kind, code, 0, 0, 0)


def test_an_icmp_error_names_the_host_that_sent_it():
    offender = struct.pack("=HH4s8x", 2, 0, bytes([198, 51, 100, 1]))
    assert parse_extended_error(entry(errno.EHOSTUNREACH, 2, 3, 13) + offender) == ExtendedError(
        errno.EHOSTUNREACH, ORIGIN_ICMP, 3, 13, "198.51.100.1"
    )


def test_an_icmp6_error_names_the_host_that_sent_it():
    offender = struct.pack("=HHI16sI", 10, 0, 0, bytes.fromhex("20010db8000000000000000000000001"), 0)
    assert parse_extended_error(entry(errno.EACCES, 3, 1, 1) + offender) == ExtendedError(
        errno.EACCES, ORIGIN_ICMP6, 1, 1, "2001:db8::1"
    )


def test_a_local_error_has_no_offender():
    nobody = bytes(16)
    expected = ExtendedError(errno.EMSGSIZE, ORIGIN_LOCAL, 0, 0, "")
    assert parse_extended_error(entry(errno.EMSGSIZE, 1, 0, 0) + nobody) == expected
    assert parse_extended_error(entry(errno.EMSGSIZE, 1, 0, 0)) == expected


@pytest.mark.parametrize("size", range(16))
def test_an_entry_that_is_cut_short_does_not_decode(size):
    with pytest.raises(DecodeError, match=f"cannot decode sock_extended_err: {size} bytes"):
        parse_extended_error(entry(errno.EACCES, 3, 1, 1)[:size])


@given(st.binary(max_size=64))
def test_any_bytes_are_an_entry_or_a_decode_error(data):
    try:
        error = parse_extended_error(data)
    except DecodeError:
        return
    assert data[:4] == struct.pack("=I", error.errno)
