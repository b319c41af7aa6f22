"""Flows over UDP that are kept alive by STUN: who is asked, what his answer means, and what his silence."""

from __future__ import annotations

import dataclasses
import errno
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.talk import ADDRESS, Talk, measured_nat, path, site
from tonekeeper.core.commands import Command, LogChange, SendBindingRequest, SendOptions
from tonekeeper.core.events import (
    BindingResponseReceived,
    IcmpReceived,
    NatMeasured,
    PathOpened,
    SendRefused,
    ServerDescribed,
    SiteChanged,
)
from tonekeeper.core.probe_allowance import BINDING
from tonekeeper.core.rtt import CEILING
from tonekeeper.core.site import ProbePolicy, Site
from tonekeeper.core.stun_keepalive import ASK_AGAIN, MOST_TRIES, TELL_AGAIN, TRIES
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.self_description import SelfDescription

PRIMARY = path("fibre", "primary")
MAPPED, MAPPED_ANEW = Endpoint("203.0.113.77", 40001), Endpoint("203.0.113.77", 40002)
KEEPALIVE = 0.75 * 29.0
"""Seconds, behind the NAT of `measured_nat`."""
CADENCE = 300.0
SETTLED = 2 * CADENCE
"""Seconds until whoever does STUN has been asked, and the cadence is the operator's again."""


def asking(*, stun: bool | None = True, interval: float = CADENCE, wans: str = "fibre", metered: bool = False) -> Site:
    """A site of one SBC."""
    of = site(wans, "primary")
    return dataclasses.replace(
        of,
        wans=tuple(dataclasses.replace(wan, metered=metered) for wan in of.wans),
        sbcs=tuple(dataclasses.replace(sbc, stun=stun) for sbc in of.sbcs),
        probe=ProbePolicy(interval=interval),
    )


class Kept(Talk):
    """One path behind a NAT that was measured; its peer does STUN unless told otherwise."""

    def __init__(self, of: Site | None = None, *, answers: bool = True) -> None:
        super().__init__(of or asking())
        self.stun = {PRIMARY: MAPPED} if answers else {}
        self.begin()
        for wan in self.agent.situation.site.wans:
            known = self.agent.situation.nat_of(wan.name)
            known.measuring = True
            self.tell(NatMeasured(wan.name, measured_nat(wan.name)))

    def requests(self, since: float = 0.0) -> list[float]:
        return [at for at, command in self.done if at >= since and isinstance(command, SendBindingRequest)]

    def spoken(self, since: float = 0.0) -> list[float]:
        """When anything left on the path."""
        return [at for at, c in self.done if at >= since and isinstance(c, SendBindingRequest | SendOptions)]

    def options(self, since: float = 0.0) -> list[float]:
        return self.sent(since)

    def lines(self, subject: str) -> list[str]:
        told = [c for _, c in self.done if isinstance(c, LogChange) and c.subject.startswith(subject)]
        return [f"{change.before} -> {change.after}" for change in told]

    @property
    def latest(self) -> SendBindingRequest:
        return next(c for _, c in reversed(self.done) if isinstance(c, SendBindingRequest))

    def until_asked(self) -> Kept:
        before = len(self.requests())
        self.pass_until(lambda: len(self.requests()) > before)
        return self


class Deaf(Kept):
    """Its SBC answers STUN, and nothing else from `deaf` on."""

    deaf = False

    def _carry_out(self, command: Command) -> None:
        if not (self.deaf and isinstance(command, SendOptions)):
            super()._carry_out(command)


# --- who is asked


def test_a_peer_that_does_stun_is_kept_by_it_between_the_operators_probes():
    talk = Kept().pass_time(SETTLED)
    began = talk.now
    talk.pass_time(3600.0)
    assert len(talk.options(began)) == pytest.approx(3600 / (0.95 * CADENCE), abs=2)
    assert all(later - earlier <= KEEPALIVE for earlier, later in pairwise(talk.spoken(began)))
    assert len(talk.requests(began)) <= 3600 / (0.9 * KEEPALIVE)
    assert (talk.path("fibre", "primary").keepalive, talk.path("fibre", "primary").state) == ("stun", "up")


