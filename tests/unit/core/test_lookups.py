"""Names over WANs: who is asked, what an answer is worth, and what stays when nobody knows anything."""

from __future__ import annotations

import dataclasses
import itertools

from tests.unit.core.talk import ADDRESS, Talk, site
from tonekeeper.core.commands import RememberTargets, ResolveSbc
from tonekeeper.core.events import LinkChanged, NameFailure, SbcResolved, SiteChanged, TargetsRecalled
from tonekeeper.core.site import Site, Target, Transport, Wan
from tonekeeper.wire.endpoint import Endpoint

LANDING_PAGE = Endpoint("198.51.100.80", 5060)
TRUTH = Target(Transport.UDP, ADDRESS["primary"])
MOVED = Endpoint("192.0.2.7", 5060)


def named(wans: str = "fibre lte", **changes) -> Site:
    """One SBC, known by its name."""
    plain = site(wans, sbcs="primary", **changes)
    [sbc] = plain.sbcs
    return dataclasses.replace(plain, sbcs=(dataclasses.replace(sbc, host="sbc1.example.net", port=0),))


def asked(talk: Talk, since: float = 0.0) -> list[str]:
    return [command.wan for at, command in talk.done if isinstance(command, ResolveSbc) and at >= since]


def probed(talk: Talk) -> set[str]:
    return {str(path.address) for path in talk.agent.situation.probes}


def fail(talk: Talk, failure: NameFailure, *wans: str) -> None:
    for wan in wans or ("fibre", "lte"):
        talk.names[wan, "primary"] = failure


def learn_otherwise(talk: Talk, where: Endpoint, *wans: str) -> None:
    for wan in wans or ("fibre", "lte"):
        talk.names[wan, "primary"] = where


class TalkWithLandingPage(Talk):
    """Nothing speaks SIP at the landing page."""

    def tell(self, event):
        commands = super().tell(event)
        self.coming = [
            (at, it)
            for at, it in self.coming
            if getattr(getattr(it, "path", None), "address", None) != LANDING_PAGE or not hasattr(it, "reply")
        ]
        return commands


def test_a_name_is_asked_over_every_wan_and_an_address_only_once():
    assert asked(Talk(named()).begin()) == ["fibre", "lte"]
    assert asked(Talk(site(sbcs="primary")).begin()) == [""]


def test_a_name_is_asked_again_when_its_ttl_has_run_out_and_not_before():
    talk = Talk(named("fibre")).begin()
    since = talk.now
    talk.pass_time(58)
    assert asked(talk, since) == []
    talk.pass_time(4)
    assert asked(talk, since) == ["fibre"]


def test_a_ttl_is_honoured_within_limits():
    talk = Talk(named("fibre")).begin()
    talk.coming.clear()
    since = talk.now
    talk.tell(SbcResolved("primary", (TRUTH,), "fibre", "192.0.2.53", ttl=0.0))
    talk.pass_time(29)
    assert asked(talk, since) == []


def test_a_wan_that_carries_nothing_is_asked_once_it_does():
    talk = Talk(named()).begin()
    talk.tell(LinkChanged("wwan0", True, False, ()))
    since = talk.now
    talk.pass_time(120)
    assert set(asked(talk, since)) == {"fibre"}
    since = talk.now
    talk.tell(LinkChanged("wwan0", True, True, ("203.0.113.2",)))
    assert asked(talk, since) == ["lte"]


def test_a_failure_of_whatever_kind_changes_no_address():
    for failure in NameFailure:
        talk = Talk(named()).begin()
        fail(talk, failure)
        talk.pass_time(200)
        assert probed(talk) == {str(ADDRESS["primary"])}
        assert talk.sbc("primary") == "healthy"


def test_a_failing_resolver_is_asked_ever_more_rarely_and_at_least_once_a_minute():
    talk = Talk(named("fibre")).begin()
    fail(talk, NameFailure.NXDOMAIN)
    talk.pass_time(400)
    times = [at for at, command in talk.done if isinstance(command, ResolveSbc)]
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert min(pauses[1:]) >= 5
    assert max(pauses) <= 61


def test_a_name_that_nobody_knows_is_said_so():
    talk = Talk(named("fibre"))
    fail(talk, NameFailure.NXDOMAIN)
    talk.begin().pass_time(30)
    assert "sbc-unresolved primary" in talk.findings()


def test_the_only_broken_resolver_of_two_is_named_with_its_wan():
    talk = Talk(named()).begin()
    fail(talk, NameFailure.SERVFAIL, "lte")
    talk.pass_time(200)
    assert [line for line in talk.findings() if line.startswith("dns")] == ["dns-broken lte"]


