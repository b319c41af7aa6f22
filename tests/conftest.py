"""Hypothesis without deadlines and without dice: the same examples on every machine, as fast as that machine is."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("tonekeeper", deadline=None, derandomize=True)
settings.load_profile("tonekeeper")
