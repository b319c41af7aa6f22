"""The cause of what was found, from everything else that is known."""

from __future__ import annotations

import pytest

from tests.unit.core.egress.world import SBC, path
from tonekeeper.core.attribution import Confidence
from tonekeeper.core.egress.findings import egress_observations, egress_reports
from tonekeeper.core.egress.judgement import Cause, Judged, Surroundings, judge_egress
from tonekeeper.core.egress.result import EgressTrial, Fact, Outcome, PathMtu
from tonekeeper.core.findings import Observation
from tonekeeper.core.firewall.report import finding_reports
from tonekeeper.core.report import FirewallReport, RuleReport, Severity
from tonekeeper.core.site import Transport

ROUTER = "198.51.100.1"
UDP, TCP = Transport.UDP, Transport.TCP
WELL = PathMtu(1500, 1500, pieces=Fact.YES)


def trial(
    outcome: Outcome = Outcome.ANSWERED,
    *,
    wan: str = "fibre",
    sbc: str = "primary",
    host: str = SBC,
    transport: Transport = UDP,
    **changes: object,
) -> EgressTrial:
    interface = {"fibre": "eth0", "lte": "wwan0"}[wan]
    return EgressTrial(path(transport, wan, sbc, host), interface, outcome, **{"detail": str(outcome), **changes})


def judged(*trials: EgressTrial, **known: object) -> tuple[Judged, ...]:
    return judge_egress(trials, Surroundings(**known))


def first(*trials: EgressTrial, **known: object) -> tuple[Cause, Confidence]:
    one = judged(*trials, **known)[0]
    return one.cause, one.confidence


def findings(*trials: EgressTrial, **known: object) -> tuple[Observation, ...]:
    found = egress_observations(judged(*trials, **known))
    for one in finding_reports(found):
        assert one.summary.endswith((".", ":")), one.summary
    return found


OTHER = trial(sbc="alternate", host="203.0.113.9")
BY_LTE = trial(wan="lte")
LOST = trial(Outcome.SILENT, hops=(ROUTER, "198.51.100.9", ""))


def rule(**changes: object) -> FirewallReport:
    values: dict[str, object] = {
        "origin": "self",
        "sbc": "primary",
        "wan": "fibre",
        "transport": "udp",
        "address": f"{SBC}:5060",
        "direction": "out",
        "verdict": "drop",
        "rule": RuleReport("inet", "fw", "output", 4, "ip daddr 203.0.113.2 drop", ""),
        "reason": "",
        "arrives_at": "",
    }
    return FirewallReport(**{**values, **changes})


# --- silence


def test_silence_over_one_wan_where_another_reaches_it_is_a_filter_upstream():
    assert first(LOST, BY_LTE, OTHER) == (Cause.UPSTREAM_FILTER, Confidence.STRONG)


def test_the_last_router_stands_in_the_sentence():
    assert "lost at 198.51.100.9 or right behind it" in judged(LOST, BY_LTE)[0].why


def test_it_is_less_sure_where_nobody_else_answers_over_that_wan():
    assert first(LOST, BY_LTE) == (Cause.UPSTREAM_FILTER, Confidence.LIKELY)


def test_silence_on_every_wan_is_the_sbc_s():
    lost_too = trial(Outcome.SILENT, wan="lte", hops=())
    assert first(LOST, lost_too, OTHER) == (Cause.SBC_DOWN, Confidence.STRONG)
    assert findings(LOST, lost_too, OTHER) == ()


def test_silence_on_the_only_wan_is_the_sbc_s_as_far_as_is_known():
    assert first(LOST) == (Cause.SBC_DOWN, Confidence.LIKELY)


def test_silence_over_a_wan_on_which_nobody_is_heard_is_the_wan_s():
    mute = trial(Outcome.SILENT, hops=())
    assert first(mute, BY_LTE) == (Cause.WAN_DOWN, Confidence.STRONG)
    assert findings(mute, BY_LTE) == ()


def test_that_it_answers_elsewhere_may_be_known_from_before():
    assert first(LOST, answering=[path(wan="lte")]) == (Cause.UPSTREAM_FILTER, Confidence.LIKELY)


def test_what_was_known_before_does_not_outweigh_what_was_just_seen():
    lost_too = trial(Outcome.SILENT, wan="lte", hops=())
    assert first(LOST, lost_too, answering=[path(wan="lte")])[0] is Cause.SBC_DOWN


def test_another_transport_that_answers_is_told_and_proves_nothing():
    one = judged(LOST, trial(transport=TCP))[0]
    assert (one.cause, one.why.endswith("; tcp of it answers")) == (Cause.SBC_DOWN, True)


