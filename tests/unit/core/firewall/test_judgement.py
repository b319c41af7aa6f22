"""From verdicts to what is wrong, and to what can be pasted."""

from __future__ import annotations

from dataclasses import replace

from tonekeeper.core.firewall.attached import KernelTimeouts, attached_to_sip
from tonekeeper.core.firewall.flows import (
    MOST_RTP_PORTS,
    Direction,
    FlowQuestion,
    FlowVerdict,
    Origin,
    Places,
    RuleSeen,
    Traffic,
    Verdict,
    ports_named,
    questions_of,
    rtp_of,
    rtp_samples,
)
from tonekeeper.core.firewall.judgement import NO_CHANGE, observations_of, problems_in
from tonekeeper.core.firewall.report import finding_reports, firewall_reports
from tonekeeper.core.site import RtpRange, Sbc, Site, Target, Transport, Wan
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.ruleset import Listing, parse_listing

PRIMARY, ALTERNATE = "198.51.100.10", "198.51.100.20"
SBCS = {"primary": PRIMARY, "alternate": ALTERNATE}
RULE = RuleSeen("inet", "fw", "only_one", 7, "drop", "", "forward", "forward")
RTP = {sbc: RtpRange(10000, 20000) for sbc in SBCS}
EMPTY = Listing((), ())


def verdicts(*, blocked=(), back_blocked=(), wans=("fibre", "lte"), lans=("lan0",)) -> list[FlowVerdict]:
    """Of every flow of the site; `blocked` holds (sbc, traffic, wan), with None for any. "" in `lans`: this host."""
    found = []
    for lan in lans:
        for wan in wans:
            for sbc, host in SBCS.items():
                for traffic, port in ((Traffic.UDP, 5060), (Traffic.RTP, 10000), (Traffic.RTP, 20000)):
                    origin = Origin.LAN if lan else Origin.SELF
                    question = FlowQuestion(origin, sbc, wan, traffic, Endpoint(host, port), lan=lan)
                    back = question.turned(Direction.RETURN)
                    found.append(verdict(question, blocked))
                    found.append(verdict(back, back_blocked))
    return found


def verdict(question, blocked) -> FlowVerdict:
    told = (question.sbc, question.traffic, question.wan)
    if any(all(want in (None, is_) for want, is_ in zip(one, told, strict=True)) for one in blocked):
        return FlowVerdict(question, Verdict.DROP, RULE)
    return FlowVerdict(question, Verdict.ACCEPT)


def codes(found):
    return [(problem.code, problem.subject) for problem in problems_in(found, list(SBCS))]


def test_a_site_whose_flows_all_pass_has_no_problem():
    assert codes(verdicts()) == []


def test_an_alternate_that_is_blocked_everywhere_while_the_primary_is_not_is_called_that():
    assert codes(verdicts(blocked=[("alternate", None, None)])) == [("firewall-blocks-alternate", "alternate")]


def test_where_no_sbc_may_be_reached_none_of_them_is_an_alternate():
    assert codes(verdicts(blocked=[(None, None, None)])) == [
        ("firewall-blocks-sip", "primary"),
        ("firewall-blocks-sip", "alternate"),
    ]


def test_what_is_blocked_on_one_wan_only_is_that_wan():
    assert codes(verdicts(blocked=[(None, None, "lte")])) == [("firewall-wan-specific", "lte")]


def test_media_that_is_blocked_while_sip_passes_is_about_media():
    assert codes(verdicts(blocked=[("primary", Traffic.RTP, None)])) == [("firewall-blocks-rtp", "primary")]


def test_answers_that_are_not_let_in_are_told_for_each_wan():
    found = codes(verdicts(back_blocked=[(None, Traffic.UDP, None)]))
    assert found == [("firewall-blocks-return", "fibre"), ("firewall-blocks-return", "lte")]


def test_dns_is_told_by_itself():
    question = FlowQuestion(Origin.SELF, "", "fibre", Traffic.DNS, Endpoint("203.0.113.53", 53))
    assert codes([FlowVerdict(question, Verdict.REJECT, RULE)]) == [("firewall-blocks-dns", "fibre")]


def test_what_is_not_checked_is_no_problem():
    found = [replace(one, verdict=Verdict.NOT_CHECKED) for one in verdicts(blocked=[(None, None, None)])]
    assert codes(found) == []


def test_a_limit_and_a_redirection_are_told_although_packets_pass():
    first, *_ = verdicts()
    limited = replace(first, limited_by=RULE)
    captured = replace(first, arrives_at="192.0.2.9:5060")
    assert codes([limited, captured]) == [("firewall-rate-limits-sip", "primary"), ("dnat-captures-sip", "primary")]


def test_what_is_blocked_is_due_to_the_rule_that_blocks_it_whatever_limits_it_met():
    limit = replace(RULE, handle=3, text="limit rate 5/second drop")
    found = [replace(one, limited_by=limit) for one in verdicts(blocked=[("alternate", None, None)])]
    found = [one for one in found if one.verdict is Verdict.DROP or one.question.sbc == "primary"]
    problems = problems_in(found, list(SBCS))
    told = {one.code: one.evidence["rule"] for one in observations_of(problems, [()])}
    assert told == {"firewall-blocks-alternate": str(RULE), "firewall-rate-limits-sip": str(limit)}
    assert [one.subject for one in problems] == ["alternate", "primary"]


