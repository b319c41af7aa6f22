"""The Date of HTTP and SIP: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7, RFC 3261 section 20.17)."""

from __future__ import annotations

import re

from tonekeeper.errors import DecodeError
from tonekeeper.wire.calendar import unix_time

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
"""IMF-fixdate. The two older formats of HTTP are nobody's any more; SIP never had them."""


def parse_date(text: str) -> int:
    """Unix seconds; `DecodeError` for anything else. Whether the day of the week is the right one is not asked."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise DecodeError("Date", f"{text[:64]!r} is not a date like 'Sun, 06 Nov 1994 08:49:37 GMT'")
    day, month, year, hour, minute, second = found.groups()
    seconds = unix_time(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second))
    if seconds is None:
        raise DecodeError("Date", f"the calendar has no {text!r}")
    return seconds
