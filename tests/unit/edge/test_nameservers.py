"""DNS servers of a WAN, from the files that DHCP clients leave; each test is a system with some of them."""

from __future__ import annotations

import pytest

from tonekeeper.core.commands import ResolveSbc
from tonekeeper.edge.nameservers import MOST, Nameserver, Nameservers

NOW = 1_790_000_000.0
"""2026-09-21 14:13:20 UTC"""


@pytest.fixture
def system(tmp_path):
    """Write the files of a system; then ask for the servers of a WAN."""

    def make(files: dict[str, str]) -> Nameservers:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Nameservers(tmp_path, wall=lambda: NOW)

    return make


def look_up(interface: str = "eth1", source: str = "", resolvers: tuple[str, ...] = ()) -> ResolveSbc:
    return ResolveSbc("primary", "sbc.example.net", 0, None, "fibre" if interface else "", interface, source, resolvers)


def through(*addresses: str, interface: str = "eth1") -> tuple[Nameserver, ...]:
    return tuple(Nameserver(address, interface) for address in addresses)


RESOLV_CONF = "search example.net\nnameserver 192.0.2.1\nnameserver 2001:db8::1\noptions edns0\n"
INDEX = {"sys/class/net/eth1/ifindex": "3\n"}


# --- named by the operator


def test_those_that_the_operator_named_are_asked_through_the_wan_and_no_others(system):
    servers = system({**INDEX, "run/systemd/netif/leases/3": "DNS=192.0.2.9\n", "etc/resolv.conf": RESOLV_CONF})
    assert servers.of(look_up(resolvers=("192.0.2.53", "192.0.2.54"))) == through("192.0.2.53", "192.0.2.54")


def test_a_server_on_loopback_is_never_asked_through_a_wan(system):
    assert system({}).of(look_up(resolvers=("127.0.0.53", "::1"))) == (Nameserver("127.0.0.53"), Nameserver("::1"))


def test_the_source_of_the_wan_is_used_for_its_own_family_only(system):
    servers = system({}).of(look_up(source="198.51.100.7", resolvers=("192.0.2.53", "2001:db8::53")))
    assert servers == (Nameserver("192.0.2.53", "eth1", "198.51.100.7"), Nameserver("2001:db8::53", "eth1"))


def test_a_link_local_server_gets_the_zone_of_the_wan(system):
    assert system({}).of(look_up(resolvers=("fe80::1",))) == through("fe80::1%eth1")


def test_of_a_long_list_that_nobody_chose_the_first_few_are_asked(system):
    listed = "".join(f"nameserver 192.0.2.{n}\n" for n in range(1, 99))
    assert len(system({"etc/resolv.conf": listed}).of(look_up())) == MOST
    assert len(system({"tmp/resolv.conf.auto": f"# Interface eth1\n{listed}"}).of(look_up())) == MOST
    assert len(system({}).of(look_up(resolvers=tuple(f"192.0.2.{n}" for n in range(1, 9))))) == 8


# --- given by DHCP


@pytest.mark.parametrize(
    "files",
    [
        {
            **INDEX,
            "run/systemd/netif/leases/3": "# lease\nADDRESS=198.51.100.7\nDNS=192.0.2.1 192.0.2.2\nNTP=192.0.2.9\n",
        },
        {**INDEX, "run/systemd/netif/links/3": "OPER_STATE=routable\nDNS=192.0.2.1 192.0.2.2\n"},
        {**INDEX, "run/systemd/resolve/netif/3": 'LLMNR=yes\nSERVERS="192.0.2.1 192.0.2.2#dns.example.net"\n'},
        {"var/lib/NetworkManager/internal-6f2c-eth1.lease": "ADDRESS=198.51.100.7\nDNS=192.0.2.1 192.0.2.2\n"},
        {"run/resolvconf/interface/eth1.dhclient": "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"},
        {"run/resolvconf/interfaces/eth1.dhcp": "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"},
        {"run/dhcpcd/hook-state/resolv.conf/eth1.dhcp": "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"},
        {"etc/resolv.conf": "nameserver 192.0.2.8 # eth0\nnameserver 192.0.2.1 # eth1\nnameserver 192.0.2.2 # eth1\n"},
        {"tmp/resolv.conf.auto": "# Interface eth1\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n"},
    ],
    ids=lambda files: list(files)[-1],
)
def test_what_dhcp_gave_to_the_interface_is_asked_through_it(system, files):
    assert system({"etc/resolv.conf": RESOLV_CONF, **files}).of(look_up()) == through("192.0.2.1", "192.0.2.2")


