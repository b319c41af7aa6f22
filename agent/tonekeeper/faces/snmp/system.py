"""The system group (RFC 3418), which every SNMP agent has: by it managers find out whom they have before them.

Where snmpd answers for us it has its own.
"""

from __future__ import annotations

from tonekeeper.core.report import Report
from tonekeeper.faces.snmp.definition import ENTERPRISES, MIB
from tonekeeper.faces.snmp.syntax import TEXT, TICKS
from tonekeeper.wire.smi import Oid, Tag, Value

SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
APPLICATIONS = 64
"""sysServices: a host that offers application services."""


def system_group(report: Report, enterprise: int) -> dict[Oid, Value]:
    """What the operator alone could know, contact and location, is empty."""
    described = f"Tonekeeper {report.agent.version}, {report.agent.role} of {report.agent.name}"
    values = {
        1: Value(Tag.OCTET_STRING, TEXT.encode(described)),
        2: Value(Tag.OBJECT_IDENTIFIER, (*ENTERPRISES, enterprise, *MIB)),
        3: Value(Tag.TIME_TICKS, TICKS.encode(report.agent.uptime_s)),
        4: Value(Tag.OCTET_STRING, b""),
        5: Value(Tag.OCTET_STRING, TEXT.encode(report.agent.name)),
        6: Value(Tag.OCTET_STRING, b""),
        7: Value(Tag.INTEGER, APPLICATIONS),
    }
    return {(*SYSTEM, number, 0): value for number, value in values.items()}
