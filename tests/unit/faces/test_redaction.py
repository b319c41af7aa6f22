"""What is handed over as evidence holds nobody's number and no secret, and still is evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.faces.redaction import GONE, Redaction


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("INVITE sip:+4930123456@sbc.example.net", f"INVITE sip:{GONE}@sbc.example.net"),
        ('"sips:alice;x=1@sbc.example.net:5061"', '"sips:[redacted]@sbc.example.net:5061"'),
        ("tel:+49-30-123456 called", f"tel:{GONE} called"),
        ("from +15551234567 to 198.51.100.10:5060", f"from {GONE} to 198.51.100.10:5060"),
        ('auth_key = "hush hush"', f'auth_key = "{GONE}"'),
        ("  password='x'", f'  password="{GONE}"'),
        ("sip:sbc1.example.net;transport=udp", "sip:sbc1.example.net;transport=udp"),
        ('{"sent": 1234567890, "at": 1758.25}', '{"sent": 1234567890, "at": 1758.25}'),
    ],
)
def test_numbers_and_secrets_go_by_their_form_and_measurements_stay(text: str, left: str):
    assert Redaction(()).of(text) == left


def test_a_short_number_only_goes_where_it_is_a_text_of_its_own():
    redaction = Redaction(["600"])
    assert redaction.of('{"target": "600", "bytes": 600, "at": "10.6.600"}') == (
        f'{{"target": "{GONE}", "bytes": 600, "at": "10.6.600"}}'
    )


@given(st.text(max_size=200), st.text(alphabet="abcXYZ0189-_!$", min_size=4, max_size=20), st.text(max_size=200))
def test_no_known_word_that_stands_alone_is_left(before: str, word: str, after: str):
    redacted = Redaction([word]).of(f"{before} {word} {after}")
    assert f" {word} " not in redacted
