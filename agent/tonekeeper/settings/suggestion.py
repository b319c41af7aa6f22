"""Did you mean ...? For a word that is not among those there are."""

from __future__ import annotations

from collections.abc import Collection


def nearest(word: str, known: Collection[str]) -> str:
    """The one of `known` that `word` is most likely a slip of; empty where none is near."""
    import difflib  # noqa: PLC0415 - a daemon whose configuration is right never asks

    return next(iter(difflib.get_close_matches(word[:64], sorted(known), n=1)), "")
