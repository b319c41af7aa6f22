"""Whether a phone registers the way it was told to: what its REGISTERs show, against what was written for it.

Only what passes by in the clear can be judged. A phone that asks for no expiry leaves it to the server, which says
nothing of its settings; and how often it speaks takes some keepalives to be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.core.report import PhoneReport

TOLERANCE = 0.1
"""Of a time between packets: phones add jitter, and round."""


class Taken(StrEnum):
    YES = "yes"
    NO = "no"
    """It registers, and not so."""
    REFUSED = "refused"
    NOT_YET = "not yet"
    """It has not shown enough so far."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Seconds; None for what was not set."""

    expiry_s: int | None = None
    keepalive_s: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    taken: Taken
    reason: str


def wanted_of(before: PhoneReport | None, *, expiry_s: float | None = None, keepalive_s: float | None = None) -> Wanted:
    """What can show that these values were taken: of those, what the phone did not do `before`.

    The expiry shows at once. How often it speaks takes minutes and is blurred by REGISTERs, so it is asked for only
    where nothing else tells that the file was read.
    """
    if expiry_s is not None and (before is None or before.expiry_s != round(expiry_s)):
        return Wanted(expiry_s=round(expiry_s))
    if keepalive_s is None or before is None or before.transport != "udp":
        return Wanted()
    known = before.keepalive_s is not None and _is_alike(before.keepalive_s, keepalive_s, TOLERANCE)
    return Wanted() if known else Wanted(keepalive_s=keepalive_s)


def verdict_on(phone: PhoneReport | None, before: PhoneReport | None, wanted: Wanted) -> Verdict:
    """`before`: what was known of the phone when it was told; `phone`: what is known of it now."""
    if phone is None or not phone.transport:
        return Verdict(Taken.NOT_YET, "no REGISTER of it was seen")
    if phone.status is not None and phone.status >= 300:
        return Verdict(Taken.REFUSED, f"its REGISTER is refused with {phone.status}")
    shown = [
        _shown("expiry", phone.expiry_s, before.expiry_s if before else None, wanted.expiry_s, 0.0),
        _shown("keepalive", phone.keepalive_s, before.keepalive_s if before else None, wanted.keepalive_s, TOLERANCE),
    ]
    found = [one for one in shown if one is not None]
    for taken in (Taken.NO, Taken.NOT_YET):
        reasons = [one.reason for one in found if one.taken is taken]
        if reasons:
            return Verdict(taken, "; ".join(reasons))
    return Verdict(Taken.YES, "; ".join(one.reason for one in found) or "it registers")


def _shown(
    what: str, now: float | None, before: float | None, wanted: float | None, tolerance: float
) -> Verdict | None:
    """None where nothing was asked for."""
    if wanted is None:
        return None
    if now is None:
        return Verdict(Taken.NOT_YET, f"its {what} was not seen")
    if _is_alike(now, wanted, tolerance):
        return Verdict(Taken.YES, f"its {what} is {now:g} s")
    taken = Taken.NOT_YET if before is not None and _is_alike(now, before, tolerance) else Taken.NO
    return Verdict(taken, f"its {what} is {now:g} s, not {wanted:g} s")


def _is_alike(now: float, other: float, tolerance: float) -> bool:
    return abs(now - other) <= tolerance * other
