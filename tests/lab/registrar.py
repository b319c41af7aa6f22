"""A registrar of the lab that asks for a password, and what stands behind it: an answerer of calls and a mailbox.

Kamailio with digest authentication at the primary site, on ports of its own beside the SBC; behind it SIPp answers
calls, with an echo of the voice and without one, rings without end, and notifies of messages.

    600 echoes    601 answers and is silent    602 rings    100 has a mailbox    101 never notifies    102 has none
"""

from __future__ import annotations

from pathlib import Path

from tests.lab.namespace import Process, until
from tests.lab.sbc import Sbc
from tests.lab.topology import Lab

USER = "100"
PASSWORD = "correct-horse-battery-staple"
ECHO_PORT, SILENT_PORT, RINGING_PORT, MAILBOX_PORT = 5080, 5082, 5084, 5086
MEDIA_PORTS = {ECHO_PORT: 30000, SILENT_PORT: 30010, RINGING_PORT: 30020, MAILBOX_PORT: 30030}
"""SIPp opens two of them wherever it answers."""

_HERE = Path(__file__).parent


class Registrar(Sbc):
    """`with Registrar(lab) as registrar: ...`. Beside what an SBC can do: `refuse_register`, `bindings`."""

    port = 5070
    tls_port = 5071

    def __init__(self, lab: Lab, *, algorithm: str = "MD5", one_time_nonce: bool = False) -> None:
        site = lab.sbc("primary")
        super().__init__("registrar", site.address, site.namespace, lab.core, lab.authority)
        self._algorithm = algorithm
        self._one_time_nonce = one_time_nonce
        self._behind: list[Process] = []

    def launch(self) -> None:
        self._write_tls(self._own)
        self._launch(
            _HERE / "registrar.cfg",
            TLS_PORT=self.tls_port,
            PASSWORD=PASSWORD,
            ALGORITHM=self._algorithm,
            ONE_TIME_NONCE=int(self._one_time_nonce),
            NONCE_COUNT=int(not self._one_time_nonce),
            ECHO_PORT=ECHO_PORT,
            SILENT_PORT=SILENT_PORT,
            RINGING_PORT=RINGING_PORT,
            MAILBOX_PORT=MAILBOX_PORT,
        )
        self._answer_behind()

    def stop(self) -> None:
        for process in self._behind:
            process.kill()
        self._behind.clear()
        super().stop()

    def refuse_register(self, code: int) -> None:
        """Answer REGISTER with `code`, and everything else as before; 200 is back to normal."""
        self._set("register_code", code)

    def answer_normally(self) -> None:
        self.answer(200)
        self.refuse_register(200)
        self._changed = False

    def bindings(self) -> str:
        """Everything that is registered, as Kamailio tells it."""
        return str(self._call("ul.dump"))

    def _answer_behind(self) -> None:
        self._sipp("answerer", ECHO_PORT, "-rtp_echo")
        self._sipp("answerer", SILENT_PORT)
        self._sipp("ringing", RINGING_PORT)
        self._sipp("mailbox", MAILBOX_PORT)
        ports = {ECHO_PORT, SILENT_PORT, RINGING_PORT, MAILBOX_PORT}
        until(lambda: ports <= self.namespace.udp_ports(), within=5.0, what=f"SIPp listens on {ports}")

    def _sipp(self, scenario: str, port: int, *options: str) -> None:
        where = (
            "-i",
            self.address,
            "-p",
            str(port),
            "-mi",
            self.address,
            "-mp",
            str(MEDIA_PORTS.get(port, port + 1000)),
        )
        how = ("-sf", str(_HERE / f"{scenario}.xml"), "-nostdin", *options)
        self._behind.append(self.namespace.popen("sipp", *how, *where, log=f"{scenario}-{port}"))
