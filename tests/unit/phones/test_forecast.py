"""What a phone is forecast to do: each rule of its behaviour by itself."""

from __future__ import annotations

import itertools
import math

import pytest
from tests.unit.phones.models import SERVERS, model, parameter, played, reaction

from tonekeeper.core.chance import Chance
from tonekeeper.phones.conditions import Server
from tonekeeper.phones.forecast import forecast
from tonekeeper.phones.incident import Incident, IncidentKind
from tonekeeper.phones.parameter import Capability
from tonekeeper.phones.timeline import MomentKind, State

NEVER = math.inf


def texts(forecast, *kinds):
    return [moment.text for moment in forecast.timeline if moment.kind in kinds]


def test_a_silent_primary_is_noticed_by_the_refresh_and_left_after_the_transaction():
    told = played(model())
    assert told.registered_again_s.least == pytest.approx(32, abs=0.2)
    assert told.registered_again_s.median == pytest.approx(150 + 32, abs=6)
    assert told.registered_again_s.worst == pytest.approx(300 + 32, abs=0.2)
    assert told.noticed_s.worst == pytest.approx(332, abs=0.2)
    assert told.incoming_s == told.registered_again_s
    assert (told.assumed, told.weak, told.unknown) == (("it speaks UDP",), (), ())


def test_a_shorter_expiry_is_noticed_sooner():
    told = played(model(), registration_expiry=60.0)
    assert told.registered_again_s.worst == pytest.approx(62, abs=0.2)


def test_an_expiry_that_the_registrar_cuts_is_the_one_that_counts():
    told = forecast(model(), {}, SERVERS, Incident(IncidentKind.PRIMARY_SILENT), Chance(7), granted_s=60.0)
    assert (told.expiry_s, round(told.registered_again_s.worst)) == (60.0, 62)


def test_a_smaller_t1_gives_a_silent_server_up_sooner():
    profile = model(parameter("timer-t1", 500, unit="ms"))
    assert played(profile, timer_t1=0.125).registered_again_s.least == pytest.approx(8, abs=0.2)


def test_a_number_of_retries_is_spaced_from_t1_up_to_t2():
    profile = model(parameter("request-retries", 3, unit="count"), timeout={"retries": "request-retries"})
    assert played(profile).registered_again_s.least == pytest.approx(0.5 + 1 + 2 + 4, abs=0.2)


def test_a_refusal_moves_it_at_once_where_that_is_its_reaction():
    assert played(model(), IncidentKind.PRIMARY_REJECTS_503).registered_again_s.least == pytest.approx(0.1, abs=0.1)


def test_a_phone_that_stays_comes_back_with_the_first_retry_after_the_incident():
    profile = model(failures={"answer-403": reaction("same-server", first=60)})
    told = played(profile, IncidentKind.PRIMARY_REJECTS_403, lasts_s=300)
    assert told.registered_again_s.least >= 300
    assert told.registered_again_s.worst <= 361
    assert told.incoming_s.median == told.registered_again_s.median


def test_a_phone_that_stays_is_not_back_by_itself_while_the_incident_lasts():
    told = played(model(failures={"answer-403": reaction("same-server")}), IncidentKind.PRIMARY_REJECTS_403)
    assert told.registered_again_s == told.incoming_s
    assert told.registered_again_s.least == NEVER


def test_failover_on_rejection_makes_a_refusal_lead_to_the_next_server():
    switch = parameter("failover-on-rejection", "off", unit="switch", choices={"on": 1, "off": 0})
    profile = model(switch, failures={"answer-403": reaction("same-server")})
    assert played(profile, IncidentKind.PRIMARY_REJECTS_403).registered_again_s.least == NEVER
    told = played(profile, IncidentKind.PRIMARY_REJECTS_403, failover_on_rejection="on")
    assert told.registered_again_s.worst == pytest.approx(300, abs=0.2)


@pytest.mark.parametrize(("codes", "moves"), [("", False), ("403|503 Busy", True), ("5031", False)])
def test_a_code_in_the_list_leads_to_the_next_server(codes, moves):
    profile = model(parameter("failover-codes", "", unit="text"), failures={"answer-503": reaction("same-server")})
    told = played(profile, IncidentKind.PRIMARY_REJECTS_503, failover_codes=codes)
    assert math.isfinite(told.registered_again_s.worst) is moves


