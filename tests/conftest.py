"""Hypothesis without deadlines and without dice: the same examples on every machine, as fast as that machine is.

How many: a few for who waits, many for what must pass before a change lands. TONEKEEPER_EXAMPLES names the profile.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("quick", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("thorough", deadline=None, derandomize=True, max_examples=500)
settings.load_profile(os.environ.get("TONEKEEPER_EXAMPLES", "quick"))
