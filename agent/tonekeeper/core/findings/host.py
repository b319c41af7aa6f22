"""This host: the agent's own house."""

from tonekeeper.core.findings.entry import Entry
from tonekeeper.core.report import Severity

HOST = (
    Entry(
        "journal-unwritable",
        Severity.WARNING,
        "The journal cannot be written: {why}. Probing goes on; what happens meanwhile cannot be replayed.",
        "Free space or fix the permissions of the state directory ([agent] state_dir).",
    ),
    Entry(
        "crash-loop",
        Severity.WARNING,
        "The agent has crashed {why}. It observes only, at a slow cadence, until it has run for 10 minutes.",
        "Send its log and the files of the state directory to those who maintain it. A reload does not end this.",
    ),
    Entry(
        "http-unavailable",
        Severity.WARNING,
        "The status page and the API are not served: {why}.",
        "Free the port or choose another one in [http] listen; it is tried again every few seconds.",
    ),
    Entry(
        "snmp-unavailable",
        Severity.WARNING,
        "SNMP is not answered: {why}.",
        "See the reason: it names what to change in [snmp], or what to install. It is tried again by itself.",
    ),
    Entry(
        "profiles-refused",
        Severity.WARNING,
        "The firmware profiles cannot be used: {why}. Phones are matched with those that were good before, if any.",
        "tonekeeper profiles lint says what is wrong, with file and line; then reload (SIGHUP).",
    ),
    Entry(
        "registers-unseen",
        Severity.INFO,
        "Phones that register are not noticed: {why}. Leases, neighbours and OPTIONS still show some of them.",
        "Give the agent CAP_NET_RAW (AmbientCapabilities in its unit), or leave the interface out of [lan].",
    ),
    Entry(
        "clock-jumped",
        Severity.INFO,
        "The wall clock of this host moved by {seconds} s. Probing does not use it, certificates and logs do.",
        "Check the time synchronisation of this host.",
    ),
    Entry(
        "clock-wrong",
        Severity.WARNING,
        "The clock of this host {why}.",
        "Set the clock and have NTP keep it (chrony, systemd-timesyncd, the NTP client of the router). If it is wrong "
        "after every power cut, its battery is empty or there is none: NTP must then work before TLS does.",
    ),
    Entry(
        "conntrack-full",
        Severity.WARNING,
        "The kernel's table of connections is full, or nearly: {why}. New calls and registrations are dropped when "
        "it is.",
        "{change}. See what fills it: conntrack -L, by source; a phone system that scans, or a host that is misused.",
    ),
)