# --- signs


@pytest.mark.parametrize("outcome", [Outcome.PROHIBITED, Outcome.PORT_UNREACHABLE])
def test_a_rule_of_a_router_on_the_way_is_its_word(outcome):
    assert first(trial(outcome, hop=ROUTER)) == (Cause.UPSTREAM_FILTER, Confidence.CERTAIN)


@pytest.mark.parametrize("outcome", [Outcome.PORT_UNREACHABLE, Outcome.RESET])
def test_a_closed_port_everywhere_is_the_sbc_s_and_egress_works(outcome):
    closed = [trial(outcome, hop="" if outcome is Outcome.RESET else SBC, wan=wan) for wan in ("fibre", "lte")]
    assert first(*closed) == (Cause.SBC_DOWN, Confidence.STRONG)
    assert "packets get there" in judged(*closed)[0].why


def test_a_reset_over_one_wan_alone_is_somebody_else_s():
    assert first(trial(Outcome.RESET), BY_LTE) == (Cause.UPSTREAM_FILTER, Confidence.LIKELY)


def test_unreachable_over_one_wan_alone_is_a_way_that_router_does_not_know():
    assert first(trial(Outcome.UNREACHABLE, hop=ROUTER), BY_LTE) == (Cause.NO_ROUTE, Confidence.CERTAIN)


def test_unreachable_over_every_wan_is_an_sbc_that_is_off():
    assert first(trial(Outcome.UNREACHABLE, hop=ROUTER)) == (Cause.SBC_DOWN, Confidence.LIKELY)


def test_what_could_not_be_asked_is_not_checked():
    assert first(trial(Outcome.NOT_CHECKED), BY_LTE)[0] is Cause.NOT_CHECKED


# --- this host


@pytest.mark.parametrize("outcome", [Outcome.SILENT, Outcome.FORBIDDEN_HERE, Outcome.RESET])
def test_a_rule_of_this_host_that_is_known_is_named(outcome):
    one = judged(trial(outcome), BY_LTE, firewall=[rule()])[0]
    assert one.cause is Cause.LOCAL_RULE
    assert one.why.endswith("inet fw output: ip daddr 203.0.113.2 drop")
    assert findings(trial(outcome), BY_LTE, firewall=[rule()]) == ()


def test_answers_that_this_host_drops_are_its_rule_as_well():
    assert first(LOST, BY_LTE, firewall=[rule(direction="return")])[0] is Cause.LOCAL_RULE


@pytest.mark.parametrize(
    "other",
    [{"origin": "lan"}, {"wan": "lte"}, {"transport": "tcp"}, {"address": "203.0.113.9:5060"}, {"verdict": "accept"}],
)
def test_a_rule_about_something_else_explains_nothing(other):
    assert first(LOST, BY_LTE, firewall=[rule(**other)])[0] is Cause.UPSTREAM_FILTER


def test_a_rule_does_not_outweigh_an_answer():
    assert first(trial(), firewall=[rule()])[0] is Cause.FINE


def test_a_rule_that_nobody_could_ask_for_is_a_finding_by_its_errno():
    (found,) = findings(trial(Outcome.FORBIDDEN_HERE, detail="a rule forbids it (EPERM)"), OTHER)
    assert (found.code, found.subject, found.severity) == ("firewall-blocks-sip", "primary", Severity.CRITICAL)
    assert found.evidence["rule"] == "a rule forbids it (EPERM)"


# --- gateways that read SIP


def test_where_only_unusual_requests_are_answered_a_gateway_keeps_sip_back():
    kept = trial(Outcome.SILENT, unusual_answered=True, hops=())
    assert first(kept) == (Cause.SIP_ALG, Confidence.STRONG)
    assert [one.code for one in findings(kept)] == ["sip-alg-active"]


def test_rewritten_sip_and_another_transport_that_passes_make_one_likely():
    passes = trial(transport=TCP)
    assert first(LOST, passes, BY_LTE, sip_alg={"fibre": "yes"}) == (Cause.SIP_ALG, Confidence.LIKELY)
    assert first(LOST, passes, BY_LTE, sip_alg={"fibre": "not checked"})[0] is Cause.UPSTREAM_FILTER


# --- length


def hole(**changes: object) -> PathMtu:
    return PathMtu(**{"tried": 1500, "largest": 1400, "cut": Fact.NO, "pieces": Fact.YES, **changes})


def test_a_black_hole_is_certain_where_the_same_packet_passes_in_pieces_or_a_router_is_last():
    assert first(trial(mtu=hole(cut=Fact.YES))) == (Cause.PATH_MTU, Confidence.CERTAIN)
    assert first(trial(mtu=hole(lost_after=ROUTER))) == (Cause.PATH_MTU, Confidence.CERTAIN)


