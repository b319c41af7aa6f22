"""NAT measurements of the daemon: one task a WAN, out of the way of the probing, thrown away when the WAN changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tonekeeper.app.nat import addresses_of
from tonekeeper.core.commands import AbandonNat, MeasureNat
from tonekeeper.core.events import Event, NatMeasured
from tonekeeper.core.nat import messages
from tonekeeper.core.nat.alg import SipQuestions
from tonekeeper.core.nat.attempt import LONGEST, Limits
from tonekeeper.core.nat.measurement import Measurement
from tonekeeper.core.nat.result import NatResult
from tonekeeper.drivers.measure import MeasureDriver
from tonekeeper.edge.entropy import token
from tonekeeper.edge.nat_kernel import kernel_timeouts
from tonekeeper.edge.nat_sockets import NatSockets, local_address
from tonekeeper.edge.sip_rewriting import sip_helper
from tonekeeper.errors import EdgeError
from tonekeeper.faces.cli.nat import Server
from tonekeeper.wire.endpoint import Endpoint

LIMITS = Limits(longest_tcp=LONGEST)
"""Nobody is waiting for the result, so TCP is given as long as UDP at its longest."""
NOWHERE = Endpoint("", 0)


class BackgroundNat:
    def __init__(self, report: Callable[[Event], None]) -> None:
        self._report = report
        self._running: dict[str, asyncio.Task[None]] = {}

    def execute(self, command: MeasureNat | AbandonNat) -> None:
        self._end(command.wan)
        if isinstance(command, MeasureNat):
            self._running[command.wan] = asyncio.get_running_loop().create_task(self._answer(command))

    def close(self) -> None:
        for wan in list(self._running):
            self._end(wan)

    def _end(self, wan: str) -> None:
        task = self._running.pop(wan, None)
        if task is not None:
            task.cancel()

    async def _answer(self, command: MeasureNat) -> None:
        self._report(NatMeasured(command.wan, await _measure(command)))


async def _measure(command: MeasureNat) -> NatResult:
    """Always a result: what could not be measured says why."""
    server, local, refused = NOWHERE, command.source, ""
    try:
        hosts = await asyncio.to_thread(addresses_of, Server(command.host, command.port))
        server = Endpoint(hosts[0], command.port)
        local = command.source or local_address(server, command.interface)
    except EdgeError as error:
        refused = str(error)
    sip = tuple(address for address in command.sip if address.is_ipv6 == server.is_ipv6)
    helper = await asyncio.to_thread(sip_helper, sip) if kernel_timeouts() else None
    started = asyncio.get_running_loop().time()
    questions = SipQuestions(sip, helper)
    measurement = Measurement(command.wan, server, started=started, limits=LIMITS, sip=questions, refused=refused)
    sockets = NatSockets(lambda event: driver.feed(event), local=local, interface=command.interface)
    driver = MeasureDriver[messages.Event, messages.Action, NatResult](
        measurement, token=token, execute=sockets.execute
    )
    try:
        return await driver.run()
    finally:
        sockets.close()
