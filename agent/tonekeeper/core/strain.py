"""Paths that answer, and over which calls would suffer all the same: probes are lost, or answers take too long.

    FIT --15 % lost lately--> LOSSY --less than 5 %--> FIT
    FIT --answers take 1 s--> SLOW --less than 0.7 s--> FIT

By the E-model (ITU-T G.107) with concealed G.711, "nearly all users" are dissatisfied from 13 % of loss on. A phone
that has no answer after 0.5 s repeats its request (RFC 3261 17.1.1.2), and a call whose set-up takes several such round
trips is given up by the one who dials.

A strained path is up. Whose fault it is follows from the matrix as it does with silence (strained.py). It settles
because the limits are apart, and what is compared with them moves slowly.
"""

from __future__ import annotations

from enum import StrEnum

LOSSY, NOT_LOSSY = 0.15, 0.05
"""Share of probes, lost either way."""
SLOW, NOT_SLOW = 1.0, 0.7
"""Seconds, smoothed."""


class Strain(StrEnum):
    NONE = ""
    LOSSY = "lossy"
    SLOW = "slow"


def strain_of(before: Strain, loss: float, round_trip: float) -> Strain:
    if loss >= (NOT_LOSSY if before is Strain.LOSSY else LOSSY):
        return Strain.LOSSY
    if round_trip >= (NOT_SLOW if before is Strain.SLOW else SLOW):
        return Strain.SLOW
    return Strain.NONE
