"""Kamailio's dispatcher module on the CPE, watching the same SBCs: ping 5 s, probing threshold 3, timer 2 s."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.lab.namespace import Process
from tests.lab.sbc import Sbc
from tests.lab.topology import Lab

_TEMPLATE = Path(__file__).with_name("dispatcher.cfg")
_VERDICT = re.compile(r"verdict (down|up) (\d+\.\d+) (\S+)")


@dataclass(frozen=True, slots=True)
class Verdict:
    state: str
    """down, up"""
    at: float
    """Seconds since 1970."""
    uri: str


class Dispatcher:
    """A watcher that runs inside `with`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._process: Process | None = None

    def __enter__(self) -> Dispatcher:
        directory = self._lab.directory
        listed = directory / "dispatcher.list"
        listed.write_text("".join(f"1 {_uri(sbc)}\n" for sbc in self._lab.sbcs))
        address = self._lab.provider("fibre").wan_address
        config = directory / "dispatcher.cfg"
        config.write_text(_TEMPLATE.read_text().replace("@ADDRESS@", address).replace("@DIRECTORY@", str(directory)))
        command = ("kamailio", "-DD", "-E", "-m", "16", "-M", "4", "-w", str(directory), "-Y", str(directory))
        self._process = self._lab.cpe.namespace.popen(*command, "-f", str(config), log="dispatcher")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()

    def verdict(self, state: str, sbc: Sbc, since: float) -> Verdict | None:
        """The first `state` about `sbc` told after `since` (seconds since 1970); None if there is none yet."""
        assert self._process is not None
        for found in _VERDICT.finditer(self._process.output):
            verdict = Verdict(found[1], float(found[2]), found[3])
            if verdict.state == state and verdict.uri == _uri(sbc) and verdict.at > since:
                return verdict
        return None


def _uri(sbc: Sbc) -> str:
    return f"sip:{sbc.address}:{sbc.port}"
