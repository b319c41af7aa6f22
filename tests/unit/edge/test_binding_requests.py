"""STUN among SIP on one socket: what is asked, and which datagrams are answers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.events import BindingResponseReceived, DatagramIgnored
from tonekeeper.core.site import Path, Transport
from tonekeeper.core.stun_keepalive import MOST_TRIES
from tonekeeper.edge.binding_requests import BindingRequests
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.codec import decode_stun, encode_stun
from tonekeeper.wire.stun.message import ErrorCode, StunClass, StunMessage, binding_request

SBC = Endpoint("192.0.2.1", 5060)
PATH = Path("fibre", "primary", Transport.UDP, SBC)
MAPPED = Endpoint("203.0.113.77", 40001)
ID = "0123456789abcdef01234567"
SUCCESS = StunMessage(StunClass.SUCCESS, bytes.fromhex(ID), xor_mapped_address=MAPPED)


@pytest.fixture
def asked() -> BindingRequests:
    requests = BindingRequests(PATH)
    requests.request(ID)
    return requests


def test_the_request_has_nothing_but_a_fingerprint():
    data = BindingRequests(PATH).request(ID)
    assert decode_stun(data) == binding_request(bytes.fromhex(ID))
    assert len(data) == 28


def test_the_answer_tells_the_mapped_address(asked):
    answer = BindingResponseReceived(PATH, SBC, ID, MAPPED)
    assert asked.understand(encode_stun(SUCCESS), SBC) == answer


def test_a_server_that_writes_no_fingerprint_or_knows_only_rfc_3489_is_understood(asked):
    old = replace(SUCCESS, xor_mapped_address=None, mapped_address=MAPPED)
    assert isinstance(asked.understand(encode_stun(old, fingerprint=False), SBC), BindingResponseReceived)


def test_a_wrong_fingerprint_is_no_answer(asked):
    data = encode_stun(SUCCESS)
    said = asked.understand(data[:-1] + bytes([data[-1] ^ 1]), SBC)
    assert isinstance(said, DatagramIgnored)
    assert "FINGERPRINT" in said.reason


def test_an_answer_counts_once(asked):
    data = encode_stun(SUCCESS)
    asked.understand(data, SBC)
    assert asked.understand(data, SBC) is None


def test_nobody_elses_transaction_is_ours_and_one_too_long_ago_neither(asked):
    assert asked.understand(encode_stun(replace(SUCCESS, transaction_id=bytes(12))), SBC) is None
    for number in range(MOST_TRIES):
        asked.request(f"{number:024x}")
    assert asked.understand(encode_stun(SUCCESS), SBC) is None


@pytest.mark.parametrize(
    "message",
    [
        binding_request(bytes.fromhex(ID)),
        replace(SUCCESS, xor_mapped_address=None),
        replace(SUCCESS, method=0x003),
        StunMessage(StunClass.ERROR, bytes.fromhex(ID), error=ErrorCode(401, "Unauthorized")),
    ],
    ids=["our own request", "no mapped address", "another method", "an error"],
)
def test_what_is_no_binding_response_is_ignored_with_a_reason(asked, message):
    said = asked.understand(encode_stun(message), SBC)
    assert isinstance(said, DatagramIgnored)
    assert said.reason.startswith("cannot use this STUN")
    assert ("401" in said.reason) is (message.error is not None)


@given(st.binary(max_size=80), st.booleans())
def test_any_bytes_are_an_event_or_not_ours(tail, ours):
    requests = BindingRequests(PATH)
    data = requests.request(ID)[:20] + tail if ours else tail
    assert isinstance(requests.understand(data, SBC), DatagramIgnored | None)
