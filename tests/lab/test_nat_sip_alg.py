"""The kernel's own SIP helper in the CPE, on and off, seen from the phone behind it.

With nobody's help but an ordinary Kamailio's: it says in our Via where it saw us, and on the way back the helper puts
our private address there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest

from tests.lab.edge_namespaces import run_inside
from tests.lab.measuring import Measured, Measuring, fibre_blocks
from tests.lab.namespace import LabError
from tests.lab.stun import FIRST, SECOND, coturn, reflector
from tests.lab.topology import Lab
from tonekeeper.core.nat.alg import AlgCheck, SipQuestions
from tonekeeper.core.nat.attempt import Attempt, Limits
from tonekeeper.core.nat.messages import Command, DeadlineReached, Event, Finished, SipReceived, SipSent, SocketOpened
from tonekeeper.core.nat.result import Lifetimes, NatResult, SipAlg
from tonekeeper.drivers.measure import MeasureDriver
from tonekeeper.edge.entropy import token
from tonekeeper.edge.nat_sockets import NatSockets
from tonekeeper.wire.endpoint import Endpoint

pytestmark = pytest.mark.lab

KAMAILIO = Endpoint("203.0.113.2", 5060)
PHONE, SEEN_AS = "192.0.2.10", "198.51.100.2"
RUNS = 20
STUN_PORT = 3478
OPTIONS = ("--max", "2", "--sip", KAMAILIO.host)
HELPER = """
table ip alg {
    ct helper sip-5060 {
        type "sip" protocol udp
    }
    chain prerouting {
        type filter hook prerouting priority filter
        udp dport 5060 ct helper set "sip-5060"
    }
}
"""


@contextmanager
def sip_helper(lab: Lab, *, on: bool = True) -> Iterator[None]:
    """Flows keep the helper they were made with for an hour, so those there are begin anew."""
    cpe = lab.cpe.namespace
    if on:
        try:
            cpe.nft(HELPER)
        except LabError as error:
            pytest.skip(f"this kernel has no nf_conntrack_sip: {error}")
    cpe.run("conntrack", "-F")
    try:
        yield
    finally:
        if on:
            cpe.run("nft", "delete", "table", "ip", "alg")
        cpe.run("conntrack", "-F")


@pytest.mark.parametrize("knows_stun", [True, False])
def test_kamailio_alone_is_enough_twenty_times_out_of_twenty(lab, knows_stun):
    random = Random(os.urandom(4))
    truth = [SipAlg.YES, SipAlg.NO] * (RUNS // 2)
    random.shuffle(truth)

    asked = [_ask_kamailio(lab, helper_is_on=one is SipAlg.YES, knows_stun=knows_stun) for one in truth]
    assert asked == truth


@pytest.mark.parametrize(("helper_is_on", "verdict"), [(True, "yes"), (False, "no")])
def test_a_firewall_that_lets_sip_through_and_no_stun_hides_nothing(lab, helper_is_on, verdict):
    with coturn(lab), fibre_blocks(lab, STUN_PORT), sip_helper(lab, on=helper_is_on):
        measured = Measuring(lab.phone, FIRST, *OPTIONS).wait(within=30.0)

    assert measured.document["mapping"] == "not checked"
    assert (measured.document["sip_alg"], measured.evidence("via")) == (verdict, verdict), measured


def test_without_the_helper_the_command_says_no(lab):
    with coturn(lab), sip_helper(lab, on=False):
        measured = Measuring(lab.phone, FIRST, *OPTIONS).wait(within=20.0)

    assert measured.document["sip_alg"] == "no", measured
    assert measured.code == 0


def test_with_the_helper_every_piece_of_evidence_says_yes_and_the_router_knows_why(lab):
    with reflector(lab, "--alternate", SECOND), sip_helper(lab):
        behind, router = _behind_and_on_the_router(lab)

    assert behind.document["sip_alg"] == "yes", behind
    assert [behind.evidence(name) for name in ("via", "mirror", "port-5060")] == ["yes", "yes", "yes"]
    assert behind.code == 1
    assert router.evidence("helper") == "yes"
    assert (router.document["mapping"], router.document["filtering"]) == ("none", "endpoint-independent")
    assert router.document["kernel_timeouts_s"]["unreplied"] == 30


def _behind_and_on_the_router(lab: Lab) -> list[Measured]:
    """The router's own SIP is not rewritten, but its ruleset says what happens to the phones'."""
    places = (lab.phone, lab.cpe.namespace)
    started = [Measuring(place, FIRST, *OPTIONS) for place in places]
    try:
        return [one.wait(within=20.0) for one in started]
    finally:
        for one in started:
            one.kill()


def _ask_kamailio(lab: Lab, *, helper_is_on: bool, knows_stun: bool) -> SipAlg:
    async def scenario() -> SipAlg:
        sockets = NatSockets(lambda event: driver.feed(event), local=PHONE)
        driver = MeasureDriver(OnlyTheAlg(knows_stun=knows_stun), token=token, execute=sockets.execute)
        try:
            async with asyncio.timeout(10.0):
                return (await driver.run()).sip_alg
        finally:
            sockets.close()

    with sip_helper(lab, on=helper_is_on):
        return run_inside(lab.phone, scenario)


class OnlyTheAlg:
    """A measurement of nothing else: what STUN would say is known, or will never be."""

    def __init__(self, *, knows_stun: bool) -> None:
        attempt = Attempt(Endpoint(FIRST, STUN_PORT), Limits(), started=0.0)
        attempt.mapped = Endpoint(SEEN_AS, 40000) if knows_stun else None
        self._check = AlgCheck(attempt, SipQuestions((KAMAILIO,)))
        self._has_begun = False

    def next_deadline(self) -> float | None:
        return self._check.next_deadline() if self._has_begun else 0.0

    def handle(self, event: Event, now: float) -> list[Command]:
        commands = self._tell(event, now)
        if self._check.is_over:
            nothing = Lifetimes()
            commands.append(Finished(NatResult("", "", "", "", "", nothing, self._check.verdict, elapsed_s=0.0)))
        return commands

    def _tell(self, event: Event, now: float) -> list[Command]:
        match event:
            case DeadlineReached() if not self._has_begun:
                self._has_begun = True
                return self._check.begin()
            case DeadlineReached():
                return self._check.on_deadline(event.token, now)
            case SocketOpened():
                self._check.opened(event.socket, event.local, now)
            case SipSent():
                self._check.sent(event)
            case SipReceived():
                return self._check.hear(event)
        return []
