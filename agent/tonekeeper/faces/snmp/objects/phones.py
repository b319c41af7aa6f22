"""The phones at the site. Whose they are is not known here."""

from tonekeeper.faces.snmp.definition import Index, Leaf, Table, of
from tonekeeper.faces.snmp.objects.paths import TRANSPORT
from tonekeeper.faces.snmp.syntax import ADDRESS, ADDRESS_TYPE, GAUGE, MAC, TEXT, gauge

_UNSEEN = "no instance: it was not seen."

PHONES = Table(
    23,
    "Phone",
    lambda served: served.report.phones,
    (
        Index("PhoneAddressType", ADDRESS_TYPE, of("address"), 1, "The type of tkPhoneAddress."),
        Index("PhoneAddress", ADDRESS, of("address"), 2, "The address of the phone on the LAN."),
    ),
    (
        Leaf(3, "UserAgent", TEXT, of("user_agent"), "What the phone says it is; empty: it said nothing."),
        Leaf(4, "Profile", TEXT, of("profile"), "The firmware profile that fits; empty: none is known."),
        Leaf(5, "Vendor", TEXT, of("vendor"), "The vendor, by the profile or else by the MAC address."),
        Leaf(6, "Model", TEXT, of("model"), "The model, where it is known."),
        Leaf(7, "Firmware", TEXT, of("firmware"), "The version of its firmware, where it is known."),
        Leaf(8, "Mac", MAC, of("mac"), f"The MAC address; {_UNSEEN}"),
        Leaf(
            9,
            "SeenBy",
            TEXT,
            lambda phone: ", ".join(phone.seen_by),
            "The signs of it, by commas: lease, neighbour, register, connection, options.",
        ),
        Leaf(10, "Transport", TRANSPORT, of("transport"), f"The transport that it registers over; {_UNSEEN}"),
        Leaf(11, "Expiry", GAUGE, of("expiry_s"), f"The expiry that its REGISTER asks for; {_UNSEEN}", "seconds"),
        Leaf(12, "Granted", GAUGE, of("granted_s"), f"The expiry that the server gave it last; {_UNSEEN}", "seconds"),
        Leaf(13, "Status", GAUGE, of("status"), f"The last final answer to its REGISTER; {_UNSEEN}"),
        Leaf(
            14,
            "Retry",
            gauge(1000),
            of("retry_s"),
            f"The time between its last two REGISTERs; {_UNSEEN}",
            "milliseconds",
        ),
        Leaf(
            15,
            "Keepalive",
            gauge(1000),
            of("keepalive_s"),
            f"The time between its packets to a SIP port over UDP, as a rule; {_UNSEEN}",
            "milliseconds",
        ),
        Leaf(16, "LastSeen", GAUGE, of("last_seen_s"), "Time since a sign of it was noted.", "seconds"),
    ),
    "The phones on the LAN, those first that were found first.",
    most=256,
    always=False,
)
