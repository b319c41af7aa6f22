"""The sample messages of RFC 5769, byte for byte.

They are read from the directory that TONEKEEPER_VECTORS names, or from ../shared/vectors beside the repository; where
they are not there, these tests say so and skip.
"""

import csv
import os
from pathlib import Path

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import parse_endpoint
from tonekeeper.wire.stun.codec import attributes_of, decode_stun, encode_stun
from tonekeeper.wire.stun.integrity import is_authentic, long_term_key, short_term_key
from tonekeeper.wire.stun.message import BINDING, Attribute, StunClass

REPOSITORY = Path(__file__).resolve().parents[2]
VECTORS = Path(os.environ.get("TONEKEEPER_VECTORS") or REPOSITORY.parent / "shared" / "vectors") / "rfc5769"

pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="the vectors of RFC 5769 are not here")

CLASSES = {"Binding request": StunClass.REQUEST, "Binding success": StunClass.SUCCESS}
SHORT_TERM = ("2.1-sample-request", "2.2-sample-ipv4-response", "2.3-sample-ipv6-response")
LONG_TERM = "2.4-sample-request-long-term-auth"
ALL = (*SHORT_TERM, LONG_TERM)


def octets(name):
    return (VECTORS / f"{name}.bin").read_bytes()


def expected(name):
    with (VECTORS / "expected.tsv").open(newline="") as lines:
        return next(row for row in csv.DictReader(lines, delimiter="\t") if row["file"] == f"{name}.bin")


def key_of(name):
    message = decode_stun(octets(name))
    if name == LONG_TERM:
        return long_term_key(message.username, message.realm, "TheMatrIX")
    return short_term_key(expected(name)["short/long-term password"])


@pytest.mark.parametrize("name", ALL)
def test_a_sample_message_decodes_to_what_the_rfc_says(name):
    message, want = decode_stun(octets(name)), expected(name)
    assert (message.stun_class, message.method) == (CLASSES[want["type"]], BINDING)
    assert message.software == (None if want["software"] == "-" else want["software"])
    assert message.mapped == (None if want["mapped"] == "-" else parse_endpoint(want["mapped"]))


def test_the_sample_request_carries_its_username_and_what_ice_put_there():
    message = decode_stun(octets("2.1-sample-request"))
    assert message.username == "evtj:h6vY"
    assert Attribute(0x0024, bytes.fromhex("6e0001ff")) in message.others
    assert 0x0024 in message.not_understood


def test_the_long_term_request_carries_realm_nonce_and_a_username_beyond_ascii():
    message = decode_stun(octets(LONG_TERM))
    assert (message.realm, message.nonce) == ("example.org", "f//499k954d6OL34oL9FSTvy64sA")
    assert message.username == "\u30de\u30c8\u30ea\u30c3\u30af\u30b9"


@pytest.mark.parametrize("name", ALL)
def test_a_sample_message_is_authentic_with_its_password_and_with_no_other(name):
    assert is_authentic(octets(name), key_of(name))
    assert not is_authentic(octets(name), key_of(name) + b"x")


@pytest.mark.parametrize("name", SHORT_TERM)
def test_a_flipped_bit_in_any_value_is_noticed_by_the_fingerprint(name):
    data = octets(name)
    for _, header, value in attributes_of(data):
        for at in range(header + 4, header + 4 + len(value)):
            with pytest.raises(DecodeError):
                decode_stun(data[:at] + bytes((data[at] ^ 0x01,)) + data[at + 1 :])


@pytest.mark.parametrize("name", ALL)
def test_a_sample_message_written_again_means_the_same_and_is_authentic(name):
    message = decode_stun(octets(name))
    written = encode_stun(message, integrity_key=key_of(name))
    assert decode_stun(written) == message
    assert is_authentic(written, key_of(name))
