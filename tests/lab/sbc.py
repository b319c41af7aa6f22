"""An SBC of the lab: Kamailio at its site. What it answers is switched while it runs, over its JSON-RPC socket."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.certificates import Authority, Issued
from tests.lab.namespace import LabError, Namespace, Process, until
from tests.lab.options import ask

_TEMPLATE = Path(__file__).with_name("sbc.cfg")
_TLS = """
[server:default]
method = TLSv1.2+
certificate = {certificate}
private_key = {key}
"""
_CLIENTS = """
verify_certificate = yes
require_certificate = yes
ca_list = {}
"""


class Sbc:
    """`start`/`stop`, `freeze`/`thaw`, and `answer*`/`answer_normally` are pairs; `restore` undoes all three.

    It listens on UDP and TCP, and on TLS with the certificate that `show` gave it, or else one for its address and for
    `<name>.example.net`.
    """

    port = 5060
    tls_port = 5061

    def __init__(self, name: str, address: str, site: Namespace, core: Namespace, authority: Authority) -> None:
        self.name = name
        self.address = address
        self.namespace = site
        self.host = f"{name}.example.net"
        self._core = core
        self._own = authority.issue(self.host, address)
        self._shown: tuple[Issued, Path | None] = (self._own, None)
        self._process: Process | None = None
        self._changed = False
        self._frozen = False

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def endpoint(self) -> tuple[str, int]:
        return (self.address, self.port)

    @property
    def uri(self) -> str:
        return f"sip:{self.address}:{self.port};transport=udp"

    @property
    def tls_endpoint(self) -> tuple[str, int]:
        return (self.address, self.tls_port)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def output(self) -> str:
        return self._process.output if self._process else ""

    def launch(self) -> None:
        """Start without waiting for the first answer; `wait_ready` does that."""
        self._write_tls(self._own)
        self._launch(_TEMPLATE)

    def _launch(self, template: Path, **more: object) -> None:
        """Kamailio with this configuration; each @KEY@ in it stands for a value."""
        directory = self.namespace.directory
        text = template.read_text()
        values = {"ADDRESS": self.address, "NAME": self.name, "PORT": self.port, "DIRECTORY": directory, **more}
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        config = directory / f"{self.name}.cfg"
        config.write_text(text)
        command = ("kamailio", "-DD", "-E", "-m", "32", "-M", "4", "-w", str(directory), "-Y", str(directory))
        self._process = self.namespace.popen(*command, "-f", str(config), log=self.name)
        self._changed = self._frozen = False

    def wait_ready(self, within: float = 5.0) -> None:
        def answers() -> bool:
            if not self.running:
                raise LabError(f"{self.name} ended at once:\n{self.output}")
            return ask(self._core, self.endpoint, within=0.1).status == 200

        until(answers, within=within, what=f"{self.name} does not answer\n{self.output}")

    def start(self) -> None:
        """Start, and wait until it has answered an OPTIONS."""
        self.launch()
        self.wait_ready()

    def stop(self) -> None:
        """End the process at once, as a crash does; its port then answers with ICMP port unreachable."""
        if self._process is not None:
            self._process.kill()
            until(self._port_closed, within=2.0, what=f"the port of {self.name} stays open")

    def freeze(self) -> None:
        """The process hangs: its socket takes datagrams, and nobody reads them."""
        self._signal(signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        """What came in while it was frozen is answered now, late."""
        self._signal(signal.SIGCONT)
        self._frozen = False

    def answer(self, code: int, retry_after: int = 0) -> None:
        """Answer every request with `code` from now on, with Retry-After where `retry_after` (seconds) is not 0."""
        self._set("retry_after", retry_after)
        self._set("code", code)

    def answer_503(self, retry_after: int = 30) -> None:
        self.answer(503, retry_after)

    def answer_late(self, seconds: float) -> None:
        """Every answer takes this much longer; 0 is at once. No worker is blocked meanwhile."""
        self._set("late_ms", round(seconds * 1000))

    def answer_normally(self) -> None:
        self.answer_late(0)
        self.answer(200)
        self._changed = False

    def show(self, certificate: Issued, *, clients: Path | None = None) -> None:
        """Meet TLS connections with `certificate` from now on, and ask for one that `clients` signed."""
        self._write_tls(certificate, clients)
        self._call("tls.reload")

    def restore(self) -> None:
        """As after `start`."""
        if self._frozen:
            self.thaw()
        if not self.running:
            self.start()
        if self._changed:
            self.answer_normally()
        if self._shown != (self._own, None):
            self.show(self._own)

    def _write_tls(self, certificate: Issued, clients: Path | None = None) -> None:
        self._shown = (certificate, clients)
        text = _TLS.format(certificate=certificate.certificate, key=certificate.key)
        if clients is not None:
            text += _CLIENTS.format(clients)
        (self.namespace.directory / f"{self.name}.tls").write_text(text)

    def _port_closed(self) -> bool:
        # The children of a killed process go a moment after it.
        return self.port not in self.namespace.udp_ports()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.signal_group(number)

    def _set(self, variable: str, value: int) -> None:
        self._changed = True
        self._call("pv.shvSet", variable, "int", value)

    def _call(self, method: str, *parameters: str | int) -> object:
        directory = self.namespace.directory
        own = directory / f"{self.name}.rpc-client"
        request = {"jsonrpc": "2.0", "method": method, "params": parameters, "id": 1}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.settimeout(2.0)
            client.bind(str(own))
            try:
                client.sendto(json.dumps(request).encode(), str(directory / f"{self.name}.rpc"))
                reply = json.loads(client.recv(65535))
            except TimeoutError:
                raise LabError(f"{self.name} does not answer {method}\n{self.output}") from None
            finally:
                own.unlink()
        if "result" not in reply:
            raise LabError(f"{self.name} refuses {method}{parameters}: {reply}")
        return reply["result"]
