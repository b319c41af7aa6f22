"""Tokens for probes."""

from __future__ import annotations

import re

from tonekeeper.edge.entropy import token


def test_a_token_is_32_hex_digits_and_fresh():
    assert re.fullmatch("[0-9a-f]{32}", token())
    assert token() != token()
