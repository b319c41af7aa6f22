"""The LAN that the phones are on."""

from tonekeeper.core.findings.entry import Entry
from tonekeeper.core.report import Severity

LAN = (
    Entry(
        "dhcp-twice",
        Severity.WARNING,
        "{count} DHCP servers answer on {subject}, and {why}: {servers}.",
        "Switch off all but one. The one that nobody knows of is found by its address in the neighbour table "
        "(ip neigh) and in the switch: often a second router that was plugged in by its LAN side.",
    ),
)
