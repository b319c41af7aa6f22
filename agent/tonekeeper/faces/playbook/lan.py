"""The LAN that the phones are on."""

from tonekeeper.faces.playbook.advice import Advice

LAN = {
    "dhcp-twice": Advice(
        means="Two DHCP servers give out addresses on this LAN, and each phone takes what comes first. With another "
        "gateway or another provisioning server, some phones leave by a way that nobody watches: they work by turns.",
        sureness="Certain that both answered. Two that say the same may be meant (a pair that replaces each other): "
        "that is information only. A server that answers only those it knows is not seen.",
        try_first=(
            "`ip neigh | grep 192.168.1.66` shows the MAC address of the one that should not be there.",
            "Look for that MAC address in the switch, port by port: often a second router, plugged in by a LAN port.",
            "Switch its DHCP off, or connect it by its WAN port.",
            "Restart the phones that have an address from it: they keep it for as long as the lease lasts.",
        ),
        leave_alone="Do not shorten the leases of the right server to win the race.",
    ),
}
