"""The driver: order of what it hands over, where time passes, and what it does not let a core get away with."""

from errno import ENODEV

import pytest

from tonekeeper.core.commands import LogChange, OpenPath, SendOptions
from tonekeeper.core.events import (
    DeadlineReached,
    GatewayChanged,
    IcmpReceived,
    LinkChanged,
    PathOpened,
    PathRefused,
    ReplyReceived,
    SbcResolved,
    SendRefused,
    SiteChanged,
    Started,
)
from tonekeeper.core.site import Wan
from tonekeeper.drivers.sim.simulation import ContractBrokenError, Simulation, days, hours, minutes


@pytest.fixture
def sim(site, stand_in):
    return Simulation(site, seed=1, core=stand_in)


def test_durations_read_as_words():
    assert (minutes(2), hours(2), days(2)) == (120, 7200, 172800)


def test_it_starts_by_telling_the_links_then_resolves_then_opens(sim):
    sim.run(1.0)
    kinds = [type(event) for _, event in sim.agent.events]
    links = [LinkChanged, GatewayChanged] * 2
    assert kinds[:11] == [Started, *links, SbcResolved, SbcResolved, *[PathOpened] * 4]
    assert sim.agent.events[1] == (0.0, LinkChanged("eth0", True, True, ("192.0.2.10",)))


def test_a_deadline_serves_one_timer_and_is_asked_for_again(sim):
    sim.run(1.0)
    deadlines = sim.agent.heard(DeadlineReached)
    assert len(deadlines) == 4
    assert len({now for now, _ in deadlines}) == 1


def test_tokens_are_fresh_hex_and_the_same_for_the_same_seed(site, stand_in):
    def tokens(seed):
        sim = Simulation(site, seed=seed, core=stand_in)
        sim.run(minutes(1))
        return [event.token for _, event in sim.agent.heard(DeadlineReached)]

    assert tokens(1) == tokens(1) != tokens(2)
    assert len(set(tokens(1))) == len(tokens(1))
    assert all(len(token) == 32 and int(token, 16) >= 0 for token in tokens(1))


def test_the_core_is_given_a_generator_of_its_own(site, stand_in):
    assert Simulation(site, seed=1, core=stand_in).agent.core_seed != 1


def test_every_path_is_answered_and_time_ends_where_it_was_asked_to(sim):
    sim.run(minutes(1))
    assert sim.now == 60.0
    assert len(sim.agent.heard(ReplyReceived)) == 4 * 12


def test_run_until_stops_at_the_event_and_says_how_long_it_took(sim):
    took = sim.run_until(lambda: sim.sbc("primary").requests == 4, within=minutes(1))
    assert 5.0 < took < 5.1


def test_run_until_fails_with_the_seed(sim):
    with pytest.raises(AssertionError, match=r"not reached within 60 s \(at 60.000 s, seed 1\)"):
        sim.run_until(lambda: False, within=minutes(1))


def test_a_planned_verb_happens_in_its_time(sim):
    sim.after(12.0, sim.sbc("primary").fall_silent)
    sim.run(minutes(1))
    replies = [now for now, event in sim.agent.heard(ReplyReceived) if event.path.sbc == "primary"]
    assert 10.0 < max(replies) < 12.0


def test_a_stopped_sbc_is_an_icmp_error_from_its_address(sim):
    sim.sbc("primary").stop()
    sim.run(1.0)
    refusals = [event for _, event in sim.agent.heard(IcmpReceived)]
    assert {(e.path.sbc, e.type, e.code, e.offender) for e in refusals} == {("primary", 3, 3, "198.51.100.10")}


def test_losing_and_regaining_carrier_is_heard_at_once(sim):
    sim.run(10.0)
    sim.wan("lte").lose_carrier()
    sim.run(10.0)
    sim.wan("lte").recover()
    heard = sim.agent.heard(LinkChanged)[2:]
    assert heard == [
        (10.0, LinkChanged("wwan0", True, False, ("192.0.2.11",))),
        (20.0, LinkChanged("wwan0", True, True, ("192.0.2.11",))),
    ]


def test_a_probe_through_an_interface_that_is_gone_is_refused(sim):
    sim.run(1.0)
    sim.wan("lte").vanish()
    sim.run(10.0)
    assert {(event.path.wan, event.errno) for _, event in sim.agent.heard(SendRefused)} == {("lte", ENODEV)}


def test_a_path_through_an_interface_that_is_gone_is_not_opened(sim):
    sim.wan("lte").vanish()
    sim.run(1.0)
    assert {event.path.wan for _, event in sim.agent.heard(PathRefused)} == {"lte"}


def test_after_a_stall_what_has_arrived_comes_before_the_timers(sim):
    sim.run(9.0)
    sim.run_until(lambda: sim.sbc("primary").requests == 6, within=2.0)
    before = len(sim.agent.events)
    sim.stall(60.0)
    sim.run(0.0)
    woken = sim.agent.events[before:]
    assert {now for now, _ in woken} == {sim.now}
    kinds = [type(event) for _, event in woken]
    first_timer = kinds.index(DeadlineReached)
    assert ReplyReceived in kinds[:first_timer]
    assert set(kinds[first_timer:]) == {DeadlineReached}


def test_a_new_wan_in_a_reloaded_site_has_a_circuit(sim, site):
    sim.run(1.0)
    wider = type(site)(site.name, (*site.wans, Wan("dsl", "ppp0")), site.sbcs)
    sim.reload(wider)
    assert sim.agent.heard(SiteChanged) == [(1.0, SiteChanged(wider))]
    assert sim.wan("dsl").address == "192.0.2.12"


def test_the_log_has_the_changes_with_their_time(site, stand_in):
    class Talking(stand_in):
        def handle(self, event, now):
            return [LogChange("sbc primary", "unknown", "healthy", "answers")] if isinstance(event, Started) else []

    [entry] = Simulation(site, seed=1, core=Talking).log
    assert (entry.at, entry.subject, entry.after) == (0.0, "sbc primary", "healthy")


def test_a_journal_is_kept_only_when_asked_for(site, stand_in):
    assert Simulation(site, seed=1, core=stand_in).journal is None
    sim = Simulation(site, seed=1, core=stand_in, keep_journal=True)
    sim.run(1.0)
    assert [step.event for step in sim.journal] == [event for _, event in sim.agent.events]
    assert any(isinstance(command, OpenPath) for step in sim.journal for command in step.commands)


def test_a_core_that_never_goes_quiet_is_caught(site, restless):
    sim = Simulation(site, seed=5, core=restless)
    with pytest.raises(ContractBrokenError, match=r"does not go quiet at 0\.0+ s.*seed 5"):
        sim.run(1.0)


def test_a_core_that_sends_on_a_path_it_did_not_open_is_caught(site, stand_in):
    class Hasty(stand_in):
        def handle(self, event, now):
            return [
                SendOptions(command.path, "h", "b", "t", "c", 1, "x") if isinstance(command, OpenPath) else command
                for command in super().handle(event, now)
            ]

    sim = Simulation(site, seed=5, core=Hasty)
    with pytest.raises(ContractBrokenError, match="which is not open"):
        sim.run(1.0)