def test_a_problem_of_the_phones_and_of_this_host_is_told_once():
    found = verdicts(blocked=[("alternate", None, None)], lans=("lan0", ""))
    (problem,) = problems_in(found, list(SBCS))
    (observation,) = observations_of([problem], [()])
    assert observation.evidence["origin"] == "the phones and this host"


def test_a_problem_of_some_phones_says_which():
    data, voice = verdicts(blocked=[("alternate", None, None)], lans=("br-data",)), verdicts(lans=("br-voice",))
    (problem,) = problems_in([*voice, *data], list(SBCS))
    (observation,) = observations_of([problem], [()])
    assert observation.evidence["origin"] == "the phones on br-data"


OTHER = "198.51.100.11"
"""A second address of the primary."""


def flows(*told: tuple[str, Traffic, str, int, Verdict], wans=("fibre", "lte")) -> list[FlowVerdict]:
    return [
        FlowVerdict(
            FlowQuestion(Origin.LAN, sbc, wan, traffic, Endpoint(host, port), lan="lan0"),
            verdict,
            None if verdict is Verdict.ACCEPT else RULE,
        )
        for wan in wans
        for sbc, traffic, host, port, verdict in told
    ]


def summary_of(found: list[FlowVerdict]) -> str:
    (problem,) = problems_in(found, list(SBCS))
    (report,) = finding_reports(observations_of([problem], [()]))
    return report.summary


def test_of_an_sbc_with_several_addresses_the_one_that_is_blocked_is_an_alternate_too():
    found = flows(
        ("primary", Traffic.UDP, PRIMARY, 5060, Verdict.ACCEPT),
        ("primary", Traffic.UDP, OTHER, 5060, Verdict.DROP),
        ("primary", Traffic.RTP, OTHER, 10000, Verdict.DROP),
    )
    assert codes(found) == [("firewall-blocks-alternate", f"primary/{OTHER}:5060")]
    assert f"reach {PRIMARY} but not {OTHER} of primary: a failover" in summary_of(found)


def test_an_alternate_none_of_whose_addresses_may_be_reached_is_one_problem():
    found = flows(
        ("primary", Traffic.UDP, PRIMARY, 5060, Verdict.ACCEPT),
        ("alternate", Traffic.UDP, ALTERNATE, 5060, Verdict.DROP),
        ("alternate", Traffic.TCP, "2001:db8::20", 5060, Verdict.REJECT),
    )
    assert codes(found) == [("firewall-blocks-alternate", "alternate")]
    assert "reach another SBC but not alternate: a failover" in summary_of(found)


def test_an_sbc_that_one_transport_reaches_is_not_called_blocked():
    found = flows(
        ("primary", Traffic.UDP, PRIMARY, 5060, Verdict.ACCEPT),
        ("alternate", Traffic.UDP, ALTERNATE, 5060, Verdict.ACCEPT),
        ("alternate", Traffic.TLS, ALTERNATE, 5061, Verdict.DROP),
    )
    assert codes(found) == [("firewall-blocks-sip", "alternate/tls")]


def test_what_is_redirected_is_not_reached():
    found = flows(
        ("primary", Traffic.UDP, PRIMARY, 5060, Verdict.ACCEPT),
        ("alternate", Traffic.UDP, ALTERNATE, 5060, Verdict.DROP),
    )
    captured = [replace(one, arrives_at="192.0.2.1:5060") if one.verdict is Verdict.ACCEPT else one for one in found]
    assert ("firewall-blocks-alternate", "alternate") not in codes(captured)
    assert ("firewall-blocks-sip", "alternate") in codes(captured)


def test_one_wan_alone_is_every_wan():
    blocked = [("alternate", None, None)]
    assert codes(verdicts(blocked=blocked, wans=("fibre",))) == [("firewall-blocks-alternate", "alternate")]


def test_a_wan_that_is_not_checked_says_nothing_about_the_others():
    found = verdicts(blocked=[("alternate", None, "fibre")])
    unknown = [replace(one, verdict=Verdict.NOT_CHECKED) if one.question.wan == "lte" else one for one in found]
    assert codes(unknown) == [("firewall-blocks-alternate", "alternate")]


def test_ports_between_which_one_passes_are_told_apart():
    ports = {10000: Verdict.DROP, 11999: Verdict.DROP, 12000: Verdict.ACCEPT, 14001: Verdict.DROP, 20000: Verdict.DROP}
    sip = ("primary", Traffic.UDP, PRIMARY, 5060, Verdict.ACCEPT)
    found = flows(sip, *(("primary", Traffic.RTP, PRIMARY, port, verdict) for port, verdict in ports.items()))
    (problem,) = problems_in(found, list(SBCS))
    (observation,) = observations_of([problem], [()])
    assert observation.evidence["flows"] == f"rtp {PRIMARY}:10000-11999,14001-20000"