def test_the_operator_may_say_that_a_peer_does_it_not_and_nobody_is_asked_unless_somebody_has_said_that_he_does():
    for stun in (None, False):
        talk = Kept(asking(stun=stun)).pass_time(3600.0)
        assert talk.requests() == []
        assert talk.path("fibre", "primary").keepalive == "options"


def test_a_server_says_by_supporting_outbound_that_it_does_stun():
    talk = Kept(asking(stun=None))
    talk.tell(ServerDescribed(PRIMARY, SelfDescription(extensions=("outbound", "path"))))
    assert talk.pass_time(SETTLED).path("fibre", "primary").keepalive == "stun"


def test_what_the_operator_says_overrules_the_server():
    talk = Kept(asking(stun=False))
    talk.tell(ServerDescribed(PRIMARY, SelfDescription(extensions=("outbound",))))
    assert talk.pass_time(SETTLED).requests() == []


def test_an_address_that_nobody_has_proven_to_be_the_sbcs_is_not_asked():
    talk = Kept()
    talk.agent.situation.probes[PRIMARY].candidate = True
    assert talk.pass_time(3600.0).requests() == []


def test_where_the_probes_alone_hold_the_binding_nothing_is_asked():
    assert Kept(asking(interval=20.0)).pass_time(3600.0).requests() == []


def test_where_nothing_was_measured_it_is_kept_as_rfc_5626_has_it():
    talk = Talk(asking())
    talk.stun = {PRIMARY: MAPPED}
    talk.begin().pass_time(SETTLED)
    began = talk.now
    talk.pass_time(3600.0)
    spoken = [at for at, c in talk.done if at >= began and isinstance(c, SendBindingRequest | SendOptions)]
    assert all(later - earlier <= 29.0 for earlier, later in pairwise(spoken))


def test_the_first_request_waits_until_the_path_is_up():
    talk = Deaf()
    talk.deaf = True
    talk.tell(PathOpened(PRIMARY, Endpoint("198.51.100.2", 41000)))
    talk.pass_time(SETTLED)
    assert talk.requests() == []
    assert talk.path("fibre", "primary").state == "down"


def test_an_idle_metered_wan_is_spared_and_on_the_one_in_use_each_request_is_paid_for():
    of = asking(wans="fibre lte")
    of = dataclasses.replace(of, wans=(of.wans[0], dataclasses.replace(of.wans[1], metered=True)))
    talk = Kept(of)
    talk.stun[path("lte", "primary")] = MAPPED
    talk.pass_time(3600.0)
    assert {c.path.wan for _, c in talk.done if isinstance(c, SendBindingRequest)} == {"fibre"}
    talk.silence(wan="fibre")
    talk.pass_until(lambda: talk.active == "primary over lte").pass_time(SETTLED)
    began, paid = talk.now, talk.agent.situation.meter("lte").spent
    talk.pass_time(CADENCE)
    asked = [at for at, c in talk.done if at >= began and isinstance(c, SendBindingRequest) and c.path.wan == "lte"]
    probed = talk.sent(began, wan="lte")
    assert len(asked) > len(probed) > 0
    assert talk.agent.situation.meter("lte").spent - paid == 300 * len(asked) + 1000 * len(probed)


def test_each_request_is_charged_to_the_storm_guard_which_may_put_it_off():
    talk = Kept().pass_time(SETTLED)
    allowance = talk.agent.situation.allowance
    sent, octets = allowance.sent, allowance.sent_bytes
    talk.until_asked()
    assert (allowance.sent - sent, allowance.sent_bytes - octets) == BINDING
    talk.pass_time(1.0)
    asked = len(talk.requests())
    allowance.packets_even_at = talk.now + 3600.0
    talk.pass_time(3000.0)
    assert len(talk.requests()) == asked
    assert talk.path("fibre", "primary").state == "up"


def test_the_storm_guard_never_refuses_what_a_lifetime_of_a_few_seconds_asks_for():
    talk = Kept()
    short = measured_nat("fibre", lifetime_s=dataclasses.replace(measured_nat("fibre").lifetime_s, replied=(8.0, 9.0)))
    talk.agent.situation.nat_of("fibre").measuring = True
    talk.tell(NatMeasured("fibre", short))
    talk.pass_time(6 * 3600.0)
    allowance = talk.agent.situation.allowance
    assert allowance.refused == 0
    assert max(allowance.packets_even_at, allowance.bytes_even_at) < talk.now + 10.0, "it lives on what was saved up"
    assert len(talk.requests(talk.now - 3600.0)) > 3600 / 6.0 - 20


