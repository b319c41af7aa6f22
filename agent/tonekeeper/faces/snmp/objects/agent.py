"""The agent: who it is, where the site is, what is steered, and what its probing costs."""

from tonekeeper.core.verdict import verdict_of
from tonekeeper.faces.snmp.definition import Group, Leaf, of
from tonekeeper.faces.snmp.syntax import COUNTER, COUNTER64, GAUGE, HUNDREDTHS, TEXT, TICKS, gauge, words

ROLE = words("TonekeeperRole", "What kind of host the agent runs on.", "router", "endpoint")
MODE = words(
    "TonekeeperMode",
    "Whether the agent acts on what it decides: observe tells only, steer moves SIP and RTP as well.",
    "observe",
    "steer",
)
PHASE = words(
    "TonekeeperSteeringPhase",
    "How far a move to another WAN has come; off in the mode observe, resting while nothing moves.",
    "off",
    "resting",
    "asking",
    "applying",
    "flushing",
    "freeing",
)

AGENT = Group(
    1,
    "Agent",
    (
        Leaf(1, "Name", TEXT, of("report.agent.name"), "The name of the site, as it is configured."),
        Leaf(2, "Version", TEXT, of("report.agent.version"), "The version of the running agent."),
        Leaf(3, "Role", ROLE, of("report.agent.role"), "The role of the host, as it is configured."),
        Leaf(4, "Mode", MODE, of("report.agent.mode"), "The failover mode, as it is configured."),
        Leaf(5, "Uptime", TICKS, of("report.agent.uptime_s"), "Time since the agent started."),
        Leaf(
            6,
            "Verdict",
            TEXT,
            lambda served: verdict_of(served.report),
            "What is wrong and whose fault it is, in one sentence; where nothing is, what is known to work.",
        ),
    ),
    "The agent itself.",
)

ACTIVE = Group(
    2,
    "Active",
    (
        Leaf(1, "Wan", TEXT, of("report.active.wan"), "The WAN that the site is on; empty before the first decision."),
        Leaf(2, "Sbc", TEXT, of("report.active.sbc"), "The SBC that the site is on; empty before the first decision."),
        Leaf(3, "Age", GAUGE, of("report.active.since_s"), "Time since the site is there.", "seconds"),
        Leaf(4, "Reason", TEXT, of("report.active.reason"), "Why the site is there."),
        Leaf(
            5,
            "Switches",
            COUNTER,
            of("report.active.switches"),
            "Changes of the active WAN or SBC since the agent started.",
        ),
        Leaf(
            6,
            "Voicemail",
            TEXT,
            of("report.active.voicemail"),
            "Where voicemail works when it fails where the site is; empty: where the site is.",
        ),
        Leaf(
            7,
            "FailbackWait",
            GAUGE,
            of("report.active.failback_s"),
            "Time until the way back is possible. There is no instance while there is no better place to return to.",
            "seconds",
        ),
    ),
    "Where the site is.",
)

STEERING = Group(
    3,
    "Steering",
    (
        Leaf(1, "Phase", PHASE, of("report.steering.phase"), "How far a move has come."),
        Leaf(
            2,
            "Interface",
            TEXT,
            of("report.steering.interface"),
            "The interface that SIP and RTP are steered to; empty where nothing is steered.",
        ),
        Leaf(
            3,
            "Destinations",
            GAUGE,
            lambda served: len(served.report.steering.destinations),
            "Addresses and networks that are steered.",
        ),
        Leaf(
            4,
            "KeptCalls",
            GAUGE,
            of("report.steering.kept_calls"),
            "Connected calls that stay on the WAN they began on.",
        ),
        Leaf(
            5,
            "StaleFlows",
            GAUGE,
            lambda served: len(served.report.steering.stale_flows),
            "Flows that NAT still holds to another WAN.",
        ),
        Leaf(6, "Moves", COUNTER, of("report.steering.moves"), "Moves to another WAN since the agent started."),
        Leaf(
            7,
            "FlushedFlows",
            COUNTER,
            of("report.steering.flushed_flows"),
            "Flows that were deleted so that they follow a move, since the agent started.",
        ),
    ),
    "What the agent has put into the kernel.",
)

PROBING = Group(
    4,
    "Probing",
    (
        Leaf(
            1,
            "Rate",
            HUNDREDTHS,
            of("report.probing.packets_per_second"),
            "What all probing of the site may send at most.",
            "packets per second",
        ),
        Leaf(2, "Burst", GAUGE, of("report.probing.burst"), "Packets that may leave at once.", "packets"),
        Leaf(
            3,
            "DailyLimit",
            gauge(1 / 1024),
            of("report.probing.bytes_per_day"),
            "What probing may cost in 24 hours.",
            "kibibytes",
        ),
        Leaf(4, "Packets", COUNTER64, of("report.probing.sent_packets"), "Packets that probing has sent.", "packets"),
        Leaf(
            5,
            "Octets",
            COUNTER64,
            of("report.probing.sent_bytes"),
            "What probing has cost, with the answers to it.",
            "octets",
        ),
        Leaf(
            6,
            "Postponed",
            COUNTER,
            of("report.probing.postponed"),
            "Probes that had to wait for the storm guard.",
        ),
    ),
    "What all probing of the site may cost at most, and what it has cost.",
)
