"""Where an SBC's name leads: every resolver of a WAN is asked by itself, over that WAN (RFC 3263, in core/location.py).

The resolvers are asked side by side, and each has two seconds for the whole look-up: a dead one delays no other, and
"this WAN's DNS is broken" can be told from "this resolver is". Questions of one round go out together. What is being
asked already is not asked twice, whoever wants to know.

The system's own resolver library is not used: it blocks, asks all servers as one, and knows nothing of WANs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import NamedTuple, assert_never

from tonekeeper.core.commands import ResolveSbc
from tonekeeper.core.events import NameFailure, SbcResolved, SbcUnresolved
from tonekeeper.core.location import Ask, Located, NoAnswer, NotLocated, Question, Replies, Reply, locate
from tonekeeper.edge.nameservers import Nameserver, Nameservers

LIMIT = 2.0
"""Seconds one resolver has for one look-up."""

Answered = SbcResolved | SbcUnresolved
AskServer = Callable[[Nameserver, Question], Coroutine[object, object, Reply]]
"""Gives what a server says to a question; raises nothing."""


class _LookUp(NamedTuple):
    command: ResolveSbc
    nameserver: Nameserver


class Resolver:
    """To be made, used and closed inside the running loop. Where nobody needs asking, `execute` itself reports."""

    def __init__(
        self,
        report: Callable[[Answered], None],
        loop: asyncio.AbstractEventLoop,
        *,
        nameservers: Callable[[ResolveSbc], tuple[Nameserver, ...]] | None = None,
        ask: AskServer | None = None,
        limit: float = LIMIT,
    ) -> None:
        self._report = report
        self._loop = loop
        self._nameservers = nameservers or Nameservers().of
        self._ask = ask or _ask
        self._limit = limit
        self._under_way: dict[_LookUp, asyncio.Task[Answered]] = {}
        self._asked: dict[tuple[Nameserver, Question], asyncio.Task[Reply]] = {}

    def execute(self, command: ResolveSbc) -> None:
        """Answered within LIMIT, once for each resolver. A look-up for the same SBC and WAN that differs is dropped."""
        self._drop_outdated(command)
        step = locate(command.host, command.port, command.transport, {})
        if not isinstance(step, Ask):
            self._report(_event(command, "", step))
            return
        nameservers = self._nameservers(command)
        if not nameservers:
            reason = f"cannot locate '{command.host}': no DNS server is known; name one as `resolvers` of the WAN"
            self._report(_event(command, "", NotLocated(NameFailure.UNREACHABLE, reason)))
        for nameserver in nameservers:
            self._begin(_LookUp(command, nameserver))

    def close(self) -> None:
        """No answer is reported from now on."""
        for task in (*self._under_way.values(), *self._asked.values()):
            task.cancel()
        self._under_way.clear()

    def _drop_outdated(self, command: ResolveSbc) -> None:
        for look_up, task in list(self._under_way.items()):
            if (look_up.command.sbc, look_up.command.wan) == (command.sbc, command.wan) and look_up.command != command:
                task.cancel()
                del self._under_way[look_up]

    def _begin(self, look_up: _LookUp) -> None:
        if look_up not in self._under_way:
            task = self._under_way[look_up] = self._loop.create_task(self._look_up(look_up))
            task.add_done_callback(partial(self._finished, look_up))

    def _finished(self, look_up: _LookUp, task: asyncio.Task[Answered]) -> None:
        if self._under_way.get(look_up) is task:
            del self._under_way[look_up]
            self._report(task.result())

    async def _look_up(self, look_up: _LookUp) -> Answered:
        command, nameserver = look_up
        deadline = self._loop.time() + self._limit
        replies: dict[Question, Reply] = {}
        while isinstance(step := locate(command.host, command.port, command.transport, replies), Ask):
            replies |= await self._ask_all(nameserver, step.questions, deadline)
        return _event(command, nameserver.address, step)

    async def _ask_all(self, nameserver: Nameserver, questions: tuple[Question, ...], deadline: float) -> Replies:
        """The reply to each. What has none by the deadline is a time-out, and so is what comes up only after it."""
        late = NoAnswer(NameFailure.TIMEOUT, f"no answer within {self._limit:g} s")
        left = deadline - self._loop.time()
        if left <= 0:
            return dict.fromkeys(questions, late)
        asked = {question: self._ask_once(nameserver, question) for question in questions}
        await asyncio.wait(asked.values(), timeout=left)
        return {question: task.result() if task.done() else late for question, task in asked.items()}

    def _ask_once(self, nameserver: Nameserver, question: Question) -> asyncio.Task[Reply]:
        asked = (nameserver, question)
        if asked not in self._asked:
            task = self._asked[asked] = self._loop.create_task(self._ask(nameserver, question))
            task.add_done_callback(lambda _: self._asked.pop(asked))
        return self._asked[asked]


async def _ask(nameserver: Nameserver, question: Question) -> Reply:
    """Loaded with the first name: a site whose SBCs are all addresses does not pay for it."""
    from tonekeeper.edge.dns_exchange import ask  # noqa: PLC0415  4 MiB

    return await ask(nameserver, question)


def _event(command: ResolveSbc, resolver: str, outcome: Located | NotLocated) -> Answered:
    match outcome:
        case Located(targets, ttl):
            return SbcResolved(command.sbc, targets, command.wan, resolver, ttl)
        case NotLocated(failure, reason):
            return SbcUnresolved(command.sbc, reason, command.wan, resolver, failure)
        case _:
            assert_never(outcome)