def test_it_is_strong_where_another_wan_takes_long_packets():
    assert first(trial(mtu=hole()), trial(wan="lte", mtu=WELL)) == (Cause.PATH_MTU, Confidence.STRONG)


def test_an_sbc_that_ignores_long_requests_is_no_black_hole():
    assert first(trial(mtu=hole()), trial(wan="lte", mtu=hole()))[0] is Cause.FINE
    assert findings(trial(mtu=hole())) == ()


def test_lost_fragments_are_told_and_sure_where_another_wan_delivers_them():
    lost = trial(mtu=PathMtu(1500, 1500, pieces=Fact.NO))
    assert first(lost) == (Cause.PATH_MTU, Confidence.LIKELY)
    assert first(lost, trial(wan="lte", mtu=WELL)) == (Cause.PATH_MTU, Confidence.STRONG)


def test_a_stream_that_swallows_long_requests_is_told_where_another_wan_takes_them():
    lost, takes = trial(transport=TCP, stream=Fact.NO), trial(transport=TCP, wan="lte", stream=Fact.YES)
    assert first(lost, takes) == (Cause.PATH_MTU, Confidence.STRONG)
    assert first(lost)[0] is Cause.FINE
    assert [one.code for one in findings(lost, takes)] == ["path-mtu"]


def test_what_a_router_told_is_no_more_than_worth_knowing():
    told = trial(mtu=hole(told=1400, told_by=ROUTER, cut=Fact.YES))
    assert first(told)[0] is Cause.FINE
    (found,) = findings(told)
    assert (found.code, found.severity, found.evidence["hop"]) == ("path-mtu", Severity.INFO, ROUTER)


@pytest.mark.parametrize(("largest", "severity"), [(1347, Severity.CRITICAL), (1348, Severity.WARNING)])
def test_a_black_hole_that_swallows_what_sip_may_send_is_critical(largest, severity):
    (found,) = findings(trial(mtu=hole(largest=largest, cut=Fact.YES)))
    assert (found.subject, found.severity) == ("primary over fibre", severity)
    assert f"ip link set dev eth0 mtu {largest}" in found.evidence["advice"]


def test_one_limit_for_all_sbcs_of_a_wan_is_the_wan_s():
    both = [trial(mtu=hole(cut=Fact.YES)), trial(sbc="alternate", host="203.0.113.9", mtu=hole(cut=Fact.YES))]
    (found,) = findings(*both)
    assert found.subject == "fibre"
    (found,) = findings(both[0], trial(sbc="alternate", host="203.0.113.9", mtu=WELL))
    assert found.subject == "primary over fibre"


# --- findings


def test_a_filter_upstream_is_one_finding_for_all_transports_of_an_sbc_over_a_wan():
    over_tcp = trial(Outcome.PROHIBITED, transport=TCP, hop=ROUTER)
    (found,) = findings(LOST, over_tcp, BY_LTE, trial(wan="lte", transport=TCP), OTHER)
    assert (found.code, found.subject, found.severity) == ("upstream-blocks", "primary over fibre", Severity.WARNING)
    assert found.evidence["confidence"] == "certain"
    assert found.evidence["hop"] == ROUTER
    assert found.evidence["flows"] == f"udp {SBC}:5060, tcp {SBC}:5060"
    assert found.evidence["passes"] == "primary udp over lte, primary tcp over lte, alternate udp over fibre"


def test_it_is_critical_where_no_wan_reaches_the_sbc():
    (found,) = findings(trial(Outcome.PROHIBITED, hop=ROUTER), OTHER)
    assert found.severity is Severity.CRITICAL


def test_a_router_that_knows_no_way_blocks_as_well():
    assert [one.code for one in findings(trial(Outcome.UNREACHABLE, hop=ROUTER), BY_LTE)] == ["upstream-blocks"]


def test_a_host_without_a_route_is_no_one_else_s_fault():
    assert findings(trial(Outcome.NO_ROUTE), BY_LTE) == ()


def test_all_is_well_says_nothing():
    assert findings(trial(mtu=WELL), BY_LTE, OTHER) == ()


def test_a_row_says_what_was_seen_and_what_it_means():
    (row, _) = egress_reports(judged(LOST, BY_LTE))
    assert (row.wan, row.sbc, row.transport, row.address) == ("fibre", "primary", "udp", f"{SBC}:5060")
    assert (row.outcome, row.cause, row.hop, row.last_hop) == ("silent", "upstream filter", "", "198.51.100.9")
    assert row.largest is None
