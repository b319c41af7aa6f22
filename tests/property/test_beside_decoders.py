"""What is read beside the paths comes from strangers too: any bytes are a value or a DecodeError."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.test_dhcp import DNSMASQ, HEAD, MAC
from tests.unit.wire.test_ntp import CHRONY
from tonekeeper.errors import DecodeError
from tonekeeper.wire.dhcp import decode_dhcp_reply, encode_discover
from tonekeeper.wire.http_answer import decode_http_answer
from tonekeeper.wire.http_date import parse_date
from tonekeeper.wire.ntp import decode_answer

HTTP = b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\nDate: Sun, 22 Nov 2026 21:08:54 GMT\r\n\r\n"


@st.composite
def damaged(draw, whole):
    """`whole` with a piece of it replaced."""
    begin = draw(st.integers(0, len(whole)))
    end = draw(st.integers(begin, len(whole)))
    return whole[:begin] + draw(st.binary(max_size=20)) + whole[end:]


@pytest.mark.parametrize(
    ("decode", "whole"), [(decode_answer, CHRONY), (decode_http_answer, HTTP), (decode_dhcp_reply, DNSMASQ)]
)
def test_any_bytes_are_a_value_or_a_decode_error(decode, whole):
    @given(st.one_of(st.binary(max_size=300), damaged(whole)))
    def any_bytes(data):
        with suppress(DecodeError):
            decode(data)

    any_bytes()


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=12)), max_size=8), st.binary(max_size=4))
def test_any_options_are_addresses_and_words_or_a_decode_error(options, rest):
    written = b"".join(bytes((number, len(value))) + value for number, value in options)
    with suppress(DecodeError):
        reply = decode_dhcp_reply(HEAD + written + rest)
        assert all(ip_address(one) for one in (*reply.routers, *reply.resolvers))
        assert all(text.isprintable() for _, text in reply.provisioning)


@given(st.text(max_size=40) | st.from_regex(r"\ASun, [0-9]{2} Feb [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT\Z"))
def test_any_text_is_a_time_or_a_decode_error(text):
    with suppress(DecodeError):
        assert isinstance(parse_date(text), int)


@given(st.integers(0, 2**32 - 1))
def test_what_a_client_sends_is_no_reply(transaction):
    with pytest.raises(DecodeError):
        decode_dhcp_reply(encode_discover(transaction, MAC))
