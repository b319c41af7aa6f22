"""A secret that passes through the program without being seen: neither printed, logged, compared nor encoded."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """`reveal` is the only way to its text. Encoders know nothing of the type, so they refuse it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("cannot copy or pickle a secret")
