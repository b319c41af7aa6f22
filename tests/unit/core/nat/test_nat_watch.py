"""The agent measures its NATs by itself, and draws its conclusions."""

from __future__ import annotations

import dataclasses

from tests.unit.core.talk import Talk, measured_nat, site
from tonekeeper.core.commands import AbandonNat, MeasureNat
from tonekeeper.core.events import LinkChanged, NatMeasured
from tonekeeper.core.nat.result import Evidence, Lifetimes, SipAlg
from tonekeeper.core.site import NatPolicy, ProbePolicy, Site


def with_nat(of: Site | None = None) -> Site:
    return dataclasses.replace(of or site(), nat=NatPolicy("stun.example.net", 3478))


def measuring(interval: float = 5.0, sbcs: str = "primary alternate") -> Talk:
    talk = Talk(dataclasses.replace(with_nat(site(sbcs=sbcs)), probe=ProbePolicy(interval=interval)))
    talk.nats = {"fibre": measured_nat("fibre"), "lte": measured_nat("lte")}
    return talk.begin()


def asked(talk: Talk) -> list[str]:
    return [command.wan for _, command in talk.done if isinstance(command, MeasureNat)]


def test_without_a_server_nothing_is_measured():
    assert asked(Talk().begin().pass_time(3600)) == []


def test_a_wan_is_measured_when_it_has_been_quiet_for_a_while_and_one_after_the_other():
    talk = measuring().pass_time(50)
    assert asked(talk) == []
    talk.pass_time(30)
    assert asked(talk) == ["fibre"]
    talk.pass_time(330)
    assert asked(talk) == ["fibre", "lte"]


def test_it_is_measured_again_after_a_day():
    talk = measuring(interval=600.0, sbcs="primary")
    talk.pass_time(90_000)
    assert asked(talk) == ["fibre", "lte", "fibre", "lte"]


def test_a_metered_wan_is_never_measured_unasked():
    fibre, lte = site().wans
    of = dataclasses.replace(site(), wans=(fibre, dataclasses.replace(lte, metered=True)))
    talk = Talk(with_nat(of))
    talk.nats = {"fibre": measured_nat("fibre"), "lte": measured_nat("lte")}
    assert asked(talk.begin().pass_time(3600)) == ["fibre"]


def test_a_new_address_throws_away_what_was_known_and_what_is_under_way():
    talk = measuring().pass_time(500)
    assert [nat.wan for nat in talk.report.nat] == ["fibre"]
    talk.tell(LinkChanged("eth0", True, True, ("198.51.100.99",)))
    talk.tell(LinkChanged("wwan0", True, True, ("203.0.113.99",)))
    assert [c.wan for _, c in talk.done if isinstance(c, AbandonNat)] == ["lte"]
    assert talk.report.nat == ()


def test_an_answer_that_comes_after_the_change_is_that_of_another_nat():
    talk = measuring().pass_time(100)
    talk.tell(LinkChanged("eth0", True, True, ("198.51.100.99",)))
    talk.tell(NatMeasured("fibre", measured_nat("fibre")))
    assert talk.report.nat == ()


def test_what_was_measured_is_in_the_report_with_the_keepalive_that_follows():
    nat = measuring().pass_time(500).report.nat[0]
    assert (nat.mapping, nat.sip_alg) == ("endpoint-independent", "no")
    lifetimes = {"unreplied": (29.0, 31.0), "replied": (29.0, 31.0), "stream": (118.0, 121.0), "tcp": None}
    assert nat.lifetime_s == lifetimes
    assert 20 < nat.keepalive_s < 29


def test_a_measured_nat_shows_its_findings():
    talk = Talk(with_nat())
    alg = (Evidence("via", SipAlg.YES, "received= is our own private address"),)
    talk.nats = {"fibre": measured_nat("fibre", sip_alg=SipAlg.YES, evidence=alg)}
    talk.begin().pass_time(500)
    assert {"cgn-detected fibre", "sip-alg-active fibre"} <= set(talk.findings())


def test_the_probes_come_often_enough_to_hold_their_own_binding():
    slow = dataclasses.replace(with_nat(), probe=dataclasses.replace(site().probe, interval=60.0))
    talk = Talk(slow)
    short = Lifetimes(replied=(20.0, 21.0), stream=(20.0, 21.0))
    talk.nats = {"fibre": measured_nat("fibre", lifetime_s=short)}
    talk.begin().pass_time(600)
    began = talk.now
    talk.pass_time(300)
    assert len(talk.sent(began, wan="fibre", sbc="primary")) >= 300 / 15 - 1
