"""The WANs."""

from tonekeeper.faces.snmp.definition import Index, Leaf, Table, of
from tonekeeper.faces.snmp.syntax import COUNTER, GAUGE, NAME, TEXT, TRUTH, words

STATE = words(
    "TonekeeperWanState",
    "State of a WAN: up, down, suppressed (it works, but flapped too much to be used), unknown (nobody can tell).",
    "up",
    "down",
    "suppressed",
    "unknown",
)
FACT = words("TonekeeperFact", "A fact that may not have been looked at.", "yes", "no", "not checked")

NAME_DESCRIPTION = "The name of the WAN, as it is configured. It stays the same as long as the configuration has it."

WANS = Table(
    10,
    "Wan",
    lambda served: served.report.wans,
    (Index("WanName", NAME, of("name"), 1, NAME_DESCRIPTION),),
    (
        Leaf(2, "Interface", TEXT, of("interface"), "The network interface of the WAN."),
        Leaf(3, "State", STATE, of("state"), "The state of the WAN."),
        Leaf(4, "StateAge", GAUGE, of("since_s"), "Time that the WAN has been in its state.", "seconds"),
        Leaf(5, "Carrier", FACT, of("carrier"), "Whether the interface has a carrier."),
        Leaf(6, "Addresses", TEXT, lambda wan: ", ".join(wan.addresses), "The addresses of the interface, by commas."),
        Leaf(7, "Blamed", TRUTH, of("blamed"), "Whether this WAN is what is at fault."),
        Leaf(8, "Penalty", GAUGE, of("penalty"), "The damping penalty at this moment (RFC 2439)."),
        Leaf(9, "Transitions", COUNTER, of("transitions"), "Changes of the state since the agent started."),
        Leaf(10, "LossesLastHour", GAUGE, of("losses_1h"), "Losses of carrier, address or health in the last hour."),
        Leaf(
            11,
            "ReuseWait",
            GAUGE,
            of("suppressed_s"),
            "Time until a flapping WAN is trusted again. A WAN that is trusted has no instance.",
            "seconds",
        ),
        Leaf(12, "Metered", TRUTH, of("metered"), "Whether what is sent over this WAN costs money."),
        Leaf(
            13,
            "ProbingSpent",
            GAUGE,
            of("probing_bytes"),
            "What probing has cost in these 30 days. A WAN that is not metered has no instance.",
            "octets",
        ),
        Leaf(
            14,
            "ProbingBudget",
            GAUGE,
            of("probing_budget_bytes"),
            "What probing may cost in 30 days. A WAN that is not metered has no instance.",
            "octets",
        ),
    ),
    "The WANs of the site.",
    most=16,
)
