"""Look-ups: numeric hosts, names, names that lead nowhere, resolvers that sit."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from tonekeeper.core.commands import ResolveSbc
from tonekeeper.core.events import SbcResolved, SbcUnresolved
from tonekeeper.core.site import Transport
from tonekeeper.edge.resolver import Resolver
from tonekeeper.wire.endpoint import Endpoint


def resolve(host: str, sbc: str = "primary") -> ResolveSbc:
    return ResolveSbc(sbc, host, 5060, Transport.UDP)


class Timer:
    def __init__(self, delay: float, callback: Callable[[], None]) -> None:
        self.delay, self.callback = delay, callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """As much of an event loop as a resolver needs; time passes when the test says so."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []
        self.calls: list[Callable[[], None]] = []
        self.called = threading.Semaphore(0)

    def call_later(self, delay, callback, *arguments):
        self.timers.append(Timer(delay, lambda: callback(*arguments)))
        return self.timers[-1]

    def call_soon_threadsafe(self, callback, *arguments):
        self.calls.append(lambda: callback(*arguments))
        self.called.release()

    def take_answer(self) -> None:
        assert self.called.acquire(timeout=10.0)
        self.calls.pop(0)()

    def time_out(self) -> None:
        for timer in [timer for timer in self.timers if not timer.cancelled]:
            self.timers.remove(timer)
            timer.callback()


class Names:
    """A resolver's back end: answers at once, or not before `release`, and counts who asked."""

    def __init__(self, answers: dict[str, object], sits: bool = False) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.gate = threading.Event()
        if not sits:
            self.gate.set()

    def release(self) -> None:
        self.gate.set()

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        assert self.gate.wait(10.0)
        answer = self.answers[host]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture
def events():
    return []


@pytest.mark.parametrize(
    ("host", "address"),
    [("192.0.2.1", "192.0.2.1"), ("2001:DB8::1", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1")],
)
def test_a_numeric_host_is_answered_without_a_look_up(loop, events, host, address):
    Resolver(events.append, loop, Names({})).execute(resolve(host))
    assert events == [SbcResolved("primary", (Endpoint(address, 5060),))]
    assert loop.timers == []


def test_a_name_leads_to_its_addresses_in_order_and_each_once(loop, events):
    names = Names({"sbc.example.net": ["2001:db8::1", "192.0.2.1", "2001:db8::1", "192.0.2.2"]})
    Resolver(events.append, loop, names).execute(resolve("sbc.example.net"))
    loop.take_answer()
    assert events == [
        SbcResolved(
            "primary", (Endpoint("2001:db8::1", 5060), Endpoint("192.0.2.1", 5060), Endpoint("192.0.2.2", 5060))
        )
    ]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (UnicodeError("label empty or too long"), "label empty or too long"),
        (OSError("no more descriptors"), "no more descriptors"),
    ],
)
def test_a_name_that_leads_nowhere_is_unresolved_with_the_reason(loop, events, error, reason):
    Resolver(events.append, loop, Names({"a..b": error})).execute(resolve("a..b"))
    loop.take_answer()
    assert events == [SbcUnresolved("primary", f"cannot resolve 'a..b': {reason}")]


def test_a_name_without_an_address_is_unresolved(loop, events):
    Resolver(events.append, loop, Names({"sbc": []})).execute(resolve("sbc"))
    loop.take_answer()
    assert events == [SbcUnresolved("primary", "cannot resolve 'sbc': the name has no address")]


def test_a_resolver_that_sits_is_given_up_after_two_seconds(loop, events):
    names = Names({"sbc": ["192.0.2.1"]}, sits=True)
    Resolver(events.append, loop, names).execute(resolve("sbc"))
    assert [timer.delay for timer in loop.timers] == [2.0]
    loop.time_out()
    assert events == [SbcUnresolved("primary", "cannot resolve 'sbc': no answer within 2 s")]
    names.release()


def test_addresses_that_come_late_are_told_all_the_same(loop, events):
    names = Names({"sbc": ["192.0.2.1"]}, sits=True)
    Resolver(events.append, loop, names).execute(resolve("sbc"))
    loop.time_out()
    names.release()
    loop.take_answer()
    assert events[1:] == [SbcResolved("primary", (Endpoint("192.0.2.1", 5060),))]


def test_a_failure_that_comes_late_is_not_told_twice(loop, events):
    names = Names({"sbc": OSError("dead")}, sits=True)
    Resolver(events.append, loop, names).execute(resolve("sbc"))
    loop.time_out()
    names.release()
    loop.take_answer()
    assert len(events) == 1


def test_asking_again_while_the_first_look_up_sits_starts_no_second_one(loop, events):
    names = Names({"sbc": ["192.0.2.1"]}, sits=True)
    resolver = Resolver(events.append, loop, names)
    resolver.execute(resolve("sbc"))
    loop.time_out()
    resolver.execute(resolve("sbc"))
    names.release()
    loop.take_answer()
    assert names.asked == ["sbc"]
    assert events[1:] == [SbcResolved("primary", (Endpoint("192.0.2.1", 5060),))]
    assert all(timer.cancelled for timer in loop.timers)


def test_the_answer_for_a_host_that_was_configured_away_is_not_told(loop, events):
    names = Names({"old": ["192.0.2.1"]}, sits=True)
    resolver = Resolver(events.append, loop, names)
    resolver.execute(resolve("old"))
    resolver.execute(resolve("192.0.2.9"))
    names.release()
    loop.take_answer()
    loop.time_out()
    assert events == [SbcResolved("primary", (Endpoint("192.0.2.9", 5060),))]


def test_nothing_is_told_after_closing(loop, events):
    names = Names({"sbc": ["192.0.2.1"]}, sits=True)
    resolver = Resolver(events.append, loop, names)
    resolver.execute(resolve("sbc"))
    resolver.close()
    names.release()
    loop.take_answer()
    loop.time_out()
    assert events == []
