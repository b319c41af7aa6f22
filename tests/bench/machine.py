"""The machine that the numbers come from, without anything that would name it."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tonekeeper import __version__

LIBRARIES = ("msgspec", "h11", "pyroute2.minimal")
SERVERS = ("kamailio", "coturn", "keepalived", "prometheus-blackbox-exporter")
"""Debian packages"""


@dataclass(frozen=True, slots=True)
class Machine:
    processor: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    versions: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.processor}, {self.cores} cores, {self.memory_gib:.0f} GiB; {self.kernel}; {self.python}"


def describe_machine() -> Machine:
    return Machine(
        processor=_field("/proc/cpuinfo", "model name"),
        cores=os.cpu_count() or 0,
        memory_gib=int(_field("/proc/meminfo", "MemTotal").split()[0]) / 2**20,
        kernel=f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        versions=(
            ("tonekeeper", __version__),
            *((library, version(library)) for library in LIBRARIES),
            *((server, _package_version(server)) for server in SERVERS),
        ),
    )


def _field(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def _package_version(package: str) -> str:
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False
    )
    return asked.stdout or "unknown"
