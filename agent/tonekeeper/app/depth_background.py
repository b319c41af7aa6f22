"""Deep probes of the daemon: one task each, out of the way of the probing, ended properly when the agent ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tonekeeper.core.commands import ProbeDepth
from tonekeeper.core.depth import messages
from tonekeeper.core.depth.messages import ProbeAbandoned
from tonekeeper.core.depth.probe import DepthProbe
from tonekeeper.core.depth.question import Question
from tonekeeper.core.depth.result import DepthResult, DepthVerdict
from tonekeeper.core.events import DepthProbed, Event
from tonekeeper.core.site import Account, Depth, Path
from tonekeeper.drivers.measure import MeasureDriver
from tonekeeper.edge.depth_sockets import DepthSockets
from tonekeeper.edge.entropy import token
from tonekeeper.edge.secrets import read_password
from tonekeeper.errors import EdgeError
from tonekeeper.wire.sip.digest import Credentials

Driver = MeasureDriver[messages.Event, messages.Action, DepthResult]


class BackgroundDepth:
    """`report` gets one DepthProbed for each ProbeDepth, unless a second one for its path and depth comes before."""

    def __init__(self, report: Callable[[Event], None]) -> None:
        self._report = report
        self._running: dict[tuple[Path, Depth], _Running] = {}

    def execute(self, command: ProbeDepth) -> None:
        """To be called inside the running loop."""
        key = command.path, command.policy.depth
        self._end(key, "it is asked again")
        running = self._running[key] = _Running(command)
        running.start(lambda result: self._finish(key, running, result))

    def close(self) -> None:
        """What the probes have begun is ended with one last message each; nothing more is reported."""
        for key in list(self._running):
            self._end(key, "the agent ends")

    def _finish(self, key: tuple[Path, Depth], running: _Running, result: DepthResult) -> None:
        if self._running.get(key) is running:
            del self._running[key]
            self._report(DepthProbed(*key, result))

    def _end(self, key: tuple[Path, Depth], reason: str) -> None:
        running = self._running.pop(key, None)
        if running is not None:
            running.abandon(reason)


class _Running:
    def __init__(self, command: ProbeDepth) -> None:
        self._command = command
        self._driver: Driver | None = None
        self._sockets: DepthSockets | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, finish: Callable[[DepthResult], None]) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(finish))

    def abandon(self, reason: str) -> None:
        """The probe sends its last message while it is told; then its sockets are closed at once."""
        if self._driver is not None:
            self._driver.feed(ProbeAbandoned(reason))
        if self._sockets is not None:
            self._sockets.close()
        if self._task is not None:
            self._task.cancel()

    async def _run(self, finish: Callable[[DepthResult], None]) -> None:
        try:
            question = question_of(self._command)
        except EdgeError as error:
            finish(DepthResult(self._command.policy.depth, DepthVerdict.NOT_CHECKED, str(error)))
            return
        probe = DepthProbe(question, started=asyncio.get_running_loop().time())
        sockets = self._sockets = DepthSockets(lambda event: driver.feed(event), self._command)
        driver = self._driver = Driver(probe, token=token, execute=sockets.execute)
        try:
            finish(await driver.run())
        finally:
            sockets.close()


def question_of(command: ProbeDepth) -> Question:
    """With the password of the account; `EdgeError` where it cannot be read."""
    account, policy = command.account, command.policy
    return Question(
        depth=policy.depth,
        server=command.path.address,
        transport=command.path.transport,
        request_host=command.request_host,
        user=account.user,
        domain=account.domain,
        credentials=_credentials(account),
        target=policy.target,
        user_agent=command.user_agent,
    )


def _credentials(account: Account) -> Credentials | None:
    password = read_password(account)
    return None if password is None else Credentials(account.auth_user or account.user, password)