def test_a_remedy_that_did_not_help_is_not_told():
    problems = problems_in(verdicts(blocked=[("alternate", None, None)]), list(SBCS))
    (observation,) = observations_of(problems, [()])
    assert observation.evidence["change"] == NO_CHANGE


def test_the_report_has_the_keys_of_the_contract():
    found = verdicts(blocked=[("alternate", None, None)])
    (finding,) = finding_reports(observations_of(problems_in(found, list(SBCS)), [()]))
    assert "alternate" in finding.summary
    flow = firewall_reports(found)[6]
    assert (flow.origin, flow.sbc, flow.wan, flow.transport, flow.verdict) == (
        "lan",
        "alternate",
        "fibre",
        "udp",
        "drop",
    )
    assert flow.rule is not None
    assert (flow.rule.table, flow.rule.chain, flow.rule.handle) == ("fw", "only_one", 7)


def test_a_range_of_ports_is_asked_at_its_ends_and_beside_what_rules_name():
    rtp = RtpRange(10000, 20000)
    assert rtp_samples(rtp, "") == (10000, 15000, 20000)
    assert rtp_samples(rtp, "udp dport 10000-12000 accept") == (10000, 12000, 12001, 15000, 20000)


def test_a_range_of_one_port_is_asked_at_that_port():
    assert rtp_samples(RtpRange(10001, 10001), "udp dport 10001 accept") == (10001,)
    assert rtp_samples(RtpRange(10001, 10002), "") == (10001, 10002)


def test_of_many_ports_that_rules_name_not_all_are_asked():
    rules = "\n".join(f"udp dport {port} accept" for port in range(11000, 11100, 10))
    rtp = RtpRange(10000, 20000)
    assert len(ports_named(rtp, rules)) == 30
    assert len(rtp_samples(rtp, rules)) == 3 + MOST_RTP_PORTS


def test_an_sbc_is_asked_at_its_own_ports_of_media_before_those_of_the_site_and_those_assumed():
    own = Sbc("own", "", PRIMARY, rtp=RtpRange(30000, 30010))
    other = Sbc("other", "", ALTERNATE)
    assert rtp_of(Site("x", (), (own, other))) == {"own": RtpRange(30000, 30010), "other": RtpRange(10000, 20000)}
    site = Site("x", (Wan("fibre", "eth0"),), (own, other), rtp=RtpRange(40000, 40010))
    targets = {sbc.name: (Target(Transport.UDP, Endpoint(sbc.host, 5060)),) for sbc in site.sbcs}
    asked = questions_of(site, Places(targets, {}), ())
    media = [str(question.address) for question in asked if question.traffic is Traffic.RTP]
    assert media == [
        *(f"{PRIMARY}:{port}" for port in (30000, 30004, 30010)),
        *(f"{ALTERNATE}:{port}" for port in (40000, 40004, 40010)),
    ]


def test_every_address_is_asked_over_every_wan_from_every_lan_and_this_host():
    site = Site(
        "x", (Wan("fibre", "eth0"), Wan("lte", "wwan0")), (Sbc("primary", "", PRIMARY, media=("203.0.113.0/29",)),)
    )
    targets = {
        "primary": (Target(Transport.UDP, Endpoint(PRIMARY, 5060)), Target(Transport.TLS, Endpoint(PRIMARY, 5061)))
    }
    asked = questions_of(site, Places(targets, {"fibre": ("192.0.2.53",)}), ("br-data", "br-voice"))
    assert len(asked) == 2 * 3 * (2 + 2 * 3) + 1
    assert {question.lan for question in asked} == {"br-data", "br-voice", ""}
    assert {question.address.host for question in asked} == {PRIMARY, "203.0.113.1", "192.0.2.53"}


ATTACHED = """table inet x { # handle 1
	ct helper siphelper { # handle 2
		type "sip" protocol udp
		l3proto inet
	}

	ct timeout short { # handle 3
		protocol udp
		l3proto ip
		policy = { unreplied : 10, replied : 1m30s }
	}

	chain f { # handle 4
		udp dport 5060 ct helper set "siphelper" # handle 5
		meta l4proto { tcp, udp } flow add @ft # handle 6
		meta l4proto tcp flow add @ft # handle 7
	}
}
"""


def test_what_is_attached_to_sip_is_read_from_the_ruleset():
    found = {one.code: one.evidence for one in attached_to_sip(parse_listing(ATTACHED))}
    assert list(found) == ["sip-helper-attached", "flow-offload-udp", "firewall-udp-timeout-low"]
    assert "handle 6" in found["flow-offload-udp"]["rule"]
    assert "handle 7" not in found["flow-offload-udp"]["rule"]
    assert found["firewall-udp-timeout-low"]["timeouts"] == "unreplied 10 s"


def test_timeouts_of_the_kernel_are_low_below_a_minute():
    assert list(attached_to_sip(EMPTY, KernelTimeouts(30, 120))) == []
    (found,) = attached_to_sip(EMPTY, KernelTimeouts(30, 40))
    assert found.evidence["timeouts"] == "replied 40 s"
