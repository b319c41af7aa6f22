"""All objects, in the order of their numbers, and all notifications."""

from __future__ import annotations

from tonekeeper.faces.snmp.definition import Group, NotificationType, Table
from tonekeeper.faces.snmp.objects.agent import ACTIVE, AGENT, PROBING, STEERING
from tonekeeper.faces.snmp.objects.findings import CHECKS, COUNTS, FINDINGS, NOTIFYING
from tonekeeper.faces.snmp.objects.firewall import FLOWS
from tonekeeper.faces.snmp.objects.nat import BINDINGS, NATS
from tonekeeper.faces.snmp.objects.notifications import (
    ACTIVE_CHANGED,
    FINDING_CLEARED,
    FINDING_RAISED,
    PATH_CHANGED,
    SBC_CHANGED,
    WAN_CHANGED,
)
from tonekeeper.faces.snmp.objects.paths import PATHS
from tonekeeper.faces.snmp.objects.phones import PHONES
from tonekeeper.faces.snmp.objects.proofs import ATTEMPTS, CALLS, FUNCTIONS
from tonekeeper.faces.snmp.objects.sbcs import RESPONSES, SBCS
from tonekeeper.faces.snmp.objects.wans import WANS

OBJECTS: tuple[Group | Table, ...] = (
    AGENT,
    ACTIVE,
    STEERING,
    PROBING,
    COUNTS,
    WANS,
    SBCS,
    PATHS,
    FUNCTIONS,
    ATTEMPTS,
    CALLS,
    RESPONSES,
    NATS,
    BINDINGS,
    FLOWS,
    PHONES,
    CHECKS,
    FINDINGS,
    NOTIFYING,
)
NOTIFICATIONS: tuple[NotificationType, ...] = (
    WAN_CHANGED,
    SBC_CHANGED,
    PATH_CHANGED,
    ACTIVE_CHANGED,
    FINDING_RAISED,
    FINDING_CLEARED,
)
