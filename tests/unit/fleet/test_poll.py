"""Every agent is asked, again where that may help, and none holds up the others."""

from __future__ import annotations

from tests.unit.faces import reports
from tonekeeper.core.report import Report
from tonekeeper.fleet.inventory import Host, Method
from tonekeeper.fleet.poll import Ask, Patience, PollError, poll

HOSTS = [Host(name, name, f"http://{name}:8642", Method.HTTP) for name in ("a", "b", "c")]


def asked(ask: Ask, **patience: int) -> tuple[dict[str, tuple[str, int]], list[float]]:
    """What became of each: error and attempts; and the pauses made."""
    pauses: list[float] = []
    found = poll(HOSTS, Patience(**patience), {Method.HTTP: ask}, pauses.append)  # type: ignore[arg-type]
    return {one.host.name: (one.error, one.attempts) for one in found}, pauses


def test_one_that_fails_is_asked_again_after_pauses_that_grow():
    def ask(host: Host, patience: Patience) -> Report:
        if host.name == "b":
            raise PollError("it does not answer in time")
        return reports.healthy()

    outcome, pauses = asked(ask, retries=3)
    assert outcome == {"a": ("", 1), "b": ("it does not answer in time", 4), "c": ("", 1)}
    assert len(pauses) == 3
    assert all(0.0 <= pause <= 2.0**number for number, pause in enumerate(pauses))


def test_a_refusal_is_not_asked_again():
    def ask(host: Host, patience: Patience) -> Report:
        raise PollError("it answers 401 Unauthorized", is_final=True)

    outcome, pauses = asked(ask)
    assert set(outcome.values()) == {("it answers 401 Unauthorized", 1)}
    assert pauses == []
