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
        "http-unavailable",
        Severity.WARNING,
        "The status page and the API are not served: {why}.",
        "Free the port or choose another one in [http] listen; it is tried again every few seconds.",
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
)
