"""Everything unpredictable of one probe, derived from the token of its first deadline.

A probe sends when it has heard something, too, and then no token is at hand. Whoever does not know the token can guess
none of these from the others: each is a hash of the token and a number.
"""

from __future__ import annotations


class Identifiers:
    def __init__(self, token: str) -> None:
        """`token`: 32 fresh random hex digits."""
        self._token = token
        self._drawn = 0

    def draw(self, digits: int = 16) -> str:
        """As many hex digits as asked for, 64 at most; never the same again."""
        from hashlib import sha256  # noqa: PLC0415 - loads OpenSSL, rarely needed

        self._drawn += 1
        return sha256(f"{self._token} {self._drawn}".encode()).hexdigest()[:digits]

    def branch(self) -> str:
        return f"z9hG4bK{self.draw()}"

    def number(self, bits: int) -> int:
        return int(self.draw(16), 16) >> (64 - bits)
