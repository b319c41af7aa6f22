"""SBCs, circuits and phones, spoken to through sockets as the agent's own are."""

from random import Random

import pytest

from tonekeeper.core.commands import SendOptions
from tonekeeper.core.site import Path, Transport
from tonekeeper.drivers.sim.message import PortUnreachable
from tonekeeper.drivers.sim.nat import LINUX
from tonekeeper.drivers.sim.network import Network
from tonekeeper.drivers.sim.phone import PhonePeer
from tonekeeper.drivers.sim.timeline import Timeline
from tonekeeper.wire.sip.reply import SipReply


class Bench:
    """A network, one socket, and the hands to move its time."""

    def __init__(self, site):
        self.timeline = Timeline()
        self.network = Network(Random(1), self.timeline)
        self.network.grow(site)
        self.wan = self.network.wan("fibre")
        self.sbc = self.network.sbc("primary")
        self.socket = self.network.socket("fibre", "primary")
        self.socket.receive = lambda now, source, message: self.came.append((now, source, message))
        self.came = []
        self.now = 0.0

    def run(self, seconds):
        until = self.now + seconds
        while self.timeline.heap and self.timeline.heap[0][0] <= until:
            self.timeline.step()
        self.now = until

    def ask(self):
        """One OPTIONS; what came back within 20 s."""
        self.came.clear()
        path = Path("fibre", "primary", Transport.UDP, self.sbc.endpoint)
        self.network.send(self.now, self.socket, SendOptions(path, "h", "z9hG4bKb", "t", "c", 7, "x"))
        began = self.now
        self.run(20.0)
        return [(now - began, message) for now, _, message in self.came]

    def phone(self, **habits):
        phone = PhonePeer("101", self.network.socket("fibre", "primary"), self.network, **habits)
        phone.switch_on(self.now)
        return phone


@pytest.fixture
def bench(site):
    return Bench(site)


def test_an_sbc_answers_options_with_what_identifies_the_request_and_shows_where_it_came_from(bench):
    [(elapsed, reply)] = bench.ask()
    assert 0.024 <= elapsed < 0.060
    assert reply == SipReply(
        status=200,
        reason="OK",
        branch="z9hG4bKb",
        sent_by="",
        via_count=1,
        call_id="c",
        cseq=7,
        method="OPTIONS",
        received=bench.socket.local.host,
        rport=bench.socket.local.port,
        server="simulated",
    )
    assert bench.came[0][1] == bench.sbc.endpoint


def test_behind_a_nat_an_sbc_sees_the_external_endpoint(bench):
    bench.wan.translate(LINUX)
    [(_, reply)] = bench.ask()
    assert reply.received == "203.0.113.10"
    assert reply.rport != bench.socket.local.port


def test_a_host_that_is_an_address_keeps_it_and_a_name_is_given_one(bench):
    assert str(bench.network.sbc("alternate").endpoint) == "198.51.100.99:5070"
    assert str(bench.sbc.endpoint) == "198.51.100.10:5060"


def test_an_sbc_that_is_full_says_when_to_come_back(bench):
    bench.sbc.answer(503, retry_after=120)
    [(_, reply)] = bench.ask()
    assert (reply.status, reply.reason, reply.retry_after) == (503, "Service Unavailable", 120)


def test_a_silent_sbc_says_nothing_but_is_asked(bench):
    bench.sbc.fall_silent()
    assert bench.ask() == []
    assert bench.sbc.requests == 1


def test_a_late_sbc_answers_late(bench):
    bench.sbc.answer(200, late=4.0)
    [(elapsed, _)] = bench.ask()
    assert 4.0 < elapsed < 4.1


def test_a_stopped_sbc_is_reported_by_its_host(bench):
    bench.sbc.stop()
    [(_, message)] = bench.ask()
    assert message == PortUnreachable("198.51.100.10")


def test_a_recovered_sbc_answers_as_at_the_start(bench):
    bench.sbc.answer(503, retry_after=120, late=4.0)
    bench.sbc.fall_silent()
    bench.sbc.recover()
    [(elapsed, reply)] = bench.ask()
    assert elapsed < 1.0
    assert (reply.status, reply.retry_after) == (200, None)


def test_a_circuit_without_carrier_carries_nothing_either_way_and_says_so(bench):
    changes = []
    bench.wan.changed = lambda: changes.append((bench.wan.present, bench.wan.carrier, bench.wan.addresses))
    bench.wan.lose_carrier()
    assert bench.ask() == []
    assert bench.sbc.requests == 0
    bench.wan.recover()
    assert len(bench.ask()) == 1
    assert changes == [(True, False, ("192.0.2.10",)), (True, True, ("192.0.2.10",))]


def test_an_answer_under_way_when_the_carrier_goes_is_lost(bench):
    bench.sbc.answer(200, late=4.0)
    bench.timeline.plan(2.0, lambda _now, _what: bench.wan.lose_carrier(), None)
    assert bench.ask() == []


def test_a_circuit_that_vanished_has_no_address(bench):
    bench.wan.vanish()
    assert bench.wan.addresses == ()
    bench.wan.recover()
    assert bench.wan.addresses == ("192.0.2.10",)


def test_a_path_can_be_silent_while_its_neighbours_are_not(bench):
    bench.network.path("fibre", "primary").fall_silent()
    assert bench.ask() == []
    bench.socket = bench.network.socket("lte", "primary")
    bench.socket.receive = lambda now, source, message: bench.came.append((now, source, message))
    assert len(bench.ask()) == 1


def test_what_arrives_for_a_closed_socket_is_lost(bench):
    bench.socket.close()
    assert bench.ask() == []
    assert bench.sbc.requests == 1


def test_growing_a_network_leaves_what_stands(bench, site):
    before = bench.network.path("fibre", "primary")
    bench.network.grow(site)
    assert bench.network.path("fibre", "primary") is before
    assert len(bench.network.circuits) == 2


def test_a_phone_registers_again_and_again_and_rings_when_it_is_called(bench):
    phone = bench.phone(register_every=60)
    bench.run(130.0)
    assert len(phone.registered) == 3
    assert bench.sbc.call("101", bench.now)
    bench.run(1.0)
    assert len(phone.rang) == 1


def test_an_sbc_knows_nothing_of_a_phone_whose_registration_has_run_out(bench):
    bench.phone(register_every=60)
    bench.run(1.0)
    bench.wan.fall_silent()
    bench.run(119.5)
    assert not bench.sbc.call("101", bench.now)
    assert not bench.sbc.call("102", bench.now)