def test_an_unknown_name_is_the_resolvers_fault_only_where_another_one_knows_it():
    talk = Talk(named())
    fail(talk, NameFailure.NXDOMAIN)
    talk.begin().pass_time(60)
    assert "dns-broken fibre" not in talk.findings()
    talk = Talk(named()).begin()
    fail(talk, NameFailure.NXDOMAIN, "lte")
    talk.pass_time(200)
    assert "dns-broken lte" in talk.findings()


def test_an_answer_that_nobody_behind_it_confirms_replaces_nothing_and_is_called_a_lie():
    talk = TalkWithLandingPage(named()).begin()
    learn_otherwise(talk, LANDING_PAGE)
    talk.pass_time(120)
    assert talk.sbc("primary") == "healthy"
    assert [path.address for path in talk.report.sbcs[0].paths] == [str(ADDRESS["primary"])] * 2
    assert "dns-lies primary" in talk.findings()
    assert "path-down" not in " ".join(talk.findings())


def test_a_lie_that_is_taken_back_is_forgotten():
    talk = TalkWithLandingPage(named()).begin()
    learn_otherwise(talk, LANDING_PAGE)
    talk.pass_time(120)
    talk.names.clear()
    talk.pass_time(120)
    assert "dns-lies primary" not in talk.findings()
    assert probed(talk) == {str(ADDRESS["primary"])}


def test_an_answer_is_followed_once_one_of_its_addresses_has_spoken_sip():
    talk = Talk(named()).begin()
    learn_otherwise(talk, MOVED)
    talk.pass_time(120)
    assert probed(talk) == {str(MOVED)}
    assert "dns-lies primary" not in talk.findings()


def test_two_wans_with_different_good_answers_are_both_followed():
    talk = Talk(named()).begin()
    learn_otherwise(talk, MOVED, "lte")
    talk.pass_time(120)
    assert probed(talk) == {str(MOVED), str(ADDRESS["primary"])}


def test_what_is_proven_is_remembered_and_what_is_not_is_not():
    talk = TalkWithLandingPage(named())
    learn_otherwise(talk, LANDING_PAGE)
    talk.begin().pass_time(60)
    assert not [command for _, command in talk.done if isinstance(command, RememberTargets)]
    talk = Talk(named()).begin()
    talk.pass_time(300)
    assert [command for _, command in talk.done if isinstance(command, RememberTargets)] == [
        RememberTargets("primary", (TRUTH,))
    ]


def test_what_was_remembered_is_probed_before_anybody_answers():
    talk = Talk(named())
    fail(talk, NameFailure.TIMEOUT)
    talk.begin()
    talk.tell(TargetsRecalled("primary", (TRUTH,), age_s=7 * 86400.0))
    talk.pass_time(30)
    assert talk.sbc("primary") == "healthy"
    assert "dns-stale primary" in talk.findings()


def test_what_was_remembered_is_no_match_for_what_answers_now():
    talk = Talk(named()).begin()
    talk.tell(TargetsRecalled("primary", (Target(Transport.UDP, LANDING_PAGE),), age_s=60.0))
    talk.pass_time(10)
    assert probed(talk) == {str(ADDRESS["primary"])}


def test_every_address_of_an_answer_is_a_path_with_its_own_transport():
    talk = Talk(named("fibre")).begin()
    both = (TRUTH, Target(Transport.TCP, MOVED, priority=1))
    talk.tell(SbcResolved("primary", both, "fibre", "192.0.2.53"))
    talk.pass_time(1)
    assert [(p.transport, p.address) for p in talk.report.sbcs[0].paths] == [
        ("udp", str(ADDRESS["primary"])),
        ("tcp", str(MOVED)),
    ]


def test_an_answer_over_a_wan_that_is_configured_no_more_is_forgotten():
    talk = Talk(named()).begin()
    learn_otherwise(talk, MOVED, "lte")
    talk.pass_time(120)
    talk.tell(SiteChanged(named("fibre")))
    talk.pass_time(120)
    assert probed(talk) == {str(ADDRESS["primary"])}


def test_a_wan_is_asked_through_its_own_resolvers():
    of = named("fibre")
    of = dataclasses.replace(of, wans=(Wan("fibre", "eth0", resolvers=("192.0.2.53",)),))
    talk = Talk(of).begin()
    [question] = [command for _, command in talk.done if isinstance(command, ResolveSbc)]
    assert (question.interface, question.resolvers) == ("eth0", ("192.0.2.53",))
