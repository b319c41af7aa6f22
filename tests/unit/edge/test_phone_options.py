"""Questions to a phone on loopback: asked at one port, then at the next, and no answer is no event."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager

from tonekeeper.core.commands import AskPhone
from tonekeeper.core.events import PhoneSeen, PhoneSign
from tonekeeper.edge.phone_options import MOST_AT_ONCE, PhoneQuestions
from tonekeeper.wire.sip.message import decode_request
from tonekeeper.wire.sip.render import render_response

TOKEN = "0123456789abcdef" * 2
HOST = "127.0.0.1"


@contextmanager
def phone():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        sock.setblocking(False)
        yield sock, sock.getsockname()[1]


async def asked(ports, answer=None, at=None):
    """What is reported when the phone at `at` gives `answer(request)`, and the question it heard."""
    told = asyncio.get_running_loop().create_future()
    questions = PhoneQuestions(told.set_result, ports=ports)
    questions.execute(AskPhone(HOST, "lo", TOKEN))
    data, source = await asyncio.wait_for(asyncio.get_running_loop().sock_recvfrom(at, 4096), 10)
    for reply in answer(decode_request(data)):
        await asyncio.get_running_loop().sock_sendto(at, reply, source)
    try:
        return await asyncio.wait_for(told, 10), data
    finally:
        questions.close()


def ok(request, user_agent="Yealink SIP-T46U 108.86.0.20", status=200):
    return render_response(request, status, "OK", received=None, headers=[("User-Agent", user_agent)])


def test_an_answer_tells_the_user_agent():
    with phone() as (sock, port):
        told, question = asyncio.run(asked((port,), lambda request: [ok(request)], sock))
    assert told == PhoneSeen(HOST, PhoneSign.OPTIONS, "lo", user_agent="Yealink SIP-T46U 108.86.0.20")
    assert question.startswith(b"OPTIONS sip:127.0.0.1")


def test_a_refusal_is_an_answer_too():
    with phone() as (sock, port):
        told, _ = asyncio.run(asked((port,), lambda request: [ok(request, status=404)], sock))
    assert told.user_agent


def test_noise_and_the_answer_to_another_question_are_passed_over():
    def noisy(request):
        other = ok(request, "Other 1.0").replace(TOKEN.encode(), b"f" * 32)
        return [b"\xff\x00noise", other, ok(request, "Trying 1.0", 100), ok(request)]

    with phone() as (sock, port):
        told, _ = asyncio.run(asked((port,), noisy, sock))
    assert told.user_agent == "Yealink SIP-T46U 108.86.0.20"


def test_a_port_where_nobody_listens_is_followed_by_the_next():
    with phone() as (sock, port), phone() as (closed, nobody):
        closed.close()
        told, _ = asyncio.run(asked((nobody, port), lambda request: [ok(request)], sock))
    assert told.by is PhoneSign.OPTIONS


def test_no_more_than_a_few_questions_are_open_and_closing_ends_them():
    async def story():
        questions = PhoneQuestions(lambda seen: None, ports=(9,))
        for number in range(3 * MOST_AT_ONCE):
            questions.execute(AskPhone(f"127.0.1.{number}", "nothing0", TOKEN))
        open_ones = len(asyncio.all_tasks()) - 1
        questions.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return open_ones, len(asyncio.all_tasks()) - 1

    assert asyncio.run(story()) == (MOST_AT_ONCE, 0)
