"""What the kernel thinks of its own clock: adjtimex(2), which asks and changes nothing. Linux only."""

from __future__ import annotations

import ctypes
import sys

from tonekeeper.core.beside.clock import KernelClock

_UNSYNCHRONISED = 0x40
"""STA_UNSYNC: nobody has set the clock right lately."""
_MICROSECOND = 1e-6


class _Timex(ctypes.Structure):
    """struct timex of <sys/timex.h>, as far as it is read; what follows differs from one C library to the other."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def kernel_clock() -> KernelClock | None:
    """None where the kernel cannot be asked."""
    if not sys.platform.startswith("linux"):
        return None
    timex = _Timex()
    if ctypes.CDLL(None).adjtimex(ctypes.byref(timex)) < 0:
        return None
    return KernelClock(kept=not timex.status & _UNSYNCHRONISED, error=timex.maxerror * _MICROSECOND)
