"""One path, probed: answers that come later than the next probe, and the port that is given up."""

from __future__ import annotations

import pytest

from tonekeeper.core.budget import Patience
from tonekeeper.core.chance import Chance
from tonekeeper.core.probe import REKEY_AFTER, REKEY_PATIENCE, TAKES_AND_SAYS_NOTHING, PathProbe, Sent
from tonekeeper.core.report import PathState
from tonekeeper.core.site import Path, Transport
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.reply import SipReply

PATH = Path("fibre", "primary", Transport.UDP, Endpoint("192.0.2.1", 5060))
TWO = Patience(2, 0.0)


class Probing:
    """A path that is probed every second."""

    interval = 1.0

    def __init__(self) -> None:
        self.probe = PathProbe(PATH)
        self.probe.socket_opened("198.51.100.2", 0.0)
        self._chance = Chance(1)
        self._tokens = 0

    def send(self, now: float) -> Sent:
        self._tokens += 1
        return self.probe.sending(f"{self._tokens:032x}"[::-1], self.interval, self._chance, now)

    def answer(self, sent: Sent, now: float) -> None:
        reply = SipReply(200, "OK", sent.branch, "198.51.100.2:40000", 1, sent.call_id, sent.cseq, "OPTIONS")
        self.probe.reply(reply, self.interval, self._chance, now)

    def fall(self) -> None:
        """Called down at 3.0, by probes at 0, 1 and 2 whose answers may still come."""
        for number in range(3):
            self.send(float(number))
            self.probe.missed(TWO, number + 1.0)
        assert self.probe.state is PathState.DOWN


@pytest.fixture
def probing() -> Probing:
    return Probing()


def test_a_probe_that_leaves_before_the_answer_to_the_one_before_puts_off_no_miss(probing):
    probing.answer(probing.send(0.0), 3.0)
    assert probing.probe.timeout.value > probing.interval
    probing.send(4.0)
    expected = probing.probe.answer_by
    for later in (5.0, 6.0, 7.0):
        probing.send(later)
    assert probing.probe.answer_by == expected


def test_a_port_is_not_given_up_while_answers_to_it_may_still_come(probing):
    probing.fall()
    for at in (3.0, 3.5):
        probing.send(at)
        probing.probe.missed(TWO, at + 0.4)
    assert probing.probe.unanswered == REKEY_AFTER
    assert not probing.probe.wants_new_port(REKEY_PATIENCE - 0.1)
    assert probing.probe.wants_new_port(REKEY_PATIENCE)


def test_a_path_without_an_unanswered_probe_keeps_its_port(probing):
    assert not probing.probe.wants_new_port(1e6)


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
def test_a_connection_after_the_verdict_proves_nothing_and_is_told(probing, transport):
    probing.probe.path = PATH._replace(transport=transport)
    probing.fall()
    probing.probe.socket_closed()
    probing.probe.socket_opened("198.51.100.2", 4.0)
    assert (probing.probe.state, probing.probe.reason) == (PathState.DOWN, TAKES_AND_SAYS_NOTHING)


def test_a_new_socket_over_udp_tells_nothing(probing):
    probing.fall()
    before = probing.probe.reason
    probing.probe.socket_closed()
    probing.probe.socket_opened("198.51.100.2", 4.0)
    assert probing.probe.reason == before