def test_retry_after_is_waited_for_where_it_is_obeyed():
    profile = model(failures={"answer-503-retry-after": reaction("same-server", retry_after="obeyed")})
    told = played(profile, IncidentKind.PRIMARY_REJECTS_503_RETRY_AFTER, lasts_s=301)
    assert told.registered_again_s.worst == pytest.approx(301 + 119, abs=6)


def test_whether_retry_after_is_obeyed_may_be_unknown():
    profile = model(failures={"answer-503-retry-after": reaction("same-server")})
    told = played(profile, IncidentKind.PRIMARY_REJECTS_503_RETRY_AFTER)
    assert (told.registered_again_s, told.unknown) == (None, ("whether it obeys Retry-After",))


def test_what_nobody_knows_is_unknown_and_said():
    told = played(model(failures={"no-answer": "unknown"}))
    assert (told.registered_again_s, told.incoming_s) == (None, None)
    assert told.unknown == ("what it does after silence",)
    assert texts(told, MomentKind.UNKNOWN) == ["Unknown from here on: what it does after silence."]


def test_a_refresh_that_nobody_knows_lies_in_the_second_half_of_the_expiry():
    told = played(model(refresh="unknown"))
    assert told.registered_again_s.worst == pytest.approx(632, abs=0.2)
    assert any("renews its registration is not known" in text for text in told.assumed)


def test_a_timeout_that_nobody_knows_is_that_of_the_standard_and_said():
    told = played(model(timeout="unknown"))
    assert told.registered_again_s.least == pytest.approx(32, abs=0.2)
    assert "when it gives a REGISTER up is not known: after 32 s at most (RFC 3261, 64*T1)" in told.assumed


def test_a_weak_fact_that_it_leans_on_is_named():
    told = played(model(failures={"no-answer": reaction(confidence="weak")}))
    assert told.weak == ("what it does after silence",)


def test_a_phone_that_cannot_fail_over_stays():
    told = played(model(failover={"possible": False, "source": "G"}))
    assert told.registered_again_s.least == NEVER


def test_a_setting_that_failover_needs_decides():
    mode = parameter("dns-mode", "a", unit="choice", choices={"a": 0, "srv": 1})
    needs = {"possible": True, "needs": [{"capability": "dns-mode", "value": "srv"}], "source": "G"}
    profile = model(mode, failover=needs)
    assert played(profile).registered_again_s.least == NEVER
    assert played(profile).lacking == ("dns-mode = srv",)
    assert played(profile, dns_mode="srv").registered_again_s.worst == pytest.approx(332, abs=0.2)


def test_it_may_be_unknown_whether_a_phone_can_fail_over():
    told = played(model(failover={"possible": "unknown", "source": "G"}))
    assert (told.registered_again_s, told.unknown) == (None, ("whether it can fail over",))


def test_a_phone_with_one_server_has_nowhere_to_go():
    assert played(model(), servers=SERVERS[:1]).registered_again_s.least == NEVER


def test_a_third_server_helps_where_the_second_is_blocked():
    told = played(model(), IncidentKind.ALTERNATE_BLOCKED, servers=(*SERVERS, Server("sbc3.example.net")))
    assert told.registered_again_s.least == pytest.approx(64, abs=0.2)


def test_a_phone_that_is_registered_with_all_of_them_keeps_its_calls():
    told = played(model(registers="all-at-once"))
    assert told.incoming_s.worst == 0.0
    assert told.registered_again_s.worst == 0.0
    assert "calls come in over any server that it is registered with" in told.assumed


def test_a_new_public_address_takes_the_registration_with_all_servers():
    told = played(model(registers="all-at-once"), IncidentKind.WAN_SWITCHED)
    assert told.incoming_s.worst == pytest.approx(300, abs=0.2)
    assert told.outgoing_s.worst == 0.0


