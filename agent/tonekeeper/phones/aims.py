"""What each aim asks for, before the site and the provider have their say."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.phones.conditions import Aim


@dataclass(frozen=True, slots=True)
class Wishes:
    """Seconds, but for the counts and switches."""

    refresh_s: float
    """A registration is renewed at least this often: a silent server is noticed within it."""
    retry_s: float
    """The first wait when no server answers ..."""
    retry_most_s: float
    """... and the longest."""
    rejected_s: float
    """The wait after a refusal."""
    forbidden_s: float
    """The wait after a 403: repeated refusals get an address banned."""
    probe_s: float
    """Between two questions whose missing answer the phone acts upon."""
    keepalive_most_s: float
    """RFC 5626 section 4.4.1: 120 s, so that a dead flow is noticed; 840 s where a battery matters."""
    failback_s: float
    """A way back no sooner than this."""
    spare_retries: int
    """Repetitions of a request beyond those that the measured loss takes."""
    gives_up_early: bool
    """A server is given up before the 64*T1 of RFC 3261."""


WISHES: dict[Aim, Wishes] = {
    Aim.FAST_FAILOVER: Wishes(
        refresh_s=60.0,
        retry_s=30.0,
        retry_most_s=300.0,
        rejected_s=60.0,
        forbidden_s=300.0,
        probe_s=15.0,
        keepalive_most_s=120.0,
        failback_s=300.0,
        spare_retries=0,
        gives_up_early=True,
    ),
    Aim.GENTLE: Wishes(
        refresh_s=300.0,
        retry_s=60.0,
        retry_most_s=900.0,
        rejected_s=120.0,
        forbidden_s=600.0,
        probe_s=60.0,
        keepalive_most_s=120.0,
        failback_s=900.0,
        spare_retries=1,
        gives_up_early=False,
    ),
    Aim.BATTERY: Wishes(
        refresh_s=1800.0,
        retry_s=120.0,
        retry_most_s=1800.0,
        rejected_s=300.0,
        forbidden_s=1800.0,
        probe_s=120.0,
        keepalive_most_s=840.0,
        failback_s=3600.0,
        spare_retries=1,
        gives_up_early=False,
    ),
}
FLAPPING_FAILBACK_S = 1800.0
"""Where a WAN keeps coming and going, what looks like a way back is often none."""
