"""A phone of which everything is known, and variations of it: what a forecast is played with."""

from __future__ import annotations

from tests.unit.phones.documents import KINDS_OF_FAILURE, document

from tonekeeper.core.chance import Chance
from tonekeeper.phones.conditions import Server
from tonekeeper.phones.forecast import forecast
from tonekeeper.phones.incident import Incident, IncidentKind
from tonekeeper.phones.parameter import Capability
from tonekeeper.phones.schema import read_profile

SERVERS = (Server("sbc1.example.net"), Server("sbc2.example.net"))


def reaction(then="next-server", *, first=30, **more):
    retry = {"shape": "fixed", "first": first} | {key: more.pop(key) for key in ("attempts", "at_once") if key in more}
    return {"then": then, "retry": retry, "source": "G", **more}


def behaviour(**changes):
    """One at a time, renewed at half of the expiry, a silent server given up after 32 s."""
    known = {
        "registers": "one-at-a-time",
        "refresh": {"percent": 50, "source": "G"},
        "timeout": {"times_t1": 64},
        "failures": dict.fromkeys(KINDS_OF_FAILURE, reaction()),
        "failover": {"possible": True, "source": "G"},
        "failback": {"when": "never", "source": "G"},
        "calls": {"go": "with-registration", "timeout": {"times_t1": 64}, "then": "same-server", "source": "G"},
    }
    return known | changes


def expiry(seconds=600):
    return {"capability": "registration-expiry", "name": "expiry", "unit": "s", "default": seconds, "source": "G"}


def parameter(capability, default, *, unit="s", **more):
    return {"capability": capability, "name": capability, "unit": unit, "default": default, "source": "G", **more}


def model(*parameters, failures=None, **changes):
    """A profile of that behaviour; `failures` replaces reactions by their kind."""
    acts = behaviour(**changes)
    acts["failures"] = acts["failures"] | (failures or {})
    profile, mistakes = read_profile(document(parameters=[expiry(), *parameters], behaviour=acts))
    assert mistakes == []
    return profile


def played(profile, kind=IncidentKind.PRIMARY_SILENT, *, servers=SERVERS, lasts_s=float("inf"), **settings):
    """A forecast; settings by capability, with _ for -."""
    values = {Capability(key.replace("_", "-")): value for key, value in settings.items()}
    return forecast(profile, values, servers, Incident(kind, lasts_s), Chance(7))
