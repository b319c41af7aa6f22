"""The ugly middle of what an SBC is for: it answers, and something that phones need of it does not work.

Two registrars, one at each SBC site, proven as deep as each test asks. A failure that leaves doubt counts when it has
been seen twice, and deep probes are half a minute apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent
from tests.lab.registrar import Registrar
from tests.lab.standby import Account, Standby
from tests.lab.topology import Lab
from tests.lab.verdicts import blamed_wans, codes, finding, functions, path_states, sbc_states

pytestmark = pytest.mark.lab

UP = {"fibre": "up", "lte": "up"}
TWO_ROUNDS = 90.0
"""Seconds in which every deep probe was made twice over each WAN, one at a time."""


@pytest.fixture(scope="module")
def standing(standing_lab: Lab) -> Iterator[tuple[Registrar, Standby]]:
    with Registrar(standing_lab) as primary, Standby(standing_lab) as alternate:
        yield primary, alternate


@pytest.fixture
def both(lab: Lab, standing: tuple[Registrar, Standby]) -> Iterator[tuple[Registrar, Standby]]:
    yield standing
    for registrar in standing:
        registrar.restore()


@pytest.fixture
def account(lab: Lab) -> Account:
    return Account(lab)


def test_register_answered_500_behind_options_answered_200_degrades_the_sbc(
    both: tuple[Registrar, Standby], account: Account, make_agent: Callable[..., Agent]
):
    primary, alternate = both
    primary.refuse_register(500)
    agent = make_agent(sbc=[account.proves("primary", primary), account.proves("alternate", alternate)])
    agent.start()
    status = agent.wait_for(
        lambda now: now.has("sbc-degraded", "primary") and now.active[1] == "alternate", within=TWO_ROUNDS, every=0.5
    )
    assert sbc_states(status) == {"primary": "degraded", "alternate": "healthy"}
    assert functions(status, "primary") == {"signalling": "ok", "registration": "failed"}
    assert functions(status, "alternate") == {"signalling": "ok", "registration": "ok"}
    assert path_states(status, "primary") == UP
    assert blamed_wans(status) == set()
    evidence = finding(status, "sbc-degraded", "primary")["evidence"]
    assert evidence["why"] == "registration fails: REGISTER was answered 500 As Told"
    assert evidence["confidence"] in ("strong", "likely"), "strong once it has failed over both WANs"
    assert codes(status) == {("sbc-degraded", "primary")}
    assert status["active"]["reason"] == "primary is degraded"


def test_a_call_that_is_answered_and_silent_one_way_is_a_media_fault_while_control_is_well(
    both: tuple[Registrar, Standby], account: Account, make_agent: Callable[..., Agent]
):
    primary, alternate = both
    sbc = [account.proves("primary", primary, number="601"), account.proves("alternate", alternate, number="600")]
    agent = make_agent(sbc=sbc)
    agent.start()
    status = agent.wait_for(
        lambda now: now.has("media-one-way", "primary") and now.active[1] == "alternate", within=TWO_ROUNDS, every=0.5
    )
    assert sbc_states(status) == {"primary": "degraded", "alternate": "healthy"}
    assert functions(status, "primary") == {
        "signalling": "ok",
        "registration": "ok",
        "calls": "ok",
        "media": "failed",
    }
    section = status.sbc("primary")
    assert (section["control"], section["media"]) == ("healthy", "degraded")
    assert (status.sbc("alternate")["control"], status.sbc("alternate")["media"]) == ("healthy", "healthy")
    assert blamed_wans(status) == set()
    evidence = finding(status, "media-one-way", "primary")["evidence"]
    assert evidence["why"] == f"nothing comes back from {primary.address}:30010"
    assert codes(status) == {("media-one-way", "primary")}


def test_voicemail_that_fails_moves_alone(
    both: tuple[Registrar, Standby], account: Account, make_agent: Callable[..., Agent]
):
    primary, alternate = both
    sbc = [account.proves("primary", primary, mailbox="102"), account.proves("alternate", alternate, mailbox="100")]
    agent = make_agent(sbc=sbc)
    agent.start()
    status = agent.wait_for(
        lambda now: now["active"]["voicemail"] == "alternate over fibre" and now.has("sbc-degraded", "primary"),
        within=TWO_ROUNDS,
        every=0.5,
    )
    assert status.active == ("fibre", "primary")
    assert status["active"]["switches"] == 0
    assert sbc_states(status) == {"primary": "degraded", "alternate": "healthy"}
    assert functions(status, "primary") == {"signalling": "ok", "registration": "ok", "voicemail": "failed"}
    evidence = finding(status, "sbc-degraded", "primary")["evidence"]
    assert evidence["why"].startswith("the voicemail light fails: SUBSCRIBE was answered 489 Bad Event")
    assert codes(status) == {("sbc-degraded", "primary")}


def test_a_wrong_password_is_the_account_and_no_fault_of_any_wan(
    both: tuple[Registrar, Standby], account: Account, make_agent: Callable[..., Agent]
):
    primary, alternate = both
    account.write("wrong")
    agent = make_agent(
        sbc=[account.proves("primary", primary), account.proves("alternate", alternate)], failover={"min_dwell": "30s"}
    )
    agent.start()
    status = agent.wait_for(
        lambda now: now.has("sbc-auth-broken", "primary") and now.has("sbc-auth-broken", "alternate"),
        within=TWO_ROUNDS,
        every=0.5,
    )
    assert codes(status) == {("sbc-auth-broken", "primary"), ("sbc-auth-broken", "alternate")}
    assert blamed_wans(status) == set()
    assert {path["state"] for path in status.paths} == {"up"}
    assert status.active == ("fibre", "primary"), "the other one is no better"