def test_failover_mode_says_whether_it_registers_with_all_of_them():
    mode = parameter("failover-mode", "concurrent", unit="choice", choices={"concurrent": 0, "successive": 1})
    profile = model(mode)
    assert played(profile).incoming_s.worst == 0.0
    assert played(profile, failover_mode="successive").incoming_s.worst > 300


def test_its_own_probes_notice_before_the_refresh():
    switch = parameter("probe-method", "off", unit="choice", choices={"off": 0, "options": 1})
    often = parameter("probe-interval", 10)
    lost = parameter("probe-losses", 2, unit="count")
    probe = {"switch": "probe-method", "interval": "probe-interval", "losses": "probe-losses", "source": "G"}
    profile = model(switch, often, lost, parameter("probe-timeout", 4), probe=probe)
    assert played(profile).registered_again_s.worst > 300
    told = played(profile, probe_method="options")
    assert told.registered_again_s.median <= 10 + 10 + 4.1
    assert told.registered_again_s.worst < 24 + 32


def test_a_lost_connection_makes_it_register_at_once_where_that_is_its_reaction():
    profile = model(failures={"tcp-reset": reaction(at_once=0)})
    tcp = tuple(Server(server.host, transport="tcp") for server in SERVERS)
    assert played(profile, IncidentKind.PRIMARY_TCP_RESET, servers=tcp).registered_again_s.worst < 1.0


def test_a_phone_over_udp_hears_icmp_where_nothing_listens():
    told = played(model(failures={"icmp-unreachable": "unknown"}), IncidentKind.PRIMARY_TCP_RESET)
    assert told.unknown == ("what it does after ICMP unreachable",)


def test_a_failure_that_it_does_not_hear_counts_as_silence():
    profile = model(failures={"icmp-unreachable": reaction(unheard=True)})
    told = played(profile, IncidentKind.PRIMARY_TCP_RESET)
    assert told.registered_again_s == played(profile).registered_again_s


def test_after_so_many_retries_it_stops_for_good():
    profile = model(failures={"no-answer": reaction(attempts=2)})
    told = played(profile, IncidentKind.ALL_SILENT, lasts_s=3600)
    assert told.incoming_s.least == NEVER
    stopped = texts(told, MomentKind.STOPPED)
    assert stopped == ["Has stopped for good: it has given up after 3 of them. Somebody has to restart it."]


def test_a_wait_that_is_set_to_never_stops_it():
    retry = parameter("registration-retry-403", 0, special={"0": "never"})
    profile = model(retry, failures={"answer-403": reaction("same-server", first="registration-retry-403")})
    told = played(profile, IncidentKind.PRIMARY_REJECTS_403, lasts_s=600)
    assert told.incoming_s.least == NEVER
    assert math.isfinite(
        played(profile, IncidentKind.PRIMARY_REJECTS_403, lasts_s=600, registration_retry_403=30.0).incoming_s.worst
    )


def test_a_request_sent_before_the_end_of_a_silence_is_answered_when_it_is_sent_again():
    told = played(model(), IncidentKind.ALL_SILENT, lasts_s=20)
    assert told.registered_again_s.least < 25


def test_names_that_do_not_resolve_leave_the_registration_as_long_as_it_lasts():
    profile = model(failures={"dns-failure": reaction("same-server")})
    assert played(profile, IncidentKind.DNS_DEAD, lasts_s=100).incoming_s.worst == 0.0
    told = played(profile, IncidentKind.DNS_DEAD, lasts_s=1000)
    assert 1000 <= told.incoming_s.least <= told.incoming_s.worst <= 1031


def test_a_phone_that_knows_addresses_needs_no_dns():
    addresses = (Server("203.0.113.2"), Server("198.18.0.10"))
    assert played(model(), IncidentKind.DNS_DEAD, servers=addresses).outgoing_s.worst == 0.0


def test_who_dials_into_a_dead_primary_hears_silence_and_then_fast_busy():
    told = played(model())
    heard = texts(told, MomentKind.HEARD)
    assert heard[0].startswith("Who dials hears silence for 32 s, then fast busy. Callers do not get through")
    assert heard[-1] == "Who dials hears ringing. Callers get through."
    assert told.outgoing_s == told.registered_again_s


