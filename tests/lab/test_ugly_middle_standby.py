"""The ugly middle of a standby: it answers, and would still be a second incident."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab.agent import Agent, Section
from tests.lab.registrar import Registrar
from tests.lab.scripted import Described, Scripted
from tests.lab.standby import Account, Standby
from tests.lab.topology import Lab
from tests.lab.verdicts import blamed_wans, codes, finding, functions, sbc_states, shows

pytestmark = pytest.mark.lab

PORT = 5090
METHODS = "INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, SUBSCRIBE, NOTIFY"
FEWER = "INVITE, ACK, CANCEL, BYE, OPTIONS"


def registers_at(name: str, sbc: Scripted, account: Account) -> Section:
    host, port = sbc.address
    return {"name": name, "uri": f"sip:{host}:{port};transport=udp", **account.registers}


def test_a_standby_of_another_realm_that_allows_less_has_drifted(lab: Lab, make_agent: Callable[..., Agent]):
    primary, alternate = lab.sbcs
    account = Account(lab)
    with (
        Scripted(primary.namespace, (primary.address, PORT), Described({"Allow": METHODS})) as first,
        Scripted(
            alternate.namespace, (alternate.address, PORT), Described({"Allow": FEWER}, realm="standby.example.net")
        ) as second,
    ):
        agent = make_agent(sbc=[registers_at("primary", first, account), registers_at("alternate", second, account)])
        agent.start()
        status = agent.wait_for(
            lambda now: "realm" in str(now["findings"]) and now.has("standby-drift", "alternate"), within=60, every=0.5
        )
    told = finding(status, "standby-drift", "alternate")
    assert (
        "the alternate authenticates for realm 'standby.example.net', the primary for 'example.net'" in told["summary"]
    )
    assert "the alternate does not allow REFER: calls cannot be transferred" in told["summary"]
    assert told["evidence"]["differences"] == "4"
    assert codes(status) == {("standby-drift", "alternate")}
    assert sbc_states(status) == {"primary": "healthy", "alternate": "healthy"}


def test_a_standby_whose_registrar_fails_is_told_before_it_is_needed(lab: Lab, make_agent: Callable[..., Agent]):
    """It answers OPTIONS all the while. Drift is told when the failure is sure, the lack of proof 2.5 intervals and a
    minute after the start."""
    account = Account(lab)
    with Registrar(lab) as primary, Standby(lab, algorithm="SHA-256") as alternate:
        alternate.refuse_register(500)
        agent = make_agent(sbc=[account.proves("primary", primary), account.proves("alternate", alternate)])
        agent.start()
        drifted = agent.wait_for(shows("standby-drift", "alternate"), within=90, every=0.5)
        assert finding(drifted, "standby-drift", "alternate")["evidence"]["why"] == (
            "a registration passes at the primary and fails at the alternate"
        )
        status = agent.wait_for(shows("standby-unproven", "alternate"), within=120, every=0.5)
    told = finding(status, "standby-unproven", "alternate")
    assert told["summary"] == (
        "The standby alternate has not passed a register probe since the agent started: whether it would work is not "
        "known."
    )
    assert told["evidence"]["why"] == "REGISTER was answered 500 As Told"
    assert functions(status, "alternate") == {"signalling": "ok", "registration": "failed"}
    assert functions(status, "primary") == {"signalling": "ok", "registration": "ok"}
    assert sbc_states(status) == {"primary": "healthy", "alternate": "degraded"}
    assert blamed_wans(status) == set()
    assert status.active == ("fibre", "primary")


def test_a_standby_with_a_hash_that_not_every_phone_knows_has_drifted(lab: Lab, make_agent: Callable[..., Agent]):
    account = Account(lab)
    with Registrar(lab) as primary, Standby(lab, algorithm="SHA-256") as alternate:
        agent = make_agent(sbc=[account.proves("primary", primary), account.proves("alternate", alternate)])
        agent.start()
        status = agent.wait_for(shows("standby-drift", "alternate"), within=60, every=0.5)
    assert finding(status, "standby-drift", "alternate")["evidence"]["why"] == (
        "the alternate authenticates by SHA-256, the primary by MD5: not every phone knows both"
    )
    assert sbc_states(status) == {"primary": "healthy", "alternate": "healthy"}
