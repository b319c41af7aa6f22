"""The connection to the SNMP agent of this host: an AgentX subagent on its socket (RFC 2741).

    APART --connected--> OPENING --session--> REGISTERING --the subtree is ours--> SERVING
      ^                     |                      |                                  |
      +---------------------+----------------------+----------------------------------+
          the end of the stream, an answer that says no, none in time, or what is no PDU

APART lasts a second, then twice as long each time, a minute at most. It settles because each step has a time limit and
each failure leads to APART. A master that hangs is noticed by a Ping that is not answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable

from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.agentx.header import HEADER_OCTETS, Flag, Header
from tonekeeper.wire.agentx.pdus import (
    CleanupSet,
    Close,
    Error,
    Notify,
    Open,
    Pdu,
    Ping,
    Register,
    Request,
    Response,
)
from tonekeeper.wire.agentx.reading import decode_header, decode_payload
from tonekeeper.wire.agentx.writing import encode
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.smi import Oid, Varbind

PATIENCE = 10.0
"""Seconds for the master to answer."""
PARTING = 1.0
"""Seconds for the last words to leave."""
PING_EVERY = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
_SHUTDOWN = 5
"""Reason of a Close (section 6.2.2)."""
_REASONS: dict[int, str] = {
    Error.OPEN_FAILED: "it opens no session",
    Error.DUPLICATE_REGISTRATION: "another subagent has this subtree already",
    Error.REQUEST_DENIED: "it does not allow that",
}
_REMEDIES = {
    errno.ENOENT: "start snmpd with 'master agentx' in its configuration, or correct [snmp] agentx",
    errno.ECONNREFUSED: "start snmpd with 'master agentx' in its configuration, or correct [snmp] agentx",
    errno.EACCES: "let the agent use the socket: agentXPerms in snmpd.conf",
}

Answer = Callable[[Request], Response]


class AgentxSubagent:
    """`where`: path of the master's socket, or its TCP endpoint. `report` is told why `subtree` is not served, and
    None once it is. `start`, `notify` and `close` inside the running loop."""

    def __init__(
        self,
        where: str | Endpoint,
        subtree: Oid,
        description: str,
        answer: Answer,
        report: Callable[[EdgeError | None], None],
        *,
        patience: float = PATIENCE,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._where = where
        self._subtree = subtree
        self._description = description
        self._answer = answer
        self._report = report
        self._patience = patience
        self._first_pause = self._pause = first_pause
        self._task: asyncio.Task[None] | None = None
        self._session: _Session | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._stay_connected())

    async def notify(self, varbinds: tuple[Varbind, ...]) -> bool:
        """Whether the master has taken it. `varbinds` begin with snmpTrapOID.0."""
        if self._session is None:
            return False
        try:
            answered = await self._session.ask(Notify(varbinds))
        except OSError:
            return False
        return answered.error == Error.NONE

    async def close(self) -> None:
        if self._session is not None:
            self._session.say_goodbye()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._serve()
            except EdgeError as error:
                self._report(error)
            except TimeoutError:
                self._report(self._failed(f"it has not answered for {self._patience:g} s"))
            except OSError as error:
                remedy = _REMEDIES.get(error.errno or 0, "")
                self._report(EdgeError(self._doing, error, remedy=remedy))
            except (DecodeError, EOFError) as error:
                self._report(self._failed("it has ended the connection" if isinstance(error, EOFError) else str(error)))
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _serve(self) -> None:
        """Until it ends, which is always an exception."""
        async with asyncio.timeout(self._patience):
            reader, writer = await self._connect()
        session = _Session(reader, writer, self._answer, self._patience)
        listening = asyncio.get_running_loop().create_task(session.listen())
        try:
            self._expect_success(await session.ask(Open(0, self._subtree, self._description)))
            self._expect_success(await session.ask(Register(self._subtree)))
            self._session, self._pause = session, self._first_pause
            self._report(None)
            while not listening.done():
                await asyncio.wait({listening}, timeout=PING_EVERY)
                if not listening.done():
                    await session.ask(Ping())
            listening.result()
        finally:
            self._session = None
            listening.cancel()
            writer.close()
            await asyncio.gather(listening, return_exceptions=True)
            await _part(writer)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._where, Endpoint):
            return await asyncio.open_connection(self._where.host, self._where.port)
        return await asyncio.open_unix_connection(self._where)

    def _expect_success(self, response: Response) -> None:
        if response.error != Error.NONE:
            raise self._failed(_REASONS.get(response.error, f"it answers with error {response.error}"))

    @property
    def _doing(self) -> str:
        return f"serve SNMP through the agent at {self._where}"

    def _failed(self, why: str) -> EdgeError:
        return EdgeError(f"{self._doing}: {why}")


async def _part(writer: asyncio.StreamWriter) -> None:
    """Until the last words have left, unless the master does not read."""
    try:
        async with asyncio.timeout(PARTING):
            await writer.wait_closed()
    except OSError:
        writer.transport.abort()


class _Session:
    """One connection: our questions by packet number, and the master's in the order of their coming."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer, patience: float
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._answer = answer
        self._patience = patience
        self._number = 0
        self._packet = 0
        self._waiting: dict[int, asyncio.Future[Response]] = {}

    async def ask(self, pdu: Pdu) -> Response:
        """An OSError where the connection ends, or no answer comes in time (TimeoutError)."""
        self._packet += 1
        packet = self._packet
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting[packet] = answered
        self._writer.write(encode(pdu, session=self._number, transaction=packet, packet=packet))
        try:
            async with asyncio.timeout(self._patience):
                return await answered
        finally:
            del self._waiting[packet]

    def say_goodbye(self) -> None:
        self._packet += 1
        self._writer.write(
            encode(Close(_SHUTDOWN), session=self._number, transaction=self._packet, packet=self._packet)
        )

    async def listen(self) -> None:
        """Until the stream ends (EOFError, OSError) or has what is no PDU (`DecodeError`)."""
        try:
            while True:
                header = decode_header(await self._reader.readexactly(HEADER_OCTETS))
                pdu = decode_payload(header, await self._reader.readexactly(header.payload))
                await self._take(header, pdu)
        finally:
            for answered in self._waiting.values():
                if not answered.done():
                    answered.set_exception(ConnectionResetError(errno.ECONNRESET, "the connection has ended"))

    async def _take(self, header: Header, pdu: Pdu) -> None:
        match pdu:
            case Response():
                self._number = self._number or header.session
                answered = self._waiting.get(header.packet)
                if answered is not None and not answered.done():
                    answered.set_result(pdu)
            case Close():
                raise EOFError
            case CleanupSet() | Open() | Register() | Notify() | Ping():
                return
            case _:
                in_context = header.flags & Flag.NON_DEFAULT_CONTEXT
                answer = Response(Error.UNSUPPORTED_CONTEXT) if in_context else self._answer(pdu)
                self._writer.write(
                    encode(answer, session=header.session, transaction=header.transaction, packet=header.packet)
                )
                await self._writer.drain()
