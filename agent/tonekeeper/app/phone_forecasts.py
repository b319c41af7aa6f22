"""The first five minutes at each model that was seen at the site, if its primary SBC fell silent now.

With factory settings, since nobody reads what a phone is set to; and with timers for what was measured at the site.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tonekeeper.app.measured import measured
from tonekeeper.app.profile_set import load_profiles
from tonekeeper.core.chance import Chance
from tonekeeper.core.keepalive import SAFE_FRACTION
from tonekeeper.core.report import Report
from tonekeeper.faces.html_report import PhoneForecast
from tonekeeper.phones.conditions import Aim, Conditions
from tonekeeper.phones.forecast import forecast
from tonekeeper.phones.incident import Incident, IncidentKind
from tonekeeper.phones.tune import tune

SEED = 1
AIM = Aim.FAST_FAILOVER
MOST = 12
"""Models in one report, those with the most phones."""


def phone_forecasts(report: Report, directory: Path) -> Iterator[PhoneForecast]:
    """Nothing where no phone of a known model was seen. ProfilesRefusedError where the profiles cannot be used."""
    seen = Counter(phone.profile for phone in report.phones if phone.profile)
    if not seen or not report.sbcs:
        return
    profiles = load_profiles(directory)
    site = measured(Conditions(SAFE_FRACTION, phones=seen.total()), report)
    incident = Incident(IncidentKind.PRIMARY_SILENT)
    for name, count in seen.most_common(MOST):
        profile = profiles.get(name)
        if profile is None:
            continue
        values = tune(profile, site, AIM).values
        now = forecast(profile, {}, site.servers, incident, Chance(SEED))
        tuned = forecast(profile, values, site.servers, incident, Chance(SEED)) if values else None
        yield PhoneForecast(f"{profile.vendor} {profile.family}", count, now, tuned)
