"""The copy in a mirror's answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.mirror import decode_copy, render_copy

SOURCE = Endpoint("2001:db8::1", 5060)


def test_the_first_line_says_where_it_came_from_and_how_much_of_it_is_here():
    body = render_copy(b"OPTIONS sip:a SIP/2.0\r\nVia: x", SOURCE, room=1000)
    assert body == b"from [2001:db8::1]:5060, 29 of 29 octets\r\n|OPTIONS sip:a SIP/2.0\r\n|Via: x"


@given(request=st.text(max_size=200).map(str.encode), room=st.integers(0, 400))
def test_a_copy_fits_and_is_the_beginning_of_the_request(request, room):
    body = render_copy(request, SOURCE, room)
    assert len(body) <= room
    if body:
        copy = decode_copy(body)
        assert copy.source == SOURCE
        assert request.startswith(copy.text.encode())
        assert copy.is_complete == (copy.text.encode() == request)


@given(st.binary(max_size=100) | st.binary(max_size=40).map(b"from 192.0.2.1:5060, 1 of 1 octets\r\n|".__add__))
def test_any_bytes_are_a_copy_or_a_decode_error(body):
    try:
        copy = decode_copy(body)
    except DecodeError:
        return
    assert body.startswith(f"from {copy.source}, ".encode())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "'' is not its first line"),
        (b"from 192.0.2.1:5060, 1 of 1 octets", "a line of it is not quoted"),
        (b"from 192.0.2.1:5060, 1 of 1 octets\r\nVia: x", "a line of it is not quoted"),
        (b"from nobody, 1 of 1 octets\r\n|x", "'nobody' is not ADDRESS:PORT"),
    ],
)
def test_what_is_no_copy_is_said_to_be_none(body, reason):
    with pytest.raises(DecodeError, match=reason):
        decode_copy(body)
