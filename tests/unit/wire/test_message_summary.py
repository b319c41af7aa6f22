"""What a mailbox says about its messages."""

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.message_summary import MessageSummary, decode_message_summary


def test_rfc3842_example():
    body = (
        b"Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\n"
        b"Voice-Message: 4/8 (1/2)\r\nVideo-message: 0/1 (0/0)\r\n\r\nTo: <alice@atlanta.example.com>\r\n"
    )
    assert decode_message_summary(body) == MessageSummary(True, "sip:alice@vmail.example.com", 4, 8)


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        (b"Messages-Waiting: no\r\n", MessageSummary(False)),
        (b"messages-waiting : YES", MessageSummary(True)),
        (b"Messages-Waiting: no\nVoice-Message: 0/0\n", MessageSummary(False, "", 0, 0)),
    ],
)
def test_what_servers_write_is_read(body, summary):
    assert decode_message_summary(body) == summary


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"Messages-Waiting: maybe", b"Messages-Waiting: yes\r\nVoice-Message: many", b"\xff\xfe"],
)
def test_what_is_no_summary_is_refused(body):
    with pytest.raises(DecodeError, match="cannot decode message summary"):
        decode_message_summary(body)