def test_what_dhcp_gave_to_another_interface_is_not_asked(system):
    files = {
        "sys/class/net/eth0/ifindex": "2",
        "run/systemd/netif/leases/2": "DNS=192.0.2.8\n",
        "run/resolvconf/interface/eth1.7.dhclient": "nameserver 192.0.2.8\n",
        "var/lib/NetworkManager/internal-6f2c-eth0.lease": "DNS=192.0.2.8\n",
        "etc/resolv.conf": RESOLV_CONF,
    }
    assert system({**INDEX, **files}).of(look_up()) == through("192.0.2.1", "2001:db8::1")


OPENWRT = {
    "tmp/resolv.conf.d/resolv.conf.auto": (
        "# Interface wan\nnameserver 192.0.2.1\nsearch lan\n# Interface wan6\nnameserver 2001:db8::1\n"
        "# Interface wwan\nnameserver 192.0.2.7\n# Interface dsl\nnameserver 192.0.2.8\n"
    ),
    "etc/resolv.conf": "search lan\nnameserver 127.0.0.1\nnameserver ::1\n",
    "etc/config/network": (
        "config interface 'loopback'\n\toption device 'lo'\n\n"
        "config device\n\toption name 'br-lan'\n\n"
        "config interface 'wan'\n\toption device 'eth1'\n\toption proto 'dhcp'\n\n"
        "config interface 'wan6'\n\toption device '@wan'\n\toption proto 'dhcpv6'\n\n"
        "config interface wwan\n\toption ifname wwan0\n\toption proto dhcp\n\n"
        "config interface 'dsl'\n\toption device 'eth2.7'\n\toption proto 'pppoe'\n"
    ),
}


@pytest.mark.parametrize(
    ("interface", "addresses"),
    [("eth1", ["192.0.2.1", "2001:db8::1"]), ("wwan0", ["192.0.2.7"]), ("pppoe-dsl", ["192.0.2.8"])],
)
def test_openwrt_names_networks_and_its_configuration_says_which_device_they_leave_through(
    system, interface, addresses
):
    assert system(OPENWRT).of(look_up(interface)) == through(*addresses, interface=interface)


def lease(interface: str, servers: str, expire: str = "never", kind: str = "lease") -> str:
    return (
        f'{kind} {{\n  interface "{interface}";\n  fixed-address 198.51.100.7;\n  option routers 198.51.100.1;\n'
        f"  option domain-name-servers {servers};\n  renew 1 2026/09/21 12:00:00;\n  expire {expire};\n}}\n"
    )


def test_of_dhclients_leases_the_last_one_of_the_interface_counts(system):
    text = (
        lease("eth1", "192.0.2.7")
        + lease("eth1", "192.0.2.1, 192.0.2.2", "1 2026/09/21 14:13:21")
        + lease("eth0", "192.0.2.8")
    )
    assert system({"var/lib/dhcp/dhclient.leases": text}).of(look_up()) == through("192.0.2.1", "192.0.2.2")


@pytest.mark.parametrize("expire", ["1 2026/09/21 14:13:19", "epoch 1789999999"])
def test_a_lease_that_has_expired_is_not_used(system, expire):
    files = {"var/lib/dhcp/dhclient.eth1.leases": lease("eth1", "192.0.2.7", expire), "etc/resolv.conf": RESOLV_CONF}
    assert system(files).of(look_up()) == through("192.0.2.1", "2001:db8::1")


