"""Look-ups: who is asked what, how often, and what is told in the end. The servers here are functions."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest

from tonekeeper.core.commands import ResolveSbc
from tonekeeper.core.events import NameFailure, SbcResolved, SbcUnresolved
from tonekeeper.core.location import Answer, HostAddress, NoAnswer, Question, RecordType, Reply, Srv
from tonekeeper.core.site import Target, Transport
from tonekeeper.edge.dns import Resolver
from tonekeeper.edge.nameservers import Nameserver
from tonekeeper.wire.endpoint import Endpoint

UDP = Transport.UDP
NXDOMAIN = NoAnswer(NameFailure.NXDOMAIN, "no such name")
FIRST, SECOND = Nameserver("192.0.2.53", "eth0"), Nameserver("192.0.2.54", "eth0")


def resolve(host: str = "sbc.example.net", port: int = 5060, *, sbc: str = "primary", wan: str = "fibre") -> ResolveSbc:
    return ResolveSbc(sbc, host, port, None, wan, "eth0")


def target(address: str, port: int = 5060) -> Target:
    return Target(UDP, Endpoint(address, port))


class Servers:
    """Answers of each server, by question; those of a server that is silent come when it is told to speak."""

    def __init__(self, **zones: dict[str, Reply]) -> None:
        self.zones = {FIRST: zones.get("first", {}), SECOND: zones.get("second", {})}
        self.asked: list[tuple[Nameserver, str]] = []
        self.silent: set[Nameserver] = set()
        self._speak = asyncio.Event()

    async def ask(self, nameserver: Nameserver, question: Question) -> Reply:
        self.asked.append((nameserver, str(question)))
        if nameserver in self.silent:
            await self._speak.wait()
        return self.zones[nameserver].get(str(question), NXDOMAIN)

    def speak(self) -> None:
        self._speak.set()


class Asking:
    """A resolver that asks `servers`, and what it told."""

    def __init__(self, servers: Servers, *, limit: float = 60.0, known: tuple[Nameserver, ...] = (FIRST,)) -> None:
        self.events: list[SbcResolved | SbcUnresolved] = []
        loop = asyncio.get_running_loop()
        self.resolver = Resolver(self._report, loop, nameservers=lambda _: known, ask=servers.ask, limit=limit)
        self._told = asyncio.Event()

    def _report(self, event: SbcResolved | SbcUnresolved) -> None:
        self.events.append(event)
        self._told.set()

    async def told(self, number: int = 1) -> list[SbcResolved | SbcUnresolved]:
        """The first so many events."""
        async with asyncio.timeout(10.0):
            while len(self.events) < number:
                self._told.clear()
                await self._told.wait()
        return self.events


async def turns(number: int = 20) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def addresses(*hosts: str, ttl: float = 300) -> Answer:
    return Answer(tuple(HostAddress(host) for host in hosts), ttl)


def run(scenario: Callable[[], object]) -> None:
    asyncio.run(scenario())


def test_a_numeric_host_is_answered_at_once_and_nobody_is_asked():
    async def scenario():
        servers = Servers()
        asking = Asking(servers)
        asking.resolver.execute(resolve("[2001:DB8::1]"))
        assert asking.events == [SbcResolved("primary", (target("2001:db8::1"),), "fibre", "", 86400.0)]
        assert servers.asked == []

    run(scenario)


def test_a_name_is_followed_through_srv_to_its_addresses():
    async def scenario():
        servers = Servers(
            first={
                "SRV _sip._udp.example.net": Answer((Srv(10, 5, 5070, "a.example.net"),), 60),
                "A a.example.net": addresses("203.0.113.2"),
            }
        )
        asking = Asking(servers)
        asking.resolver.execute(resolve("example.net", 0))
        assert await asking.told() == [
            SbcResolved("primary", (Target(UDP, Endpoint("203.0.113.2", 5070), 10, 5),), "fibre", "192.0.2.53", 60)
        ]
        assert [question for _, question in servers.asked] == [
            "NAPTR example.net",
            "SRV _sip._udp.example.net",
            "SRV _sip._tcp.example.net",
            "SRV _sips._tcp.example.net",
            "AAAA a.example.net",
            "A a.example.net",
        ]

    run(scenario)


def test_each_resolver_is_asked_by_itself_and_a_silent_one_delays_no_other():
    async def scenario():
        servers = Servers(second={"A sbc.example.net": addresses("203.0.113.2")})
        servers.silent.add(FIRST)
        asking = Asking(servers, known=(FIRST, SECOND))
        asking.resolver.execute(resolve())
        await asking.told()
        servers.speak()
        assert await asking.told(2) == [
            SbcResolved("primary", (target("203.0.113.2"),), "fibre", "192.0.2.54", 300),
            SbcUnresolved(
                "primary",
                "cannot locate 'sbc.example.net': A sbc.example.net: no such name",
                "fibre",
                "192.0.2.53",
                NameFailure.NXDOMAIN,
            ),
        ]

    run(scenario)


def test_a_resolver_that_stays_silent_is_given_up():
    async def scenario():
        servers = Servers()
        servers.silent.add(FIRST)
        asking = Asking(servers, limit=0.01)
        asking.resolver.execute(resolve())
        (event,) = await asking.told()
        assert event.failure is NameFailure.TIMEOUT
        assert event.reason == "cannot locate 'sbc.example.net': AAAA sbc.example.net: no answer within 0.01 s"

    run(scenario)


def test_what_came_before_the_deadline_is_used_although_something_is_missing():
    async def scenario():
        async def silent_about_ipv6(_, question):
            if question.type is RecordType.AAAA:
                await asyncio.Event().wait()
            return addresses("203.0.113.2")

        servers = Servers()
        servers.ask = silent_about_ipv6
        asking = Asking(servers, limit=0.01)
        asking.resolver.execute(resolve())
        (event,) = await asking.told()
        assert event.targets == (target("203.0.113.2"),)
        asking.resolver.close()

    run(scenario)


def test_the_deadline_is_for_the_whole_look_up_and_not_for_each_question():
    async def scenario():
        asked: list[str] = []

        async def silent_about_tcp(_, question):
            asked.append(str(question))
            if "_tcp" in question.name:
                await asyncio.Event().wait()
            return Answer((Srv(0, 0, 5060, "a.example.net"),), 60) if question.type is RecordType.SRV else NXDOMAIN

        servers = Servers()
        servers.ask = silent_about_tcp
        asking = Asking(servers, limit=0.01)
        asking.resolver.execute(resolve("example.net", 0))
        (event,) = await asking.told()
        assert event.failure is NameFailure.TIMEOUT
        assert "A a.example.net" not in asked
        asking.resolver.close()

    run(scenario)


def test_asking_again_while_the_first_look_up_is_under_way_begins_no_second_one():
    async def scenario():
        servers = Servers(first={"A sbc.example.net": addresses("203.0.113.2")})
        servers.silent.add(FIRST)
        asking = Asking(servers)
        for _ in range(3):
            asking.resolver.execute(resolve())
            await turns()
        servers.speak()
        await asking.told()
        await turns()
        assert len(asking.events) == 1
        assert len(servers.asked) == 2

    run(scenario)


def test_two_sbcs_with_one_host_share_the_questions_and_each_is_told():
    async def scenario():
        servers = Servers(first={"A sbc.example.net": addresses("203.0.113.2")})
        asking = Asking(servers)
        asking.resolver.execute(resolve(sbc="primary"))
        asking.resolver.execute(resolve(sbc="alternate"))
        assert [event.sbc for event in await asking.told(2)] == ["primary", "alternate"]
        assert len(servers.asked) == 2

    run(scenario)


def test_the_same_question_is_asked_again_once_it_has_been_answered():
    async def scenario():
        servers = Servers()
        asking = Asking(servers)
        for number in (1, 2):
            asking.resolver.execute(resolve())
            await asking.told(number)
        assert len(servers.asked) == 4

    run(scenario)


def test_the_answer_for_a_host_that_was_configured_away_is_not_told():
    async def scenario():
        servers = Servers(first={"A old.example.net": addresses("203.0.113.2")})
        servers.silent.add(FIRST)
        asking = Asking(servers)
        asking.resolver.execute(resolve("old.example.net"))
        asking.resolver.execute(resolve("other.example.net", wan="lte"))
        await turns()
        asking.resolver.execute(resolve("203.0.113.9"))
        servers.speak()
        await asking.told(2)
        await turns()
        assert [(event.wan, type(event)) for event in asking.events] == [("fibre", SbcResolved), ("lte", SbcUnresolved)]
        assert asking.events[0].targets == (target("203.0.113.9"),)

    run(scenario)


def test_without_any_dns_server_that_is_the_answer():
    async def scenario():
        asking = Asking(Servers(), known=())
        asking.resolver.execute(resolve())
        assert asking.events == [
            SbcUnresolved(
                "primary",
                "cannot locate 'sbc.example.net': no DNS server is known; name one as `resolvers` of the WAN",
                "fibre",
                "",
                NameFailure.UNREACHABLE,
            )
        ]

    run(scenario)


def test_nothing_is_told_after_closing():
    async def scenario():
        servers = Servers()
        servers.silent.add(FIRST)
        asking = Asking(servers)
        asking.resolver.execute(resolve())
        await turns()
        asking.resolver.close()
        servers.speak()
        await turns()
        assert asking.events == []
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario)


@pytest.mark.parametrize(("host", "loaded"), [("192.0.2.1", "False"), ("sbc.example.net", "True")])
def test_the_dns_library_is_loaded_with_the_first_name_only(host, loaded):
    script = f"""
import asyncio, sys
from tonekeeper.core.commands import ResolveSbc
from tonekeeper.edge.dns import Resolver
from tonekeeper.edge.nameservers import Nameserver

async def scenario():
    told = asyncio.Event()
    resolver = Resolver(lambda _: told.set(), asyncio.get_running_loop(), nameservers=lambda _: (Nameserver("nobody"),))
    resolver.execute(ResolveSbc("primary", "{host}", 5060, None))
    await told.wait()

asyncio.run(scenario())
print("dns" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == loaded
