"""The whole catalogue, by code."""

from __future__ import annotations

from tonekeeper.core.findings.entry import Entry
from tonekeeper.core.findings.firewall import FIREWALL
from tonekeeper.core.findings.host import HOST
from tonekeeper.core.findings.lan import LAN
from tonekeeper.core.findings.names import NAMES
from tonekeeper.core.findings.nat import NAT
from tonekeeper.core.findings.paths import PATHS
from tonekeeper.core.findings.phones import PHONES
from tonekeeper.core.findings.sbcs import SBCS
from tonekeeper.core.findings.steering import STEERING
from tonekeeper.core.findings.wans import WANS

CHAPTERS: dict[str, tuple[Entry, ...]] = {
    "WANs": WANS,
    "SBCs": SBCS,
    "Paths": PATHS,
    "DNS": NAMES,
    "Failover": STEERING,
    "NAT": NAT,
    "Firewall": FIREWALL,
    "LAN": LAN,
    "Phones": PHONES,
    "This host": HOST,
}
"""In the order of the playbook."""

CATALOGUE: dict[str, Entry] = {entry.code: entry for chapter in CHAPTERS.values() for entry in chapter}
