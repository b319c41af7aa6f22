"""What is told without being asked. Every notification also has the site's name, a sequence number and a time."""

from tonekeeper.faces.snmp.definition import NotificationType
from tonekeeper.faces.snmp.objects.agent import ACTIVE
from tonekeeper.faces.snmp.objects.findings import FINDINGS
from tonekeeper.faces.snmp.objects.paths import PATHS
from tonekeeper.faces.snmp.objects.sbcs import SBCS
from tonekeeper.faces.snmp.objects.wans import WANS

WAN_CHANGED = NotificationType(1, "WanChanged", WANS, ("State", "Interface"), "A WAN has come into another state.")
SBC_CHANGED = NotificationType(2, "SbcChanged", SBCS, ("State", "Reason"), "An SBC has come into another state.")
PATH_CHANGED = NotificationType(
    3,
    "PathChanged",
    PATHS,
    ("State", "Reason"),
    "A path has been called down, or is no longer. Doubts that were not confirmed are not told.",
)
ACTIVE_CHANGED = NotificationType(4, "ActiveChanged", ACTIVE, ("Wan", "Sbc", "Reason"), "The site has moved.")
FINDING_RAISED = NotificationType(
    5, "FindingRaised", FINDINGS, ("Code", "Severity", "Subject", "Summary", "Remedy"), "A finding has become active."
)
FINDING_CLEARED = NotificationType(
    6, "FindingCleared", FINDINGS, ("Code", "Severity", "Subject"), "A finding is no longer active."
)
