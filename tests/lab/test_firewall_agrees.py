"""What the copy of a router says of a packet is what the router does with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest

from tests.lab import random_rulesets
from tests.lab.crossing import RTP_PORTS, SERVERS, WANS, Crossing, Outcome
from tests.lab.needs import missing
from tonekeeper.core.firewall.flows import Direction, FlowQuestion, FlowVerdict, Origin, Traffic, Verdict
from tonekeeper.edge.shadow import Answer, Scene, ask_shadow
from tonekeeper.edge.shadow_ruleset import read_ruleset
from tonekeeper.edge.shadow_surroundings import read_surroundings
from tonekeeper.wire.endpoint import Endpoint

pytestmark = pytest.mark.lab

SEED = 7
THOROUGH = os.environ.get("TONEKEEPER_EXAMPLES") == "thorough"
OF_NFTABLES, OF_IPTABLES = (90, 45) if THOROUGH else (20, 12)
"""Rulesets of each of four, and of each of three tests."""
QUESTIONS = tuple(
    FlowQuestion(origin, server, wan, traffic, Endpoint(server, port), lan="lan0" if origin is Origin.LAN else "")
    for wan in WANS
    for origin in Origin
    for server in SERVERS
    for traffic, port in ((Traffic.UDP, 5060), (Traffic.TCP, 5060), *((Traffic.RTP, port) for port in RTP_PORTS))
)


@pytest.fixture(scope="module")
def crossing() -> Iterator[Crossing]:
    if reason := missing():
        pytest.skip(reason)
    with Crossing() as crossing:
        yield crossing


@pytest.fixture(autouse=True)
def clean(crossing: Crossing) -> Iterator[None]:
    yield
    crossing.router.nft("flush ruleset")
    crossing.router.run("iptables-legacy-restore", stdin="*filter\nCOMMIT\n*nat\nCOMMIT\n")


def ask(crossing: Crossing) -> Answer:
    def inside() -> Answer:
        wans = tuple((name, interface) for name, (interface, _, _) in WANS.items())
        ruleset = read_ruleset()
        scene = Scene(read_surroundings([]), ruleset, ("lan0",), wans, {})
        return ask_shadow(scene, QUESTIONS, lambda verdicts: ())

    return crossing.router.inside(inside)


@dataclass(slots=True)
class Tally:
    """Of verdicts."""

    agreed: int = 0
    not_checked: int = 0
    had_no_packet: int = 0
    """Answers to what does not get out."""

    def add(self, other: Tally) -> None:
        self.agreed += other.agreed
        self.not_checked += other.not_checked
        self.had_no_packet += other.had_no_packet

    def __str__(self) -> str:
        asked = self.agreed + self.not_checked
        share = 100 * self.not_checked / asked
        return f"{self.agreed} of {asked} verdicts agree, {self.not_checked} ({share:.1f} %) are not checked"


def differences(crossing: Crossing, answer: Answer) -> tuple[list[str], Tally]:
    """Verdicts that the router does not share, and how many it does share."""
    said = {verdict.question: verdict for verdict in answer.verdicts}
    wrong: list[str] = []
    tally = Tally()
    for wan in WANS:
        asked = [question for question in QUESTIONS if question.wan == wan]
        for question, outcome in zip(asked, crossing.send(asked), strict=True):
            back = question.turned(Direction.RETURN)
            for verdict in (said[question], said[back]):
                if verdict.verdict is Verdict.NOT_CHECKED:
                    is_moot = verdict.question == back and said[question].verdict.is_blocked
                    tally.not_checked += not is_moot
                    tally.had_no_packet += is_moot
                    continue
                tally.agreed += 1
                if not agrees(verdict, outcome):
                    wrong.append(f"{verdict}\n    really: {outcome}")
    return wrong, tally


def agrees(verdict: FlowVerdict, outcome: Outcome) -> bool:
    if verdict.question.direction is Direction.RETURN:
        return (verdict.verdict is Verdict.ACCEPT) == outcome.answered
    if verdict.verdict is Verdict.ACCEPT:
        return str(outcome.arrived) == (verdict.arrives_at or str(verdict.question.address))
    is_silent = verdict.verdict is Verdict.DROP and verdict.rule is not None and not verdict.reason
    return outcome.arrived is None and not (is_silent and outcome.refused)


def check(crossing: Crossing, ruleset: str) -> Tally:
    answer = ask(crossing)
    wrong, tally = differences(crossing, answer)
    if wrong:  # a busy machine may have been too slow for the real packets
        wrong, tally = differences(crossing, answer)
    assert not wrong, "\n".join([ruleset, *wrong])
    return tally


@pytest.mark.parametrize("part", range(4))
def test_the_copy_agrees_with_the_router_about_random_nftables_rulesets(crossing, part):
    random = Random(SEED + part)
    tally = Tally()
    for _ in range(OF_NFTABLES):
        ruleset = random_rulesets.nftables(random)
        crossing.router.nft(ruleset)
        crossing.router.set_sysctls({"net.ipv4.conf.all.rp_filter": random.choice("012")})
        tally.add(check(crossing, ruleset))
    print(tally)
    assert tally.agreed >= 15 * OF_NFTABLES


@pytest.mark.parametrize(
    "programs", [("iptables-nft",), ("iptables-legacy",), ("iptables-nft", "iptables-legacy")], ids="-and-".join
)
def test_the_copy_agrees_with_the_router_about_random_iptables_rulesets(crossing, programs):
    random = Random(SEED)
    tally = Tally()
    for _ in range(OF_IPTABLES):
        rulesets = {program: random_rulesets.iptables(random) for program in programs}
        for program, ruleset in rulesets.items():
            crossing.router.run(f"{program}-restore", stdin=ruleset)
        tally.add(check(crossing, "".join(rulesets.values())))
    print(tally)
    assert tally.agreed >= 5 * OF_IPTABLES
