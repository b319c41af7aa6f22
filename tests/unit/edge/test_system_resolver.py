"""Names that are looked up beside the loop, and nobody waits for too long."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from tonekeeper.edge import system_resolver
from tonekeeper.edge.system_resolver import look_up_within


def test_an_address_is_not_looked_up(monkeypatch):
    monkeypatch.setattr(system_resolver, "look_up", None)
    assert asyncio.run(look_up_within(1.0, "2001:DB8:0::1", 123)) == ["2001:db8::1"]


def test_what_the_resolver_says_is_what_comes_out(monkeypatch):
    monkeypatch.setattr(system_resolver, "look_up", lambda host, port: [f"{host}:{port}"])
    assert asyncio.run(look_up_within(5.0, "ntp.example.net", 123)) == ["ntp.example.net:123"]


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_a_name_that_leads_nowhere_is_told_as_the_resolver_tells_it(monkeypatch, error):
    def refuse(host, port):
        raise error

    monkeypatch.setattr(system_resolver, "look_up", refuse)
    with pytest.raises(type(error)):
        asyncio.run(look_up_within(5.0, "nowhere.example", 123))


def test_a_resolver_that_does_not_answer_holds_nobody_up(monkeypatch):
    answers, asked = threading.Event(), threading.Event()

    def hang(host, port):
        asked.set()
        answers.wait(60.0)
        return ["192.0.2.1"]

    monkeypatch.setattr(system_resolver, "look_up", hang)
    with pytest.raises(TimeoutError):
        asyncio.run(look_up_within(0.01, "slow.example", 123))
    assert asked.wait(60.0)
    answers.set()  # what comes now is for nobody: the loop is closed
