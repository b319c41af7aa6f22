"""From the kernel's trace of a packet to a verdict and a rule."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from tonekeeper.core.firewall.flows import FlowQuestion, Origin, Traffic, Verdict
from tonekeeper.core.firewall.reading import NO_WAY, Rulebook, Untraced, read_verdict
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.inexact_rule import Effect, InexactRule
from tonekeeper.wire.nft_trace import TraceKind, TraceStep, TraceVerdict
from tonekeeper.wire.ruleset import parse_listing

QUESTION = FlowQuestion(Origin.LAN, "primary", "fibre", Traffic.UDP, Endpoint("198.51.100.10", 5060))
LISTING = parse_listing("""table inet fw { # handle 1
	chain early { # handle 2
		type filter hook prerouting priority raw; policy accept;
		accept # handle 3
	}

	chain forward { # handle 4
		type filter hook forward priority filter; policy drop;
		udp dport 5060 accept # handle 5
		jump last # handle 6
	}

	chain last { # handle 7
		reject # handle 8
	}
}
""")
ORIGINAL = parse_listing("""table inet fw { # handle 31
	chain last { # handle 37
		reject comment "nothing else" # handle 38
	}
}
""")


def book(inexact=None, **other) -> Rulebook:
    return Rulebook(LISTING, ORIGINAL, inexact or {}, {}, **other)


def step(chain, handle, verdict, kind=TraceKind.RULE) -> TraceStep:
    return TraceStep(1, kind, verdict, "inet", "fw", chain, handle, "", None, False, 0, 0)


EARLY = step("early", 3, TraceVerdict.ACCEPT)
ACCEPTED = step("forward", 5, TraceVerdict.ACCEPT)
JUMPED = step("forward", 6, TraceVerdict.JUMP)
REJECTED = step("last", 8, TraceVerdict.DROP)
POLICY = step("forward", None, TraceVerdict.DROP, TraceKind.POLICY)


def test_a_packet_that_arrives_is_accepted_by_the_last_rule_that_filters():
    answer = read_verdict(QUESTION, [EARLY, ACCEPTED], book(), delivered=True)
    assert answer.verdict is Verdict.ACCEPT
    assert answer.rule is not None
    assert answer.rule.handle == 5


def test_a_rule_is_named_as_it_is_where_it_comes_from_with_the_chain_that_led_there():
    answer = read_verdict(QUESTION, [EARLY, JUMPED, REJECTED], book(), delivered=False)
    assert answer.verdict is Verdict.REJECT
    assert answer.rule is not None
    assert (answer.rule.handle, answer.rule.comment, answer.rule.hook_chain) == (38, "nothing else", "forward")


def test_a_policy_that_drops_is_named_as_one():
    answer = read_verdict(QUESTION, [POLICY], book(), delivered=False)
    assert answer.verdict is Verdict.DROP
    assert answer.rule is not None
    assert (answer.rule.handle, answer.rule.text) == (0, "policy drop")


def test_what_no_rule_stops_and_nobody_sees_again_had_no_way():
    answer = read_verdict(QUESTION, [EARLY, ACCEPTED], book(), delivered=False)
    assert (answer.verdict, answer.rule, answer.reason) == (Verdict.DROP, None, NO_WAY)


def inexact(chain, position, effect):
    return {("inet", "fw", chain, position): InexactRule("a rate limit", effect, ())}


def test_a_limit_that_could_have_let_it_through_makes_it_not_checked():
    met = step("forward", 5, TraceVerdict.CONTINUE)
    rules = book(inexact("forward", 0, Effect.ACCEPT))
    answer = read_verdict(QUESTION, [met, POLICY], rules, delivered=False)
    assert answer.verdict is Verdict.NOT_CHECKED
    assert "a rate limit" in answer.reason
    assert answer.limited_by is not None


def test_a_limit_that_would_let_it_through_as_well_changes_nothing():
    met = step("early", 3, TraceVerdict.CONTINUE)
    rules = book(inexact("early", 0, Effect.ACCEPT))
    for last, delivered, verdict in ((ACCEPTED, True, Verdict.ACCEPT), (POLICY, False, Verdict.DROP)):
        assert read_verdict(QUESTION, [met, last], rules, delivered=delivered).verdict is verdict


def test_a_limit_that_could_have_dropped_what_passes_makes_it_not_checked():
    met = step("forward", 5, TraceVerdict.CONTINUE)
    rules = book(inexact("forward", 0, Effect.DROP))
    assert read_verdict(QUESTION, [met, ACCEPTED], rules, delivered=True).verdict is Verdict.NOT_CHECKED
    assert read_verdict(QUESTION, [met, POLICY], rules, delivered=False).verdict is Verdict.DROP


def test_a_program_that_decides_leaves_it_not_checked():
    queued = step("forward", 5, TraceVerdict.QUEUE)
    assert read_verdict(QUESTION, [queued], book(), delivered=False).verdict is Verdict.NOT_CHECKED


def test_rules_that_the_kernel_does_not_name_are_never_passed_over():
    exact = read_verdict(QUESTION, [ACCEPTED], book(untraced=Untraced.EXACT), delivered=False)
    assert "iptables-legacy" in exact.reason
    unclear = read_verdict(QUESTION, [ACCEPTED], book(untraced=Untraced.INEXACT), delivered=True)
    assert unclear.verdict is Verdict.NOT_CHECKED


def test_every_step_of_another_table_is_passed_over():
    numbers = count(1)
    foreign = [
        TraceStep(1, TraceKind.RULE, TraceVerdict.CONTINUE, "ip", "x", "y", next(numbers), "", None, False, 0, 0)
    ]
    assert read_verdict(QUESTION, [*foreign, ACCEPTED], book(), delivered=True).verdict is Verdict.ACCEPT


def test_what_a_bridge_may_stop_before_the_router_is_not_called_accepted():
    bridges = parse_listing("table bridge b { # handle 1\n\tchain c { # handle 2\n\t\tdrop # handle 3\n\t}\n}\n")
    rules = Rulebook(LISTING, bridges, {}, {})
    answer = read_verdict(QUESTION, [ACCEPTED], rules, delivered=True)
    assert answer.verdict is Verdict.NOT_CHECKED
    assert "table bridge b" in answer.reason
    own = replace(QUESTION, origin=Origin.SELF)
    assert read_verdict(own, [ACCEPTED], rules, delivered=True).verdict is Verdict.ACCEPT


def test_what_is_blocked_in_any_case_may_be_blocked_in_another_way():
    met = step("last", 8, TraceVerdict.CONTINUE)
    rules = book(inexact("last", 0, Effect.DROP))
    answer = read_verdict(QUESTION, [JUMPED, met, POLICY], rules, delivered=False)
    assert answer.verdict is Verdict.DROP
    assert answer.reason.startswith(
        "blocked in any case: by inet fw forward: policy drop, or by inet fw last handle 38"
    )
