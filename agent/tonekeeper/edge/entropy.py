"""What nobody must be able to guess: branch, tag and Call-ID of a probe are cut from it."""

from __future__ import annotations

import os


def token() -> str:
    """32 fresh random hex digits."""
    return os.urandom(16).hex()
