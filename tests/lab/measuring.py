"""`tonekeeper nat` as a process in a namespace of the lab, what it printed, and what the truth is set to."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.lab.namespace import Namespace, Process
from tests.lab.topology import Lab

KINDS = ("unreplied", "replied", "stream")
MASQUERADE = ("endpoint-independent", "address-and-port-dependent")
"""Mapping and filtering of the CPE's NAT."""

_LOSS = "table ip loss {{\nchain broken {{\ntype filter hook prerouting priority -400\n{rules}\n}}\n}}\n"


_BLOCK = "table ip block {{\nchain broken {{\ntype filter hook prerouting priority -400\n{rule}\n}}\n}}\n"


@dataclass(frozen=True, slots=True)
class Truth:
    """Seconds that a binding of the CPE lives, as its kernel is told."""

    udp: int
    stream: int
    tcp: int = 432_000

    def of(self, kind: str) -> int:
        return {"stream": self.stream, "tcp": self.tcp}.get(kind, self.udp)


@dataclass(frozen=True, slots=True)
class Measured:
    code: int
    """Exit code."""
    document: dict[str, Any]

    @property
    def elapsed(self) -> float:
        return float(self.document["elapsed_s"])

    @property
    def lifetimes(self) -> dict[str, list[float] | None]:
        return dict(self.document["lifetime_s"])

    @property
    def reasons(self) -> dict[str, str]:
        return dict(self.document["reasons"])

    def evidence(self, name: str) -> str:
        """The verdict of one piece: yes, no, not checked."""
        return next(str(piece["verdict"]) for piece in self.document["evidence"] if piece["name"] == name)


class Measuring:
    """Started by constructing; `wait` gives the outcome."""

    def __init__(self, namespace: Namespace, server: str, *options: str, through: tuple[str, ...] = ()) -> None:
        command = (*through, sys.executable, "-m", "tonekeeper", "nat", "--json", "--server", server, *options)
        self._process: Process = namespace.popen(*command, log=f"nat-{os.urandom(3).hex()}")

    def wait(self, within: float) -> Measured:
        code = self._process.wait(within)
        try:
            return Measured(code, json.loads(self._process.output))
        except ValueError:
            raise AssertionError(f"exit {code}, and no JSON document:\n{self._process.output}") from None

    def kill(self) -> None:
        if self._process.running:
            self._process.kill()


@contextmanager
def cpe_forgets_after(lab: Lab, truth: Truth) -> Iterator[None]:
    with forgets_after(lab.cpe.namespace, truth):
        yield


@contextmanager
def forgets_after(router: Namespace, truth: Truth) -> Iterator[None]:
    before = Truth(*map(int, router.run("sysctl", "-n", *_sysctls(truth)).split()))
    router.set_sysctls(_sysctls(truth))
    try:
        yield
    finally:
        router.set_sysctls(_sysctls(before))


@contextmanager
def fibre_loses(lab: Lab, percent: int, *ports: int) -> Iterator[None]:
    """That share of the packets from and to each of `ports` and the port after it, each by itself."""
    fibre = lab.provider("fibre").namespace
    rules = [
        f"{protocol} {where} {{ {port}, {port + 1} }} numgen random mod 100 < {percent} drop"
        for port in ports
        for protocol in ("udp", "tcp")
        for where in ("dport", "sport")
    ]
    fibre.nft(_LOSS.format(rules="\n".join(rules)))
    try:
        yield
    finally:
        fibre.run("nft", "delete", "table", "ip", "loss")


@contextmanager
def fibre_blocks(lab: Lab, port: int) -> Iterator[None]:
    """Datagrams to `port`, silently."""
    fibre = lab.provider("fibre").namespace
    fibre.nft(_BLOCK.format(rule=f"udp dport {port} drop"))
    try:
        yield
    finally:
        fibre.run("nft", "delete", "table", "ip", "block")


def _sysctls(truth: Truth) -> dict[str, str]:
    stem = "net.netfilter.nf_conntrack"
    return {
        f"{stem}_udp_timeout": str(truth.udp),
        f"{stem}_udp_timeout_stream": str(truth.stream),
        f"{stem}_tcp_timeout_established": str(truth.tcp),
    }
