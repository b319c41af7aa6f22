"""A profile as small as one can be, as a document, and changed at one place."""

from __future__ import annotations

import copy

KINDS_OF_FAILURE = (
    "no-answer",
    "icmp-unreachable",
    "tcp-reset",
    "answer-403",
    "answer-503",
    "answer-503-retry-after",
    "dns-failure",
)
UNKNOWN_FAILURES = dict.fromkeys(KINDS_OF_FAILURE, "unknown")
SMALLEST = {
    "schema": 1,
    "id": "acme-one",
    "vendor": "Acme",
    "family": "One",
    "kind": "desk-phone",
    "match": {"user_agents": ["Acme {model=One*} {firmware}[ {mac}]"]},
    "examples": [{"user_agent": "Acme One5 2.0", "model": "One5", "firmware": "2.0", "source": "G"}],
    "sources": {"G": "a guide"},
    "parameters": [
        {"capability": "registration-retry", "name": "retry", "unit": "s", "default": 30, "min": 5, "source": "G p.1"}
    ],
    "behaviour": {
        "registers": "unknown",
        "refresh": "unknown",
        "timeout": "unknown",
        "failures": UNKNOWN_FAILURES,
        "failover": {"possible": "unknown", "source": "G"},
        "failback": {"when": "unknown", "source": "G"},
        "calls": {"go": "unknown", "timeout": "unknown", "then": "unknown", "source": "G"},
    },
    "delivery": {"format": "unknown", "file": "", "source": "G"},
}


def document(**changes):
    """The smallest profile; a change is a key path with __ for a dot and its value: parameters__0__min=3."""
    changed = copy.deepcopy(SMALLEST)
    for path, value in changes.items():
        *way, last = (int(step) if step.isdigit() else step for step in path.split("__"))
        inner = changed
        for step in way:
            inner = inner[step]
        if isinstance(inner, list) and last == len(inner):
            inner.append(value)
        else:
            inner[last] = value
    return changed


def named(id, pattern, example, *, model="", firmware="", **changes):
    """A profile with one pattern and one example."""
    return document(
        id=id,
        match__user_agents=[pattern],
        examples=[{"user_agent": example, "model": model, "firmware": firmware, "source": "G"}],
        **changes,
    )
