"""A phone behind the CPE: SIPp that registers through the NAT, and a call's media, echoed by the far end.

Both tell from where they are seen: the registrar by `received` in the Via (RFC 3261 18.2.1), the echo by the address
that it puts into each answer.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.lab.namespace import LabError, Namespace, Process, until
from tests.lab.sbc import Sbc

ADDRESS = "192.0.2.10"
PATIENCE = 0.5
"""Seconds the phone waits for the answer to a REGISTER: no time for a second attempt through a dead binding."""
_SCENARIO = Path(__file__).with_name("phone.xml")
_numbers = itertools.count(1)


class Phone:
    """One phone, always on the same port, so that its flow is the same one to the NAT."""

    def __init__(self, namespace: Namespace, port: int = 5062) -> None:
        self._namespace = namespace
        self.port = port

    def refresh(self, sbc: Sbc) -> str:
        """Send one REGISTER, once: the address that the registrar saw it come from; "" if no answer came."""
        with self.keep_registered(sbc, every=3600.0) as registration:
            return until(lambda: registration.attempts, within=5.0, what=f"SIPp says nothing\n{registration.output}")[0]

    def keep_registered(self, sbc: Sbc, *, every: float) -> Registration:
        """Register at once, and again `every` so many seconds; a lost one is followed by the next at once."""
        name = f"phone-{next(_numbers)}"
        directory = self._namespace.directory
        scenario, log = directory / f"{name}.xml", directory / f"{name}.registrations"
        text = _SCENARIO.read_text()
        for key, seconds in {"PATIENCE": PATIENCE, "REFRESH": every}.items():
            text = text.replace(f"@{key}@", str(round(seconds * 1000)))
        scenario.write_text(text)
        log.touch()
        where = ("-i", ADDRESS, "-p", str(self.port), "{}:{}".format(*sbc.endpoint))
        how = ("-sf", str(scenario), "-m", "1", "-nostdin", "-trace_logs", "-log_file", str(log))
        return Registration(self._namespace.popen("sipp", *how, *where, log=name), log)

    def call(self, far: Namespace, address: str, *, port: int = 30000, local_port: int = 11780) -> Call:
        """Media of a connected call with `address`, which is `far`'s: 50 packets a second each way, until closed."""
        return Call(self._namespace, (ADDRESS, local_port), far, (address, port))


class Registration:
    """SIPp at work; closed by `with`."""

    def __init__(self, process: Process, log: Path) -> None:
        self._process = process
        self._log = log

    def __enter__(self) -> Registration:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()

    @property
    def output(self) -> str:
        return self._process.output

    @property
    def attempts(self) -> list[str]:
        """For each REGISTER so far the address it was seen from; "" for one that was not answered in time."""
        if not self._process.running:
            raise LabError(f"SIPp ended:\n{self.output}")
        lines = self._log.read_text().splitlines(keepends=True)
        return [line.split()[1] if line.startswith("registered ") else "" for line in lines if line.endswith("\n")]

    def wait_seen_from(self, address: str, *, within: float) -> None:
        def seen() -> bool:
            return self.attempts[-1:] == [address]

        until(seen, within=within, what=f"the registrar does not see the phone at {address}: {self.attempts}")


@dataclass(frozen=True, slots=True)
class Echo:
    """One packet that came back: when, and the address that the far end had seen it come from."""

    at: float
    seen_from: str


class Call:
    """A connected call's media; closed by `with`."""

    _PERIOD = 0.02
    _HEADER = b"\x80\x08"
    """RTP version 2, PCMA (RFC 3551)."""

    def __init__(self, near: Namespace, local: tuple[str, int], far: Namespace, remote: tuple[str, int]) -> None:
        self._remote = remote
        self._ended = threading.Event()
        self._echoes: list[Echo] = []
        self._far = far.socket()
        self._far.bind(remote)
        self._near = near.socket()
        self._near.bind(local)
        self._near.setblocking(False)
        self._threads = [threading.Thread(target=body, daemon=True) for body in (self._talk, self._answer)]

    def __enter__(self) -> Call:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._far.settimeout(0.01)
        for thread in self._threads:
            thread.join()
        self._near.close()
        self._far.close()

    def seen_from(self) -> str:
        """The address that the far end saw last, as far as the phone has been told; "" if nothing has come back."""
        return self._echoes[-1].seen_from if self._echoes else ""

    def is_heard(self, *, from_address: str = "", since: float) -> bool:
        """Whether a packet came back after `since` (monotonic), if given one that was seen from this address."""
        echoes = reversed(self._echoes)
        return any(from_address in ("", echo.seen_from) for echo in itertools.takewhile(lambda e: e.at > since, echoes))

    def wait_heard(self, *, from_address: str = "", within: float) -> float:
        """Until a packet comes back that was sent from now on; the seconds it took."""
        began = time.monotonic()
        what = f"no media from {from_address or 'anywhere'}; the last came from {self.seen_from() or 'nowhere'}"
        until(lambda: self.is_heard(from_address=from_address, since=began), within=within, what=what)
        return time.monotonic() - began

    def _talk(self) -> None:
        while not self._ended.wait(self._PERIOD):
            with contextlib.suppress(OSError):  # a network that is gone is what the test is about
                self._near.sendto(self._HEADER + bytes(170), self._remote)
            self._listen()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                packet = self._near.recv(2048)
                self._echoes.append(Echo(time.monotonic(), packet[2:].rstrip(b"\0").decode()))

    def _answer(self) -> None:
        self._far.settimeout(0.1)
        while not self._ended.is_set():
            with contextlib.suppress(OSError):
                _, source = self._far.recvfrom(2048)
                self._far.sendto(self._HEADER + source[0].encode(), source)


def hear(namespace: Namespace, address: tuple[str, int]) -> socket.socket:
    """A UDP socket of `namespace` on `address`."""
    listener = namespace.socket()
    listener.bind(address)
    return listener