def test_a_call_that_goes_on_to_the_next_server_rings_after_a_silence():
    calls = {"go": "primary-first", "timeout": {"times_t1": 64}, "then": "next-server", "source": "G"}
    told = played(model(calls=calls))
    assert told.outgoing_s.median == pytest.approx(32)
    assert {each.state for each in told.lanes.outgoing} == {State.SLOW}


def test_calls_follow_the_registration_where_that_is_switched_on():
    calls = {"go": "primary-first", "timeout": {"times_t1": 64}, "then": "stop", "source": "G"}
    switch = parameter("calls-follow-registration", "off", unit="switch", choices={"on": 1, "off": 0})
    profile = model(switch, calls=calls)
    assert played(profile).outgoing_s.least == NEVER
    assert math.isfinite(played(profile, calls_follow_registration="on").outgoing_s.worst)


def test_a_call_that_is_refused_with_403_ends_there_and_one_refused_with_503_goes_on():
    calls = {"go": "primary-first", "timeout": {"times_t1": 64}, "then": "next-server", "source": "G"}
    assert played(model(calls=calls), IncidentKind.PRIMARY_REJECTS_403).outgoing_s.least == NEVER
    told = played(model(calls=calls), IncidentKind.PRIMARY_REJECTS_503)
    assert told.outgoing_s.worst == 0.0
    assert "after a call that fails at once it does what it does after one that nobody answers" in told.assumed


def test_a_phone_that_asks_nobody_while_it_lasts_notices_nothing():
    told = played(model(), lasts_s=1.0)
    assert told.noticed_s.median == NEVER


def test_it_may_be_unknown_where_calls_go():
    calls = {"go": "unknown", "timeout": "unknown", "then": "unknown", "source": "G"}
    told = played(model(calls=calls))
    assert (told.outgoing_s, told.unknown) == (None, ("where its calls go",))
    assert told.incoming_s is not None


def test_a_server_that_failed_is_passed_over_by_calls_as_long_as_it_is_held():
    calls = {"go": "by-dns", "timeout": {"times_t1": 64}, "then": "next-server", "source": "G"}
    told = played(model(calls=calls, dead_server_hold=600), registration_expiry=60.0)
    assert [each.state for each in told.lanes.outgoing] == [State.SLOW, State.WORKS]


def test_a_server_that_refused_is_not_passed_over_where_the_phone_stays_with_it():
    calls = {"go": "by-dns", "timeout": {"times_t1": 64}, "then": "stop", "source": "G"}
    profile = model(calls=calls, dead_server_hold=600, failures={"answer-403": reaction("same-server")})
    assert played(profile, IncidentKind.PRIMARY_REJECTS_403).outgoing_s.least == NEVER


def test_the_way_back_is_tried_after_the_interval():
    told = played(model(failback={"when": "interval", "after": 40, "source": "G"}), registration_expiry=60.0)
    assert told.incoming_s.worst == pytest.approx(62, abs=0.2)


def test_lanes_cover_the_first_five_minutes_without_a_gap():
    told = played(model(), registration_expiry=60.0)
    for lane in (told.lanes.registration, told.lanes.outgoing, told.lanes.incoming):
        assert (lane[0].begin_s, lane[-1].end_s) == (0.0, 300.0)
        assert all(one.end_s == other.begin_s for one, other in itertools.pairwise(lane))


def test_the_same_seed_forecasts_the_same():
    assert played(model(refresh="unknown")) == played(model(refresh="unknown"))


def test_an_expiry_that_nobody_knows_makes_everything_unknown():
    told = played(model(), registration_expiry="")
    assert (told.incoming_s, told.unknown, told.lanes) == (None, ("for how long it registers",), None)


def test_a_phone_without_a_server_cannot_be_forecast():
    with pytest.raises(ValueError, match="needs a server"):
        forecast(model(), {}, (), Incident(IncidentKind.ALL_SILENT), Chance(7))


def test_every_capability_that_is_set_but_unknown_to_the_model_changes_nothing():
    told = forecast(model(), {Capability.STUN_INTERVAL: 3.0}, SERVERS, Incident(IncidentKind.PRIMARY_SILENT), Chance(7))
    assert told == played(model())