# --- answers


def test_an_answer_with_another_id_or_from_elsewhere_is_not_an_answer():
    talk = Kept(answers=False).until_asked()
    ignored = talk.path("fibre", "primary").ignored
    talk.tell(BindingResponseReceived(PRIMARY, PRIMARY.address, "5" * 24, MAPPED))
    talk.tell(BindingResponseReceived(PRIMARY, Endpoint("192.0.2.66", 5060), talk.latest.transaction_id, MAPPED))
    assert talk.path("fibre", "primary").ignored == ignored + 2
    assert talk.path("fibre", "primary").keepalive == "options"
    talk.tell(BindingResponseReceived(PRIMARY, PRIMARY.address, talk.latest.transaction_id, MAPPED))
    assert talk.path("fibre", "primary").keepalive == "stun"


def test_an_answer_that_comes_after_the_probe_it_has_caused_still_counts():
    talk = Kept(answers=False).until_asked()
    asked = talk.latest
    talk.pass_until(lambda: talk.options(talk.requests()[-1]) != [])
    talk.tell(BindingResponseReceived(PRIMARY, PRIMARY.address, asked.transaction_id, MAPPED))
    assert talk.path("fibre", "primary").keepalive == "stun"


def test_answers_to_stun_do_not_keep_a_path_up_that_answers_no_probe():
    talk = Deaf().pass_time(SETTLED)
    talk.deaf = True
    talk.pass_time(CADENCE + 10.0)
    assert talk.path("fibre", "primary").state == "down"
    asked = len(talk.requests())
    talk.pass_time(3600.0)
    assert (len(talk.requests()), talk.path("fibre", "primary").state) == (asked, "down")


def test_another_mapped_address_brings_a_probe_at_once_and_a_line_in_the_log():
    talk = Kept().pass_time(SETTLED)
    talk.stun[PRIMARY] = MAPPED_ANEW
    talk.until_asked()
    began = talk.now
    talk.pass_time(0.1)
    assert len(talk.options(began)) == 1
    assert talk.lines("flow") == [f"{MAPPED} -> {MAPPED_ANEW}"]
    assert talk.path("fibre", "primary").state == "up"


def test_a_nat_that_shows_another_address_each_time_is_told_of_once_an_hour():
    talk = Kept().pass_time(SETTLED)
    began = talk.now
    while talk.now < began + 2.5 * TELL_AGAIN:
        talk.stun[PRIMARY] = Endpoint("203.0.113.77", talk.stun[PRIMARY].port + 1)
        talk.pass_time(KEEPALIVE)
    assert len(talk.lines("flow")) == 3


# --- silence


def test_a_request_without_an_answer_brings_a_probe_at_once_and_changes_nothing():
    talk = Kept().pass_time(SETTLED)
    talk.stun.clear()
    talk.until_asked()
    asked = talk.now
    talk.pass_time(CEILING + 0.1)
    assert asked < talk.options(asked)[0] <= asked + CEILING
    assert talk.lines("path") == ["unknown -> up"]


def test_a_peer_that_stays_silent_is_asked_three_times_and_the_probes_keep_the_flow():
    talk = Kept(answers=False)
    talk.pass_time(SETTLED)
    assert len(talk.requests()) == TRIES
    began = talk.now
    talk.pass_time(0.9 * ASK_AGAIN)
    assert len(talk.requests()) == TRIES
    assert all(later - earlier <= KEEPALIVE for earlier, later in pairwise(talk.options(began)))
    assert talk.path("fibre", "primary").keepalive == "options"
    assert talk.lines("path") == ["unknown -> up"]


