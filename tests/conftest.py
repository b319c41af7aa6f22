"""Hypothesis without deadlines and without dice: the same examples on every machine, as fast as that machine is.

How many: a few for who waits, many for what must pass before a change lands. TONEKEEPER_EXAMPLES names the profile.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("quick", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("thorough", deadline=None, derandomize=True, max_examples=200)
settings.load_profile(os.environ.get("TONEKEEPER_EXAMPLES", "quick"))


gc.disable()
"""Until all is collected: nothing of it is garbage."""


def pytest_collection_finish():
    """Thousands of tests lie about until the end: the collector need not walk over them again and again."""
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)
    gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A directory whose tests would all be left out by their mark need not be read."""
    left_out = (
        collection_path.parent == Path(__file__).parent and f"not {collection_path.name}" in config.option.markexpr
    )
    return True if left_out and collection_path.name in ("lab", "browser") else None
