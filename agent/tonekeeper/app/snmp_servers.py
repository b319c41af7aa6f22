"""The two ways to answer managers: by an engine of our own, and through the snmpd of this host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tonekeeper import __version__
from tonekeeper.app.snmp_access import community_of, expect_packages, targets_of, users_of
from tonekeeper.edge.agentx import AgentxSubagent
from tonekeeper.edge.engine_identity import EngineIdentity, begin_engine
from tonekeeper.errors import EdgeError
from tonekeeper.faces.log import Log
from tonekeeper.faces.snmp.answers import answer
from tonekeeper.faces.snmp.definition import ENTERPRISES, MIB
from tonekeeper.faces.snmp.notifications import Notification
from tonekeeper.faces.snmp.sockets import Admission, SnmpSockets
from tonekeeper.faces.snmp.view import View
from tonekeeper.settings.model import SnmpSettings
from tonekeeper.wire.endpoint import Endpoint

if TYPE_CHECKING:
    from tonekeeper.faces.snmp.engine import Engine

SNMPD = "snmpd"
"""Who is told where snmpd tells the managers."""

ReadView = Callable[[], View]


class Server(Protocol):
    @property
    def targets(self) -> tuple[str, ...]: ...

    async def open(self, *, beside_probes: bool) -> None:
        """`EdgeError` where that is refused; it may be tried again. Nothing takes long `beside_probes`."""

    async def notify(self, target: str, notification: Notification) -> bool:
        """Whether it has been delivered, as far as that can be known."""

    async def close(self) -> None: ...


class StandAlone:
    """Brings pysnmp with it, once it is opened."""

    def __init__(self, settings: SnmpSettings, state_dir: Path, view: ReadView, log: Log) -> None:
        self._settings = settings
        self._state_dir = state_dir
        self._view = view
        self._log = log
        self._identity: EngineIdentity | None = None
        self._sockets: SnmpSockets | None = None
        self._engine: Engine | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(target.name for target in self._settings.targets)

    async def open(self, *, beside_probes: bool) -> None:
        expect_packages()
        users, community, targets = users_of(self._settings), community_of(self._settings), targets_of(self._settings)
        identity = self._identify()
        admission = Admission(identity.engine_id, community, bool(users), self._settings.allow)
        sockets = SnmpSockets(self._settings.listen, admission, [one.address for one in targets], self._receive)
        where = sockets.open()

        def make() -> Engine:
            from tonekeeper.faces.snmp.engine import Engine

            return Engine(
                identity.engine_id,
                identity.boots,
                users=users,
                community=community,
                targets=targets,
                view=self._view,
                send=sockets.send,
            )

        try:
            # On a thread of its own it costs 2 MiB for ever: a second heap.
            self._engine = await asyncio.to_thread(make) if beside_probes else make()
        except BaseException:
            sockets.close()
            raise
        self._engine.start()
        self._sockets = sockets
        self._log.info("answering-snmp", snmp=str(where), engine=identity.engine_id.hex(), boots=str(identity.boots))

    async def notify(self, target: str, notification: Notification) -> bool:
        return self._engine is not None and await self._engine.notify(target, notification)

    async def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
        if self._sockets is not None:
            self._sockets.close()

    def _identify(self) -> EngineIdentity:
        """Once, however often the port is tried."""
        if self._identity is None:
            self._identity = begin_engine(self._state_dir)
            if self._identity.warning:
                self._log.error("new-snmp-engine", reason=self._identity.warning)
        return self._identity

    def _receive(self, message: bytes, through: int, source: Endpoint) -> None:
        if self._engine is not None:
            self._engine.receive(message, through, source)


class ThroughSnmpd:
    """`report`: as the subagent's."""

    targets = (SNMPD,)

    def __init__(self, settings: SnmpSettings, view: ReadView, report: Callable[[EdgeError | None], None]) -> None:
        assert settings.agentx is not None
        where = settings.agentx if isinstance(settings.agentx, Endpoint) else str(settings.agentx)
        self._subagent = AgentxSubagent(
            where,
            (*ENTERPRISES, settings.enterprise, *MIB),
            f"Tonekeeper {__version__}",
            lambda request: answer(request, view()),
            report,
        )

    async def open(self, *, beside_probes: bool) -> None:
        self._subagent.start()

    async def notify(self, target: str, notification: Notification) -> bool:
        return await self._subagent.notify(notification)

    async def close(self) -> None:
        await self._subagent.close()
