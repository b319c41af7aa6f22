"""Whether a server can be made to speak first over TCP, question by question."""

from __future__ import annotations

from tonekeeper.core.nat.attempt import Attempt, Limits
from tonekeeper.core.nat.control import Control
from tonekeeper.core.nat.messages import OpenSocket, SendStun
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.message import TCP, ErrorCode, StunClass, StunMessage

SERVER, PUBLIC = Endpoint("198.51.100.1", 3478), "203.0.113.7"
ASKER = 7


class Asked:
    """A control connection that stands, and what it asked so far."""

    def __init__(self) -> None:
        self.now = 100.0
        self._tokens = iter(f"{number:024x}{0:08x}" for number in range(10))
        attempt = Attempt(SERVER, Limits(), self.now)
        attempt.mapped = Endpoint(PUBLIC, 61000)
        self.control = Control(attempt)
        (opened,) = self.control.begin(ASKER)
        assert opened == OpenSocket(1, connect_to=SERVER)
        self.control.opened(self.now)

    def ask(self) -> SendStun:
        self.now = self.control.next_deadline()
        (sent,) = self.control.on_deadline(next(self._tokens), self.now)
        assert isinstance(sent, SendStun)
        return sent

    def answer(self, sent: SendStun, *, on: int = 1, mapped: str = PUBLIC, error: int = 0) -> str | None:
        message = StunMessage(
            StunClass.ERROR if error else StunClass.SUCCESS,
            sent.message.transaction_id,
            xor_mapped_address=None if error else Endpoint(mapped, 50000),
            error=ErrorCode(error, "") if error else None,
        )
        assert self.control.hear(on, SERVER, message, self.now + 0.02)
        return self.control.refusal


def test_the_connection_asks_for_itself_and_then_the_asker_for_an_answer_on_it():
    asked = Asked()
    own = asked.ask()
    assert (own.socket, own.message.response_port) == (1, None)
    assert asked.answer(own) is None
    first = asked.ask()
    assert first.socket == ASKER
    assert (first.message.response_port, first.message.requested_transport) == (50000, TCP)
    assert asked.answer(first) == ""


def test_a_server_that_does_not_know_the_attribute_says_so_and_that_is_told():
    asked = Asked()
    asked.answer(asked.ask())
    assert "does not speak first over TCP (420)" in (asked.answer(asked.ask(), on=ASKER, error=420) or "")


def test_an_answer_to_the_asker_itself_is_not_what_was_asked_for():
    asked = Asked()
    asked.answer(asked.ask())
    assert "does not speak first over TCP" in (asked.answer(asked.ask(), on=ASKER) or "")


def test_a_nat_with_another_address_for_tcp_is_said_to_have_one():
    asked = Asked()
    assert asked.answer(asked.ask(), mapped="203.0.113.8") == "the NAT gives TCP another address, 203.0.113.8"


def test_over_tcp_a_question_is_sent_once_and_its_answer_is_waited_for():
    asked = Asked()
    asked.ask()
    assert asked.control.on_deadline("f" * 32, asked.control.next_deadline()) == []
    assert asked.control.refusal == "no answer from 198.51.100.1:3478 over TCP"


def test_a_refusal_and_an_end_are_told_as_they_came():
    refused, ended = Asked().control, Asked().control
    refused.refused("cannot connect to 198.51.100.1:3478: Connection refused")
    ended.ended("Connection reset by peer")
    assert refused.refusal == "cannot connect to 198.51.100.1:3478: Connection refused"
    assert ended.refusal == "the TCP connection to 198.51.100.1:3478 was ended: Connection reset by peer"


def test_repeated_segments_do_not_count_as_round_trips():
    asked = Asked()
    asked.answer(asked.ask())
    asked.answer(asked.ask())
    assert asked.control.attempt.slowest_answer == 0.0
