"""A few namespaces for the tests of one adapter, and a loop that runs an adapter inside one of them.

A socket belongs to the namespace of the thread that opens it. So the adapter lives on a loop on a thread in its
namespace, and the far ends are sockets that other namespaces lent to the same loop: no second process, no waiting.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from tests.lab.namespace import Namespace, Watchman
from tests.lab.needs import missing
from tonekeeper.core.events import Event

T = TypeVar("T")


def need_the_lab() -> None:
    if reason := missing():
        if os.environ.get("TONEKEEPER_LAB") == "required":
            pytest.fail(f"TONEKEEPER_LAB=required, but {reason}", pytrace=False)
        pytest.skip(reason)


@contextmanager
def namespaces(*roles: str) -> Iterator[dict[str, Namespace]]:
    need_the_lab()
    watchman = Watchman(roles)
    try:
        yield watchman.namespaces
    finally:
        watchman.dismiss()


def run_inside(namespace: Namespace, scenario: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run `scenario` to its end on a loop in `namespace`."""
    return namespace.inside(lambda: asyncio.run(scenario()))


class Heard:
    """What an adapter reported, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()

    def report(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def first(self, true: Callable[[Any], bool], within: float = 5.0) -> Any:
        """The first event so far or to come for which `true`; it and all before it are then forgotten."""
        *_, event = await self.until(true, within)
        return event

    async def until(self, true: Callable[[Any], bool], within: float = 5.0) -> list[Any]:
        """The same with all that came before it."""
        async with asyncio.timeout(within):
            while True:
                for position, event in enumerate(self.events, start=1):
                    if true(event):
                        heard = self.events[:position]
                        del self.events[:position]
                        return heard
                self._news.clear()
                await self._news.wait()
