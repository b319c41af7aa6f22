"""The subagent against masters that are no help."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from tonekeeper.edge.agentx import AgentxSubagent
from tonekeeper.wire.agentx import pdus
from tonekeeper.wire.agentx.header import HEADER_OCTETS, Flag
from tonekeeper.wire.agentx.reading import decode_header, decode_payload
from tonekeeper.wire.agentx.writing import encode
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.smi import Tag, Value, Varbind

SUBTREE = (1, 3, 6, 1, 4, 1, 32473, 5060)
NAME = Varbind((*SUBTREE, 1, 0), Value(Tag.OCTET_STRING, b"site-0042"))
TRAP = (Varbind((1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0), Value(Tag.OBJECT_IDENTIFIER, (*SUBTREE, 0, 1))),)


def answer(request):
    assert isinstance(request, pdus.Get)
    return pdus.Response(varbinds=(NAME,))


class Master:
    """A connection as the master sees it."""

    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer
        self.packet = 1000

    async def heard(self):
        header = decode_header(await self._reader.readexactly(HEADER_OCTETS))
        return header, decode_payload(header, await self._reader.readexactly(header.payload))

    def answer(self, header, response):
        self._send(encode(response, session=7, transaction=header.transaction, packet=header.packet))

    async def ask(self, pdu, *, in_context=False):
        self.packet += 1
        octets = bytearray(encode(pdu, session=7, transaction=self.packet, packet=self.packet))
        if in_context:
            octets[2] |= Flag.NON_DEFAULT_CONTEXT
            octets[HEADER_OCTETS:HEADER_OCTETS] = b"\0\0\0\1x\0\0\0"
            octets[16:20] = (len(octets) - HEADER_OCTETS).to_bytes(4)
        self._send(bytes(octets))
        header, response = await self.heard()
        assert header.packet == self.packet
        return response

    async def admit(self):
        """Open and Register, answered."""
        header, opened = await self.heard()
        assert opened == pdus.Open(0, SUBTREE, "Tonekeeper")
        self.answer(header, pdus.Response())
        header, registered = await self.heard()
        assert registered == pdus.Register(SUBTREE)
        assert header.session == 7
        self.answer(header, pdus.Response())

    def _send(self, octets):
        self._writer.write(octets)

    def send_garbage(self):
        self._send(b"\xff" * HEADER_OCTETS)

    async def is_left(self):
        return await self._reader.read() == b""


@asynccontextmanager
async def subagent(tmp_path, serve):
    """A subagent at a master that treats each connection by `serve`, and what it reports."""
    reports: asyncio.Queue = asyncio.Queue()
    path = str(tmp_path / "master")

    serving = []

    async def connected(reader, writer):
        serving.append(asyncio.current_task())
        with suppress(EOFError, ConnectionError):
            await serve(Master(reader, writer))
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_unix_server(connected, path)
    agent = AgentxSubagent(path, SUBTREE, "Tonekeeper", answer, reports.put_nowait, patience=0.2, first_pause=0.01)
    agent.start()
    try:
        yield agent, reports
    finally:
        await agent.close()
        server.close()
        await asyncio.gather(*serving)


def run(tmp_path, serve, check):
    async def body():
        async with subagent(tmp_path, serve) as (agent, reports):
            await asyncio.wait_for(check(agent, reports), 5.0)

    asyncio.run(body())


def test_it_opens_registers_and_answers(tmp_path):
    done = asyncio.Event()
    found = []

    async def serve(master):
        await master.admit()
        found.append(await master.ask(pdus.Get((NAME.oid,))))
        found.append(await master.ask(pdus.Get((NAME.oid,)), in_context=True))
        done.set()

    async def check(_, reports):
        assert await reports.get() is None
        await done.wait()

    run(tmp_path, serve, check)
    assert found == [pdus.Response(varbinds=(NAME,)), pdus.Response(pdus.Error.UNSUPPORTED_CONTEXT)]


def test_a_notification_is_taken_when_the_master_says_so(tmp_path):
    async def serve(master):
        await master.admit()
        for error in (pdus.Error.NONE, pdus.Error.PROCESSING_ERROR):
            header, pdu = await master.heard()
            assert pdu == pdus.Notify(TRAP)
            master.answer(header, pdus.Response(error))
        await master.heard()  # and no answer to the third

    async def check(agent, reports):
        assert not await agent.notify(TRAP)  # not connected yet
        assert await reports.get() is None
        assert await agent.notify(TRAP)
        assert not await agent.notify(TRAP)
        assert not await agent.notify(TRAP)

    run(tmp_path, serve, check)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (pdus.Error.OPEN_FAILED, "it opens no session"),
        (pdus.Error.REQUEST_DENIED, "it does not allow that"),
        (999, "it answers with error 999"),
    ],
)
def test_a_master_that_refuses_is_reported_and_asked_again(tmp_path, error, said):
    times = []

    async def serve(master):
        header, _ = await master.heard()
        times.append(1)
        if len(times) == 1:
            master.answer(header, pdus.Response(error))
        else:
            master.answer(header, pdus.Response())
            header, _ = await master.heard()
            master.answer(header, pdus.Response())
            await master.is_left()

    async def check(_, reports):
        assert said in str(await reports.get())
        assert await reports.get() is None

    run(tmp_path, serve, check)


async def end_at_once(master):
    await master.heard()


async def say_nothing(master):
    await master.is_left()


async def answer_garbage(master):
    await master.heard()
    master.send_garbage()
    await master.is_left()


async def admit_and_end(master):
    await master.admit()


async def admit_and_close(master):
    await master.admit()
    master._send(encode(pdus.Close(5), session=7, transaction=1, packet=1))
    await master.is_left()


@pytest.mark.parametrize("serve", [end_at_once, say_nothing, answer_garbage])
def test_a_master_that_is_none_is_reported_and_left(tmp_path, serve):
    async def check(_, reports):
        for _ in range(2):  # it is tried again
            assert "cannot serve SNMP through the agent at" in str(await reports.get())

    run(tmp_path, serve, check)


@pytest.mark.parametrize("serve", [admit_and_end, admit_and_close])
def test_a_master_that_restarts_is_met_again(tmp_path, serve):
    async def check(_, reports):
        for _ in range(2):
            assert await reports.get() is None
            assert "ended the connection" in str(await reports.get())

    run(tmp_path, serve, check)


def test_no_master_at_all_names_the_remedy(tmp_path):
    async def body():
        reports: asyncio.Queue = asyncio.Queue()
        for where in (str(tmp_path / "nobody"), Endpoint("127.0.0.1", 1)):
            agent = AgentxSubagent(where, SUBTREE, "Tonekeeper", answer, reports.put_nowait)
            agent.start()
            error = await asyncio.wait_for(reports.get(), 5.0)
            assert error.errno
            assert "master agentx" in error.remedy
            await agent.close()

    asyncio.run(body())
