"""Flows that the kernel tracks: listed by destination, deleted one by one, never by the table.

One command after the other is worked off on the loop, and between two parts of a long list, or some deletions, others
get their turn.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
from collections import deque
from collections.abc import Callable
from typing import assert_never

from tonekeeper.core.commands import DeleteFlows, ListFlows
from tonekeeper.core.events import FlowsDeleted, FlowsListed, FlowsUnavailable
from tonekeeper.core.kernel import Flow
from tonekeeper.edge.netlink.flows import FlowTable
from tonekeeper.errors import EdgeError

DELETED_AT_ONCE = 32
"""Entries deleted before the loop serves others."""

_REMEDIES = {
    errno.EPERM: "give the agent CAP_NET_ADMIN",
    errno.EINVAL: "load nf_conntrack_netlink: `modprobe nf_conntrack_netlink`",
    errno.EPROTONOSUPPORT: "this kernel lacks netfilter's netlink: load nfnetlink and nf_conntrack_netlink",
}

Report = Callable[[FlowsListed | FlowsDeleted | FlowsUnavailable], None]


class Conntrack:
    """To be made, used and closed inside the running loop. Each command has one answer; answers keep the order."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[ListFlows | DeleteFlows] = deque()
        self._work: asyncio.Task[None] | None = None

    def execute(self, command: ListFlows | DeleteFlows) -> None:
        self._waiting.append(command)
        if self._work is None or self._work.done():
            self._work = self._loop.create_task(self._work_off())

    def close(self) -> None:
        """Nothing is answered from now on."""
        self._waiting.clear()
        if self._work is not None:
            self._work.cancel()

    async def _work_off(self) -> None:
        while self._waiting:
            command = self._waiting.popleft()
            try:
                answer = await _carry_out(command)
            except EdgeError as error:
                self._report(FlowsUnavailable(error.errno, str(error)))
            else:
                self._report(answer)


async def _carry_out(command: ListFlows | DeleteFlows) -> FlowsListed | FlowsDeleted:
    match command:
        case ListFlows():
            return FlowsListed(await list_flows(command.destinations))
        case DeleteFlows():
            return FlowsDeleted(await delete_flows(command.flows))
        case _:
            assert_never(command)


async def list_flows(destinations: tuple[str, ...]) -> tuple[Flow, ...]:
    """UDP and TCP entries to these addresses and networks, each once; `EdgeError` where the kernel does not tell."""
    found: dict[Flow, None] = {}
    try:
        with FlowTable() as table:
            for part in table.flows_to(map(ipaddress.ip_network, destinations)):
                found.update(dict.fromkeys(part))
                await asyncio.sleep(0)
    except OSError as error:
        raise EdgeError("list the tracked flows", error, remedy=_REMEDIES.get(error.errno or 0, "")) from None
    return tuple(found)


async def delete_flows(flows: tuple[Flow, ...]) -> int:
    """How many are gone now; `EdgeError` at the first that the kernel does not delete."""
    try:
        with FlowTable() as table:
            for number, flow in enumerate(flows, start=1):
                table.delete(flow)
                if number % DELETED_AT_ONCE == 0:
                    await asyncio.sleep(0)
    except OSError as error:
        raise EdgeError("delete a tracked flow", error, remedy=_REMEDIES.get(error.errno or 0, "")) from None
    return len(flows)
