"""The agent as a whole, told what happens and watched for what it does."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from tests.unit.core.talk import ADDRESS, Talk, answer, path, site
from tonekeeper.core.commands import ClosePath, LogChange, OpenPath, ResolveSbc, SendOptions
from tonekeeper.core.events import (
    ClockJumped,
    DatagramIgnored,
    Facility,
    FacilityFailed,
    FacilityRecovered,
    IcmpReceived,
    LinkChanged,
    PathRefused,
    ReplyReceived,
    SendRefused,
    SiteChanged,
    Started,
)
from tonekeeper.wire.endpoint import Endpoint


def last_probe(talk: Talk, wan: str, sbc: str) -> SendOptions:
    return next(c for _, c in reversed(talk.done) if isinstance(c, SendOptions) and c.path == path(wan, sbc))


# --- start


def test_at_start_it_asks_where_the_sbcs_are():
    talk = Talk()
    assert [command.sbc for command in talk.tell(Started()) if isinstance(command, ResolveSbc)] == [
        "primary",
        "alternate",
    ]


def test_a_healthy_site_is_up_within_a_round_and_settles_on_its_first_choice():
    talk = Talk().begin()
    assert talk.active == "primary over fibre"
    assert [talk.wan("fibre"), talk.wan("lte"), talk.sbc("primary"), talk.sbc("alternate")] == [
        "up",
        "up",
        "healthy",
        "healthy",
    ]
    assert talk.findings() == []
    assert talk.agent.is_ready(talk.now)


def test_nothing_is_chosen_before_it_is_proven():
    talk = Talk()
    talk.tell(Started())
    assert talk.switches() == []
    assert not talk.agent.is_ready(talk.now)


def test_a_first_choice_that_does_not_answer_is_waited_for_but_not_long():
    talk = Talk()
    talk.silent = {path("fibre", "primary"), path("lte", "primary")}
    talk.begin().pass_time(5)
    assert talk.active == "alternate over fibre"


def test_probes_keep_the_cadence_and_never_come_later():
    talk = Talk().begin()
    start = talk.now
    talk.pass_time(600)
    times = talk.sent(start, wan="fibre", sbc="primary")
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) >= 4.5
    assert max(gaps) <= 5.0
    assert max(gaps) - min(gaps) > 0.2


# --- failures


def test_a_silent_sbc_is_blamed_and_left_for_the_proven_alternate():
    talk = Talk().begin()
    talk.silence(sbc="primary")
    talk.pass_time(7)
    assert talk.active == "alternate over fibre"
    assert talk.sbc("primary") == "down"
    assert talk.wan("fibre") == "up"
    assert talk.findings()[0] == "sbc-down primary"


def test_a_silent_wan_is_blamed_and_not_the_sbcs():
    talk = Talk().begin()
    talk.silence(wan="fibre")
    talk.pass_time(7)
    assert talk.active == "primary over lte"
    assert talk.wan("fibre") == "down"
    assert [talk.sbc("primary"), talk.sbc("alternate")] == ["healthy", "healthy"]
    assert talk.findings() == ["wan-down fibre", "not-on-first-choice primary over lte"]


def test_one_closed_path_is_neither_the_wan_nor_the_sbc():
    talk = Talk().begin()
    talk.silence(wan="fibre", sbc="primary")
    talk.pass_time(12)
    assert [talk.wan("fibre"), talk.sbc("primary")] == ["up", "healthy"]
    assert talk.findings()[0] == f"path-down {path('fibre', 'primary')}"
    assert talk.active == "primary over lte"


def test_when_nothing_answers_nobody_moves_and_the_site_is_blamed():
    talk = Talk().begin()
    talk.silence()
    talk.pass_time(60)
    assert talk.active == "primary over fibre"
    assert talk.findings() == ["site-offline site-0042"]
    assert [talk.sbc("primary"), talk.wan("fibre")] == ["unknown", "unknown"]


def test_a_single_miss_is_no_verdict_and_not_worth_a_log_line():
    talk = Talk().begin()
    before = len([c for _, c in talk.done if isinstance(c, LogChange)])
    talk.silence(wan="fibre", sbc="primary")
    talk.pass_until(lambda: talk.path("fibre", "primary").state == "suspect")
    talk.restore()
    talk.pass_time(10)
    assert talk.path("fibre", "primary").state == "up"
    assert talk.path("fibre", "primary").loss > 0
    assert len([c for _, c in talk.done if isinstance(c, LogChange)]) == before


def test_the_target_must_have_answered_since_the_alarm():
    talk = Talk().begin()
    talk.silence(sbc="primary")
    talk.silence(sbc="alternate")
    talk.pass_time(20)
    assert talk.switches() == ["primary over fibre"]
    talk.silent -= {path("lte", "alternate")}
    talk.pass_time(10)
    assert talk.active == "alternate over lte"


def test_icmp_port_unreachable_is_a_verdict_at_once():
    talk = Talk().begin()
    talk.silence(sbc="primary")
    start = talk.now
    talk.pass_until(lambda: bool(talk.sent(start, wan="fibre", sbc="primary")))
    talk.tell(IcmpReceived(path("fibre", "primary"), 3, 3, "192.0.2.1"))
    talk.pass_time(0.2)
    assert talk.active == "alternate over fibre"
    assert talk.path("fibre", "primary").last_reply == "icmp 3/3"
    assert "ICMP port unreachable, says 192.0.2.1" in talk.path("fibre", "primary").reason


def test_icmp_for_a_probe_that_was_never_sent_is_forged():
    talk = Talk()
    talk.tell(Started())
    talk.tell(LinkChanged("eth0", True, True, ("198.51.100.2",)))
    talk.tell(IcmpReceived(path("fibre", "primary"), 3, 3, "192.0.2.1"))
    assert talk.report.findings == ()


def test_carrier_loss_moves_within_the_round_trip_of_a_fresh_proof():
    talk = Talk().begin()
    commands = talk.tell(LinkChanged("eth0", True, False, ()))
    assert sum(isinstance(command, ClosePath) for command in commands) == 2
    talk.pass_time(0.05)
    assert talk.active == "primary over lte"
    assert talk.wan("fibre") == "down"
    assert talk.findings()[0] == "wan-down fibre"


def test_a_wan_that_comes_back_is_opened_again_and_proven_before_it_counts():
    talk = Talk().begin()
    talk.tell(LinkChanged("eth0", True, False, ()))
    talk.pass_time(10)
    commands = talk.tell(LinkChanged("eth0", True, True, ("198.51.100.2",)))
    assert sum(isinstance(command, OpenPath) for command in commands) == 2
    talk.pass_time(0.5)
    assert talk.wan("fibre") == "down"
    talk.pass_time(3)
    assert talk.wan("fibre") == "up"


def test_a_new_address_reopens_the_sockets_and_keeps_the_history():
    talk = Talk().begin()
    sent = talk.path("fibre", "primary").sent
    commands = talk.tell(LinkChanged("eth0", True, True, ("198.51.100.77",)))
    kinds = [type(command).__name__ for command in commands]
    assert kinds.count("ClosePath") == kinds.count("OpenPath") == 2
    assert talk.path("fibre", "primary").sent == sent
    assert talk.path("fibre", "primary").state == "up"


def test_an_address_that_is_added_beside_ours_changes_nothing():
    talk = Talk().begin()
    assert talk.tell(LinkChanged("eth0", True, True, ("198.51.100.2", "198.51.100.9"))) == []


def test_a_kernel_that_refuses_to_send_is_a_finding_with_the_reason():
    talk = Talk().begin()
    talk.tell(SendRefused(path("fibre", "primary"), "z9hG4bKx", 1))
    assert talk.findings()[0] == f"probe-refused {path('fibre', 'primary')}"
    assert "EPERM" in talk.report.findings[0].summary


def test_a_socket_that_cannot_be_opened_is_tried_again():
    talk = Talk().begin()
    talk.tell(PathRefused(path("fibre", "primary"), 1, "SO_BINDTODEVICE needs CAP_NET_RAW"))
    talk.done.clear()
    talk.pass_time(6)
    assert [c.path for _, c in talk.done if isinstance(c, OpenPath)] == [path("fibre", "primary")]


# --- answers with a meaning


def test_503_with_retry_after_is_draining_and_left_alone_that_long_over_every_wan():
    talk = Talk().begin()
    talk.codes["primary"] = (503, 120)
    talk.pass_time(12)
    assert talk.sbc("primary") == "draining"
    assert talk.wan("fibre") == "up"
    assert talk.active == "alternate over fibre"
    held = talk.now
    talk.pass_time(100)
    assert talk.sent(held, sbc="primary") == []


def test_after_the_hold_a_healthy_answer_counts_again():
    talk = Talk().begin()
    talk.codes["primary"] = (503, 30)
    talk.pass_time(10)
    talk.restore()
    talk.pass_time(45)
    assert talk.sbc("primary") == "healthy"


def test_a_server_error_is_degraded_and_left_only_after_the_dwell_time():
    talk = Talk().begin()
    talk.codes["primary"] = (500, None)
    talk.pass_time(12)
    assert talk.sbc("primary") == "degraded"
    assert talk.active == "primary over fibre"
    talk.pass_time(40)
    assert talk.active == "alternate over fibre"


def test_one_odd_answer_among_good_ones_changes_nothing():
    talk = Talk().begin()
    probe = last_probe(talk, "fibre", "primary")
    talk.codes["primary"] = (500, None)
    talk.pass_time(4.6)
    talk.restore()
    talk.pass_time(20)
    assert talk.sbc("primary") == "healthy"
    assert probe.path == path("fibre", "primary")


# --- what must not count


@pytest.mark.parametrize(
    "forge",
    [
        lambda e: dataclasses.replace(e, source=Endpoint("192.0.2.66", 5060)),
        lambda e: dataclasses.replace(e, source=Endpoint(e.source.host, 5061)),
        lambda e: dataclasses.replace(e, reply=dataclasses.replace(e.reply, branch="z9hG4bKforged")),
        lambda e: dataclasses.replace(e, reply=dataclasses.replace(e.reply, call_id="forged")),
        lambda e: dataclasses.replace(e, reply=dataclasses.replace(e.reply, cseq=e.reply.cseq + 1)),
        lambda e: dataclasses.replace(e, reply=dataclasses.replace(e.reply, method="REGISTER")),
        lambda e: dataclasses.replace(e, reply=dataclasses.replace(e.reply, via_count=2)),
    ],
    ids=["source address", "source port", "branch", "call-id", "cseq", "method", "two vias"],
)
def test_a_forged_reply_changes_nothing_but_the_count(forge):
    talk = Talk().begin()
    talk.silence(sbc="primary")
    talk.pass_time(20)
    assert talk.path("fibre", "primary").state == "down"
    probe = last_probe(talk, "fibre", "primary")
    for _ in range(10):
        talk.tell(forge(answer(probe)))
    assert talk.path("fibre", "primary").state == "down"
    assert talk.path("fibre", "primary").ignored == 10


def test_a_repeated_answer_is_neither_proof_nor_forgery():
    talk = Talk().begin()
    probe = last_probe(talk, "fibre", "primary")
    received = talk.path("fibre", "primary").received
    talk.tell(answer(probe))
    assert talk.path("fibre", "primary").received == received
    assert talk.path("fibre", "primary").ignored == 0


def test_garbage_is_counted():
    talk = Talk().begin()
    talk.tell(DatagramIgnored(path("fibre", "primary"), ADDRESS["primary"], "no status line", 7))
    assert talk.path("fibre", "primary").ignored == 1


def test_a_late_answer_still_proves_the_path():
    talk = Talk().begin()
    talk.silence(wan="fibre", sbc="primary")
    talk.pass_time(6.5)
    assert talk.path("fibre", "primary").state == "down"
    talk.restore()
    talk.tell(answer(last_probe(talk, "fibre", "primary")))
    talk.pass_time(2.2)
    assert talk.path("fibre", "primary").state == "up"


def test_an_agent_that_slept_does_not_blame_the_network():
    talk = Talk().begin()
    talk.now += 3600
    talk.pass_time(10)
    assert talk.switches() == ["primary over fibre"]
    assert talk.findings() == []
    assert not [c for _, c in talk.done if isinstance(c, LogChange) and c.after == "down"]


# --- restraint


def test_the_way_back_waits_until_the_first_choice_is_proven_long_enough():
    talk = Talk(site(failback_after=300, failback_spread=60)).begin()
    talk.silence(sbc="primary")
    talk.pass_time(30)
    talk.restore()
    talk.pass_time(300)
    assert talk.active == "alternate over fibre"
    assert talk.report.active.failback_s is not None
    talk.pass_time(70)
    assert talk.active == "primary over fibre"


def test_the_wait_begins_anew_when_the_first_choice_fails_again():
    talk = Talk().begin()
    talk.silence(sbc="primary")
    talk.pass_time(30)
    talk.restore()
    talk.pass_time(250)
    talk.silence(sbc="primary")
    talk.pass_time(10)
    talk.restore()
    talk.pass_time(290)
    assert talk.active == "alternate over fibre"


def test_two_sites_do_not_return_in_the_same_second():
    moments = set()
    for seed in range(8):
        talk = Talk(seed=seed).begin()
        talk.silence(sbc="primary")
        talk.pass_time(30)
        talk.restore()
        talk.pass_time(400)
        moments.add(round(talk.report.active.since_s))
    assert len(moments) > 5


def test_an_sbc_that_flaps_is_followed_only_as_far_as_the_bucket_allows():
    talk = Talk(site(failback_after=10, failback_spread=1, switches=3, switch_refill=3600)).begin()
    for _ in range(10):
        talk.silence(sbc="primary")
        talk.pass_time(15)
        talk.restore()
        talk.pass_time(25)
    assert talk.report.active.switches == 3


def test_a_move_that_is_held_back_is_made_when_a_token_comes_back():
    talk = Talk(site(failback_after=10, failback_spread=1, switches=1, switch_refill=600)).begin()
    talk.silence(sbc="primary")
    talk.pass_time(30)
    talk.restore()
    talk.pass_time(60)
    assert talk.active == "alternate over fibre"
    assert "failover-suppressed alternate over fibre" in talk.findings()
    talk.pass_time(650)
    assert talk.active == "primary over fibre"


# --- the house around it


def test_a_reload_keeps_the_history_of_what_stays():
    talk = Talk().begin()
    talk.pass_time(60)
    sent = talk.path("fibre", "primary").sent
    changed = dataclasses.replace(site(), failover=dataclasses.replace(site().failover, failback_after=60.0))
    talk.tell(SiteChanged(changed))
    talk.pass_time(1)
    assert talk.path("fibre", "primary").sent >= sent
    assert talk.active == "primary over fibre"
    assert talk.report.active.since_s > 60


def test_a_reload_that_drops_an_sbc_closes_its_paths_and_leaves_it():
    talk = Talk().begin()
    commands = talk.tell(SiteChanged(site(sbcs="alternate")))
    assert sorted(str(c.path.sbc) for c in commands if isinstance(c, ClosePath)) == ["primary", "primary"]
    assert [sbc.name for sbc in talk.report.sbcs] == ["alternate"]
    talk.pass_time(6)
    assert talk.active == "alternate over fibre"


def test_a_reload_that_adds_an_sbc_looks_it_up_and_probes_it():
    talk = Talk(site(sbcs="primary")).begin()
    talk.tell(SiteChanged(site()))
    talk.pass_time(1)
    assert talk.sbc("alternate") == "healthy"


def test_a_missing_interface_is_a_dead_wan_with_its_name():
    talk = Talk().begin()
    talk.tell(LinkChanged("eth0", False, False, ()))
    assert "there is no interface eth0" in next(w.summary for w in talk.report.findings if w.code == "wan-down")


def test_trouble_in_the_own_house_is_said_and_unsaid():
    talk = Talk().begin()
    talk.tell(FacilityFailed(Facility.JOURNAL, 28, "No space left on device"))
    talk.tell(ClockJumped(31_536_000.0))
    assert talk.findings() == ["journal-unwritable", "clock-jumped"]
    talk.tell(FacilityRecovered(Facility.JOURNAL))
    assert talk.findings() == ["clock-jumped"]


def test_one_sbc_on_one_wan_has_nowhere_to_go_and_is_told_so():
    talk = Talk(site("fibre", "primary")).begin()
    talk.pass_time(12)
    assert talk.findings() == ["no-alternate primary over fibre", "single-wan fibre"]


def test_a_reply_for_a_path_that_is_gone_is_nothing():
    talk = Talk().begin()
    gone = path("fibre", "primary")._replace(sbc="removed")
    event = answer(last_probe(talk, "fibre", "primary"))
    assert talk.tell(ReplyReceived(gone, event.source, event.reply)) == []


def test_a_path_that_stays_silent_is_asked_from_a_new_port_now_and_then_and_no_oftener():
    talk = Talk().begin()
    talk.silence(sbc="primary")
    talk.pass_time(20)
    began = talk.now
    talk.pass_time(60)
    opened = [
        c for at, c in talk.done if at >= began and isinstance(c, OpenPath) and c.path == path("fibre", "primary")
    ]
    assert 5 <= len(opened) <= 7
    assert len(talk.sent(began, wan="fibre", sbc="primary")) <= 60 / 4.5 + 1


def test_a_path_that_is_refused_by_icmp_keeps_its_port():
    talk = Talk().begin()
    talk.silence(sbc="primary")
    for _ in range(20):
        sent = talk.now
        talk.pass_until(lambda since=sent: bool(talk.sent(since, wan="fibre", sbc="primary")))
        talk.tell(IcmpReceived(path("fibre", "primary"), 3, 3, "192.0.2.1"))
        talk.pass_time(0.1)
    assert sum(isinstance(c, OpenPath) and c.path == path("fibre", "primary") for _, c in talk.done) == 1