def test_it_is_asked_again_after_a_day_and_on_another_socket():
    talk = Kept(answers=False).pass_time(SETTLED)
    talk.pass_time(ASK_AGAIN)
    assert len(talk.requests()) == 2 * TRIES
    talk.silence()
    talk.pass_until(lambda: talk.path("fibre", "primary").state == "down").pass_time(60.0)
    talk.restore()
    talk.stun = {PRIMARY: MAPPED}
    talk.pass_time(SETTLED)
    assert talk.path("fibre", "primary").keepalive == "stun"


def test_a_peer_that_has_answered_before_is_given_more_tries():
    talk = Kept().pass_time(SETTLED)
    talk.stun.clear()
    began = talk.now
    talk.pass_time(SETTLED)
    assert len(talk.requests(began)) == MOST_TRIES
    assert talk.path("fibre", "primary").keepalive == "options"
    assert all(later - earlier <= KEEPALIVE for earlier, later in pairwise(talk.options(talk.now - 200.0)))


def test_a_dead_sbc_is_found_by_the_probe_that_the_silence_brings_not_at_the_next_cadence():
    talk = Kept().pass_time(SETTLED)
    talk.silence()
    talk.pass_time(KEEPALIVE + 10.0)
    assert talk.path("fibre", "primary").state == "down"
    asked = len(talk.requests())
    talk.pass_time(3600.0)
    assert len(talk.requests()) == asked, "a path that is down is not asked"


def test_what_stands_in_the_way_of_stun_alone_does_not_close_the_path():
    for happens in (
        IcmpReceived(PRIMARY, 3, 13, "198.51.100.1"),
        SendRefused(PRIMARY, "", errno.EPERM),
    ):
        talk = Kept().pass_time(SETTLED)
        talk.stun.clear()
        talk.until_asked()
        began = talk.now
        talk.tell(happens)
        talk.pass_time(0.25)
        assert len(talk.options(began)) == 1
        assert talk.path("fibre", "primary").state == "up"


def test_what_a_probe_after_it_met_does_close_the_path():
    talk = Kept().pass_time(SETTLED)
    talk.silence()
    talk.until_asked()
    talk.tell(IcmpReceived(PRIMARY, 3, 3, ADDRESS["primary"].host))
    talk.pass_time(0.05)
    talk.tell(IcmpReceived(PRIMARY, 3, 3, ADDRESS["primary"].host))
    assert talk.path("fibre", "primary").state == "down"


def test_a_server_that_wishes_to_be_left_alone_is_not_asked_either():
    talk = Kept().pass_time(SETTLED)
    talk.codes["primary"] = (503, 1000)
    talk.pass_time(CADENCE)
    began = talk.now
    talk.pass_time(600.0)
    assert talk.spoken(began) == []


# --- other settings


def test_a_peer_that_may_not_be_asked_any_longer_is_kept_by_probes_again():
    talk = Kept().pass_time(SETTLED)
    talk.tell(SiteChanged(asking(stun=False)))
    talk.pass_time(CADENCE)
    began = talk.now
    talk.pass_time(600.0)
    assert talk.requests(began) == []
    assert all(later - earlier <= KEEPALIVE for earlier, later in pairwise(talk.options(began)))


# --- whatever is lost


class Losing(Kept):
    """Answers to binding requests come, come twice, or stay out, as `fates` says; those to probes always come."""

    def __init__(self, fates: list[int]) -> None:
        self.fates = fates
        super().__init__()

    def _carry_out(self, command: Command) -> None:
        if not isinstance(command, SendBindingRequest):
            super()._carry_out(command)
            return
        for delay in ((), (0.02,), (0.02, 0.03), (2.0,), (40.0,))[self.fates.pop() if self.fates else 0]:
            said = BindingResponseReceived(command.path, command.path.address, command.transaction_id, MAPPED)
            self.coming.append((self.now + delay, said))


@given(st.lists(st.integers(0, 4), max_size=60))
def test_whatever_becomes_of_stun_the_path_stays_up_and_its_binding_is_held(fates):
    talk = Losing(fates)
    talk.pass_time(3 * CADENCE)
    assert talk.lines("path") == ["unknown -> up"]
    spoken = talk.spoken()
    assert all(later - earlier <= KEEPALIVE + 1e-6 for earlier, later in pairwise(spoken))
    assert len(spoken) <= 4 * 3 * CADENCE / (0.9 * KEEPALIVE)
