"""SNMP managers: net-snmp's tools, its trap receiver, its daemon as the AgentX master of a host.

The daemons keep what they must under the names of their configurations, so that is a directory of its own. The tools
read the names from what `tonekeeper mib` prints, so a test says `tkWanState."fibre"` and gets `up`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.namespace import MOUNTS, Namespace, Process, until

STANDARD_MIBS = Path(__file__).parent / "mibs"
COMMUNITY = "l4b-community"
USER, AUTH_KEY, PRIV_KEY = "noc", "correct-horse-auth", "correct-horse-priv"
V2C = ("-v2c", "-c", COMMUNITY)
V3 = ("-v3", "-u", USER, "-l", "authPriv", "-a", "SHA-256", "-A", AUTH_KEY, "-x", "AES", "-X", PRIV_KEY)
ROOT = "1.3.6.1.4.1.32473.5060"
TIMEOUT = 1
"""Seconds that a manager waits; it asks once more."""


def with_snmp(listen: str = "127.0.0.1:1161", **others: object) -> dict[str, object]:
    """Sections for an agent that answers everybody here."""
    user = {
        "name": USER,
        "auth_protocol": "sha256",
        "auth_key": AUTH_KEY,
        "priv_protocol": "aes128",
        "priv_key": PRIV_KEY,
    }
    return {"snmp": {"listen": listen, "community": COMMUNITY, **others}, "snmp.user": [user]}


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    text: str
    complaint: str

    @property
    def values(self) -> dict[str, str]:
        """By name: `tkWanState."fibre"` -> `up`."""
        found = re.findall(r"^TONEKEEPER-MIB::(\S+) = (?:[A-Za-z0-9-]+: )?(.*)$", self.text, re.MULTILINE)
        return {name: re.sub(r"\(\d+\)$", "", value).strip('"') for name, value in found}


class Manager:
    """Somebody in `namespace` who asks `address`, with the MIB in `directory`."""

    def __init__(self, namespace: Namespace, directory: Path, address: str = "127.0.0.1:1161") -> None:
        self._namespace = namespace
        self._address = address
        self._mibs = print_mib(directory)

    def run(self, tool: str, how: Sequence[str], *oids: str, within: float = 30.0) -> Answer:
        command = [
            "nsenter",
            f"--net={MOUNTS / self._namespace.name}",
            tool,
            *how,
            *("-t", str(TIMEOUT), "-r", "1", "-M", self._mibs, "-m", "TONEKEEPER-MIB"),
            self._address,
            *oids,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=within, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)

    def get(self, how: Sequence[str], *names: str) -> Answer:
        return self.run("snmpget", how, *(f"TONEKEEPER-MIB::{name}" for name in names))

    def value(self, name: str, how: Sequence[str] = V2C) -> str:
        answer = self.get(how, name)
        assert answer.code == 0, answer
        return answer.values[name]

    def walk(self, tool: str, how: Sequence[str]) -> dict[str, str]:
        answer = self.run(tool, how, ROOT)
        assert answer.code == 0, answer
        return answer.values


def print_mib(directory: Path) -> str:
    """The search path of net-snmp's tools, with what `tonekeeper mib` prints in it."""
    file = directory / "mibs" / "TONEKEEPER-MIB"
    file.parent.mkdir(exist_ok=True)
    if not file.exists():
        done = subprocess.run(
            [sys.executable, "-m", "tonekeeper", "mib"], capture_output=True, text=True, timeout=30, check=True
        )
        file.write_text(done.stdout)
    return f"{STANDARD_MIBS}:{file.parent}"


class Receiver:
    """snmptrapd in `namespace`. `engine_id`: hexadecimal, of an agent whose SNMPv3 traps it shall understand."""

    def __init__(self, namespace: Namespace, directory: Path, *, port: int = 162, engine_id: str = "") -> None:
        self._namespace = namespace
        self._directory = directory / f"snmptrapd-{os.urandom(3).hex()}"
        self._directory.mkdir()
        self._mibs = print_mib(directory)
        self._port = port
        keys = f"{USER} SHA-256 {AUTH_KEY} AES {PRIV_KEY}"
        lines = [f"createUser {keys}", f"authUser log {USER}", f"authCommunity log {COMMUNITY}"]
        lines += [f"createUser -e 0x{engine_id} {keys}"] if engine_id else []
        (self._directory / "snmptrapd.conf").write_text("\n".join(lines) + "\n")
        self._process: Process | None = None

    def start(self) -> None:
        self._process = self._namespace.popen(
            *("snmptrapd", "-f", "-Lo", "-C", "-c", str(self._directory / "snmptrapd.conf")),
            *("-M", self._mibs, "-m", "TONEKEEPER-MIB:SNMPv2-MIB", "-F", "%v\\n"),
            f"udp:{self._port}",
            log=self._directory.name,
            env={**os.environ, "SNMP_PERSISTENT_DIR": str(self._directory / "kept")},
        )
        until(lambda: self._port in self._namespace.udp_ports(), within=10, what="snmptrapd listens")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()

    @property
    def output(self) -> str:
        return self._process.output if self._process else ""

    @property
    def heard(self) -> list[dict[str, str]]:
        """Each notification, by name without the instance: `tkFindingCode` -> `sbc-down`; `snmpTrapOID` says which."""
        found = []
        for line in self.output.splitlines():
            bindings = re.findall(r"(?:TONEKEEPER-MIB|SNMPv2-MIB)::(\w+)\S* = (?:[\w-]+: )?(.*?)(?=\t|$)", line)
            if bindings:
                values = {name: re.sub(r"\(\d+\)$", "", value).strip('"') for name, value in bindings}
                values["snmpTrapOID"] = values["snmpTrapOID"].rpartition("::")[2]
                found.append(values)
        return found

    def wait_for(self, within: float = 20.0, **wanted: str) -> dict[str, str]:
        """The first notification that has these values."""

        def found() -> dict[str, str] | None:
            return next((one for one in self.heard if wanted.items() <= one.items()), None)

        return until(found, within=within, what=f"a notification with {wanted}; heard: {self.output}", every=0.1)


class Snmpd:
    """net-snmp's daemon in `namespace`, with an AgentX socket, and trap sinks if it is told of any."""

    def __init__(self, namespace: Namespace, directory: Path, *, port: int = 161, sinks: Sequence[str] = ()) -> None:
        self._namespace = namespace
        self._directory = directory / f"snmpd-{os.urandom(3).hex()}"
        self._directory.mkdir()
        self._port = port
        self.socket = self._directory / "master"
        lines = [
            f"agentAddress udp:127.0.0.1:{port}",
            f"rocommunity {COMMUNITY}",
            "rwcommunity writing",
            "master agentx",
            f"agentXSocket {self.socket}",
            *sinks,
        ]
        (self._directory / "snmpd.conf").write_text("\n".join(lines) + "\n")
        self._process: Process | None = None

    def start(self) -> None:
        self._process = self._namespace.popen(
            *("snmpd", "-f", "-Lo", "-C", "-c", str(self._directory / "snmpd.conf")),
            log=self._directory.name,
            env={**os.environ, "SNMP_PERSISTENT_DIR": str(self._directory / "kept"), "MIBS": ""},
        )
        until(lambda: self._port in self._namespace.udp_ports(), within=10, what="snmpd listens")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self.socket.unlink(missing_ok=True)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def output(self) -> str:
        return self._process.output if self._process else ""