def test_the_lease_of_dhcpv6_names_servers_too(system):
    text = (
        'default-duid "x";\nlease6 {\n  interface "eth1";\n  ia-na 0:1 {\n    starts 1;\n  }\n'
        "  option dhcp6.name-servers 2001:db8::1,2001:db8::2;\n}\n"
    )
    servers = system({"var/lib/dhcp/dhclient6.eth1.leases": text}).of(look_up())
    assert servers == through("2001:db8::1", "2001:db8::2")


def test_servers_of_a_ppp_peer_are_asked_through_ppp(system):
    servers = system({"etc/ppp/resolv.conf": "nameserver 192.0.2.1\n", "etc/resolv.conf": "nameserver 192.0.2.8\n"})
    assert servers.of(look_up("ppp0")) == through("192.0.2.1", interface="ppp0")
    assert servers.of(look_up("eth1")) == through("192.0.2.8")


def test_what_is_lost_with_a_reboot_is_believed_before_what_lies_around(system):
    stale = {"var/lib/dhcp/dhclient.eth1.leases": lease("eth1", "192.0.2.7")}
    assert system({**INDEX, **stale, "run/systemd/netif/leases/3": "DNS=192.0.2.1\n"}).of(look_up()) == through(
        "192.0.2.1"
    )


# --- of the whole host


def test_the_systems_servers_are_asked_through_the_wan_where_dhcp_gave_none(system):
    assert system({"etc/resolv.conf": RESOLV_CONF}).of(look_up()) == through("192.0.2.1", "2001:db8::1")


def test_without_an_interface_the_systems_servers_are_asked_as_the_routes_have_it(system):
    servers = system({"etc/resolv.conf": RESOLV_CONF}).of(look_up(interface=""))
    assert servers == (Nameserver("192.0.2.1"), Nameserver("2001:db8::1"))


@pytest.mark.parametrize("private", ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1"])
def test_a_private_server_that_nobody_ties_to_this_wan_may_be_in_the_network_of_another(system, private):
    assert system({"etc/resolv.conf": f"nameserver {private}\n"}).of(look_up()) == (Nameserver(private),)


def test_a_private_server_that_dhcp_gave_is_in_the_network_of_this_wan(system):
    files = {**INDEX, "run/systemd/netif/leases/3": "DNS=192.168.1.1\n"}
    assert system(files).of(look_up()) == through("192.168.1.1")


STUB = {"etc/resolv.conf": "nameserver 127.0.0.53\noptions edns0 trust-ad\n"}


@pytest.mark.parametrize(
    "upstream",
    [
        {"run/systemd/resolve/resolv.conf": "nameserver 192.0.2.1\n"},
        {"run/NetworkManager/no-stub-resolv.conf": "nameserver 192.0.2.1\n"},
        {"tmp/resolv.conf.auto": "# Interface wan\nnameserver 192.0.2.1\n"},
    ],
    ids=lambda files: list(files)[-1],
)
def test_behind_a_forwarder_on_loopback_those_are_asked_whom_it_asks(system, upstream):
    assert system({**STUB, **upstream}).of(look_up()) == through("192.0.2.1")


def test_a_forwarder_on_loopback_is_the_last_resort(system):
    assert system(STUB).of(look_up()) == (Nameserver("127.0.0.53"),)


def test_on_a_system_that_knows_nobody_nobody_is_asked(system):
    assert system({}).of(look_up()) == ()


@pytest.mark.parametrize(
    "name", ["etc/resolv.conf", "run/systemd/netif/leases/3", "var/lib/dhcp/dhclient.leases", "tmp/resolv.conf.auto"]
)
@pytest.mark.parametrize("text", ["\0\xff", "nameserver\nDNS=\nlease {", "nameserver nonsense\nDNS=nonsense 999.1.1.1"])
def test_a_file_of_nonsense_names_nobody(system, name, text):
    assert system({**INDEX, name: text}).of(look_up()) == ()


def test_a_place_that_cannot_be_read_is_passed_over(system, tmp_path):
    (tmp_path / "etc/resolv.conf").mkdir(parents=True)
    assert system({}).of(look_up()) == ()
