"""Days and seconds of the calendar, without a clock: what certificates and header fields mean by their dates."""

from __future__ import annotations

_DAYS_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_LEAP_DAYS_BEFORE_1970 = 1969 // 4 - 1969 // 100 + 1969 // 400


def unix_time(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int | None:
    """Seconds since 1970 of a time in UTC; None where the calendar has no such time. A leap second is none."""
    if not (year and 1 <= month <= 12 and 1 <= day <= 31 and hour <= 23 and minute <= 59 and second <= 59):
        return None
    return ((_days(year, month) + day - 1) * 24 + hour) * 3600 + minute * 60 + second


def _days(year: int, month: int) -> int:
    """From 1 January 1970 to the first of a month."""
    before = year - 1 if month <= 2 else year
    leap_days = before // 4 - before // 100 + before // 400
    return (year - 1970) * 365 + _DAYS_BEFORE_MONTH[month - 1] + leap_days - _LEAP_DAYS_BEFORE_1970
