"""A resolver of the lab: unbound with one zone, whose records and whose way of failing are switched while it runs."""

from __future__ import annotations

import signal
import sys
from enum import StrEnum
from pathlib import Path

from tests.lab.namespace import LabError, Namespace, Process, run, until

ZONE = "example.net"
PORT = 53

_TEMPLATE = Path(__file__).with_name("resolver.unbound.conf")
_LATE_PORT = 5300
_SHORT = 56
"""Bytes; a question of the lab fits, an answer with a record does not."""


class Failing(StrEnum):
    """How a resolver may answer for the whole zone; the values are unbound's."""

    SERVFAIL = "always_transparent"
    """What the zone holds is not looked at, and unbound may ask nobody."""
    REFUSED = "always_refuse"
    NXDOMAIN = "always_nxdomain"
    EMPTY = "always_nodata"
    SILENT = "always_deny"


class Resolver:
    """At `address` of `namespace`. What `fail`, `lie`, `truncate` and `answer_late` do, `answer_normally` undoes.

    `start`/`stop` and `freeze`/`thaw` are pairs. `restore` undoes everything but what was published.
    """

    def __init__(self, namespace: Namespace, address: str, *, name: str = "resolver", zone: str = ZONE) -> None:
        self.address = address
        self.namespace = namespace
        self.name = name
        self._zone = zone
        self._records: list[str] = []
        self._config = namespace.directory / f"{name}.conf"
        self._process: Process | None = None
        self._late: Process | None = None
        self._frozen = False

    def __enter__(self) -> Resolver:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- life

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def output(self) -> str:
        return self._process.output if self._process else ""

    def start(self) -> None:
        """Start, publish again what was published, and return when it answers."""
        text = _TEMPLATE.read_text()
        for key, value in {"ADDRESS": self.address, "NAME": self.name, "DIRECTORY": self._config.parent}.items():
            text = text.replace(f"@{key}@", str(value))
        self._config.write_text(text)
        self._process = self.namespace.popen("unbound", "-d", "-p", "-c", str(self._config), log=self.name)
        self._frozen = False
        until(self._listens, within=5.0, what=f"{self.name} does not start")
        self._serve("static", self._records)

    def stop(self) -> None:
        """End the process at once; its port then answers with ICMP port unreachable."""
        self._answer_at_once()
        if self._process is not None:
            self._process.kill()

    def freeze(self) -> None:
        """The process hangs: its socket takes questions, and nobody reads them."""
        assert self._process is not None
        self._process.signal(signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        """What came in while it was frozen is answered now, late."""
        assert self._process is not None
        self._process.signal(signal.SIGCONT)
        self._frozen = False

    def restore(self) -> None:
        """Running, and answering with what was published."""
        if self._frozen:
            self.thaw()
        if not self.running:
            self.start()
        self.answer_normally()

    # --- what it says

    def publish(self, *records: str) -> None:
        """Add records in master file format: `sbc.example.net. 60 IN A 203.0.113.2`. They outlive a restart.

        An alias leads nowhere: unbound follows none in what it serves itself.
        """
        self._records += records
        if self.running:
            self._serve("static", self._records)

    def withdraw(self, name: str) -> None:
        """Remove all records of `name` (`sbc.example.net`)."""
        self._records = [record for record in self._records if record.split()[0].rstrip(".") != name.rstrip(".")]
        if self.running:
            self._serve("static", self._records)

    def fail(self, how: Failing) -> None:
        """Answer every question about the zone this way."""
        self._serve(how, self._records)

    def lie(self, address: str) -> None:
        """As a captive portal does: every name of the zone is at `address`, and there is nothing else."""
        self._serve("redirect", [f"{self._zone}. 5 IN A {address}"])

    def truncate(self) -> None:
        """No answer with a record fits into a datagram: TCP has it."""
        self._control("set_option", "max-udp-size:", str(_SHORT))

    def answer_late(self, seconds: float) -> None:
        """Every answer over UDP takes this much longer."""
        self._answer_at_once()
        arguments = (self.address, _LATE_PORT, PORT, seconds)
        command = (sys.executable, "-m", "tests.lab.late_relay", *map(str, arguments))
        self._late = self.namespace.popen(*command, log=f"{self.name}-late")
        late = self._late
        until(lambda: _LATE_PORT in self.namespace.udp_ports(), within=10.0, what=f"no relay\n{late.output}")
        divert = f"ip daddr {self.address} udp dport {PORT} dnat to {self.address}:{_LATE_PORT}"
        self.namespace.nft(
            f"table ip {self._table} {{\nchain divert {{\ntype nat hook prerouting priority dstnat\n{divert}\n}}\n}}\n"
        )

    def answer_normally(self) -> None:
        self._answer_at_once()
        self._control("set_option", "max-udp-size:", "4096")
        self._serve("static", self._records)

    # --- the process

    @property
    def _table(self) -> str:
        return f"late_{self.name.replace('-', '_')}"

    def _answer_at_once(self) -> None:
        late, self._late = self._late, None
        if late is not None:
            self.namespace.run("nft", "delete", "table", "ip", self._table)
            late.kill()

    def _serve(self, kind: str, records: list[str]) -> None:
        self._control("local_zone_remove", self._zone)
        self._control("local_zone", self._zone, kind)
        self._control("local_datas", stdin="".join(f"{record}\n" for record in records))

    def _listens(self) -> bool:
        if not self.running:
            raise LabError(f"{self.name} ended at once:\n{self.output}")
        try:
            self._control("status")
        except LabError:
            return False
        return True

    def _control(self, *command: str, stdin: str = "") -> None:
        said = run("unbound-control", "-c", str(self._config), *command, stdin=stdin)
        if "error" in said:
            raise LabError(f"{self.name} refuses {command}: {said}")
