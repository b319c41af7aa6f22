"""A NOTIFY to a phone: how it is written and repeated, and what comes of the answers."""

from __future__ import annotations

import socket
import threading

import pytest

from tonekeeper.edge.phone_notice import PATIENCE, Notice, exchange, notify_phone, render_notify
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.message import decode_request
from tonekeeper.wire.sip.render import render_response

TOKEN = "0123456789abcdef" * 2
EVENT = "check-sync;reboot=false"
REQUEST = render_notify(Endpoint("192.0.2.10", 5062), Endpoint("192.0.2.1", 40000), EVENT, TOKEN, "tonekeeper/1")


class Line:
    """A connected socket and the clock beside it: each wait passes in no time. `answers`: by the moment they come."""

    def __init__(self, answers=()):
        self.now = 0.0
        self.sent_at = []
        self._answers = list(answers)
        self._within = 0.0

    def clock(self):
        return self.now

    def send(self, data):
        assert data == REQUEST
        self.sent_at.append(round(self.now, 3))

    def settimeout(self, within):
        self._within = within

    def recv(self, size):
        if self._answers and self._answers[0][0] <= self.now + self._within:
            at, answer = self._answers.pop(0)
            self.now = max(self.now, at)
            if isinstance(answer, OSError):
                raise answer
            return answer
        self.now += self._within
        raise TimeoutError


def answer(status, reason="Reason", request=REQUEST):
    return render_response(decode_request(request), status, reason, received=None)


def exchanged(*answers):
    line = Line(answers)
    return exchange(line, REQUEST, TOKEN, line.clock), line


def test_it_says_the_event_and_that_no_subscription_stands_behind_it():
    request = decode_request(REQUEST)
    assert (request.method, str(request.uri)) == ("NOTIFY", "sip:192.0.2.10:5062")
    assert request.header("event") == EVENT
    assert request.header("subscription-state") == "terminated"
    assert request.header("contact") == "<sip:tonekeeper@192.0.2.1:40000>"
    assert request.header("authorization") is None


def test_a_phone_with_an_ipv6_address_is_named_in_brackets():
    request = render_notify(Endpoint("2001:db8::1", 5060), Endpoint("2001:db8::2", 1), "resync", TOKEN, "t")
    assert request.startswith(b"NOTIFY sip:[2001:db8::1]:5060 SIP/2.0\r\n")


def test_a_silent_phone_is_told_eleven_times_in_32_seconds():
    notice, line = exchanged()
    assert line.sent_at == pytest.approx([0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5])
    assert line.now == pytest.approx(PATIENCE)
    assert str(notice) == "it does not answer the NOTIFY within 32 s"
    assert (notice.is_taken, notice.may_be_heeded) == (False, True)


def test_an_answer_ends_it():
    notice, line = exchanged((0.02, answer(200, "OK")))
    assert (notice, line.sent_at) == (Notice(200, "OK"), [0.0])
    assert notice.is_taken


def test_after_a_provisional_answer_it_is_repeated_every_four_seconds():
    _, line = exchanged((0.1, answer(100)), (6.0, answer(200)))
    assert line.sent_at == pytest.approx([0.0, 0.5, 4.5])


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "it answers 401 Reason: it asks for credentials, and none are given"),
        (407, "it answers 407 Reason: it asks for credentials, and none are given"),
        (481, "it answers 481 Reason: it wants a subscription first"),
        (489, "it answers 489 Reason: it does not know this event"),
        (503, "it answers 503 Reason"),
    ],
)
def test_a_refusal_is_told_and_not_argued_with(status, told):
    notice, line = exchanged((0.1, answer(status)))
    assert (str(notice), line.sent_at) == (told, [0.0])
    assert not notice.may_be_heeded


def test_noise_and_answers_to_others_are_passed_over():
    other = answer(200).replace(TOKEN.encode(), b"f" * 32)
    notice, _ = exchanged((0.1, b"\0noise"), (0.2, REQUEST), (0.3, other), (0.4, answer(202, "Accepted")))
    assert notice == Notice(202, "Accepted")


def test_a_closed_port_ends_it():
    notice, line = exchanged((0.1, ConnectionRefusedError()))
    assert (str(notice), len(line.sent_at)) == ("nothing listens at this port", 1)


def test_a_phone_on_loopback_is_told():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(10)
        heard = []

        def answer_once():
            data, source = phone.recvfrom(4096)
            heard.append(decode_request(data).header("event"))
            phone.sendto(answer(200, "OK", data), source)

        thread = threading.Thread(target=answer_once)
        thread.start()
        notice = notify_phone(Endpoint(*phone.getsockname()), EVENT, TOKEN, "tonekeeper/1")
        thread.join()
    assert (notice.is_taken, heard) == (True, [EVENT])
