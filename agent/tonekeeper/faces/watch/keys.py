"""Keys, from the bytes that a terminal sends for them."""

from __future__ import annotations

import re
from enum import StrEnum


class Key(StrEnum):
    QUIT = "quit"
    PAUSE = "pause"
    DETAIL = "detail"
    UP = "up"
    DOWN = "down"
    PAGE_UP = "page-up"
    PAGE_DOWN = "page-down"
    REDRAW = "redraw"


_KEYS = {
    b"q": Key.QUIT,
    b"Q": Key.QUIT,
    b"p": Key.PAUSE,
    b"P": Key.PAUSE,
    b"d": Key.DETAIL,
    b"D": Key.DETAIL,
    b"\r": Key.DETAIL,
    b"\n": Key.DETAIL,
    b"k": Key.UP,
    b"\x1b[A": Key.UP,
    b"\x1bOA": Key.UP,
    b"j": Key.DOWN,
    b"\x1b[B": Key.DOWN,
    b"\x1bOB": Key.DOWN,
    b"\x1b[5~": Key.PAGE_UP,
    b"\x1b[6~": Key.PAGE_DOWN,
    b"\x0c": Key.REDRAW,
}
_WHOLE = re.compile(rb"\x1b\[[0-?]*[ -/]*(?:[@-~]|(?=[^ -~]))|\x1bO[ -~]|\x1b(?=[^\[O])|[^\x1b]", re.DOTALL)
"""A sequence (ECMA-48 5.4), one broken off by something else, an Escape before another key, or a key."""
_MOST_PENDING = 16
"""Bytes of one sequence; a longer one is no key of ours."""


def decode_keys(received: bytes) -> tuple[list[Key], bytes]:
    """The keys in `received`, and the beginning of a sequence at its end, to be put before what comes next."""
    keys, at = [], 0
    while match := _WHOLE.match(received, at):
        at = match.end()
        if match[0] in _KEYS:
            keys.append(_KEYS[match[0]])
    rest = received[at:]
    return keys, rest if len(rest) <= _MOST_PENDING else b""
