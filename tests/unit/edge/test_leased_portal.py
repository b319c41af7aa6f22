"""Leases of this host that name a captive portal."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tonekeeper.edge.leased_portal import leased_portal

PORTAL = "https://portal.example/api"
OF_DHCLIENT = """
lease {{
  interface "eth0";
  fixed-address 192.0.2.9;
  option {option} "{uri}";
  expire 4 2026/12/31 23:59:59;
}}
"""


def put(root: Path, name: str, text: str) -> Path:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    return root


@pytest.mark.parametrize("place", ["links", "leases"])
def test_systemd_networkd_writes_it_down_by_the_interfaces_index(tmp_path, place):
    index = socket.if_nametoindex("lo")
    root = put(tmp_path, f"run/systemd/netif/{place}/{index}", f"ADMIN_STATE=configured\nCAPTIVE_PORTAL={PORTAL}\n")
    assert leased_portal("lo", root) == PORTAL
    assert leased_portal("no-such-link", root) == ""


@pytest.mark.parametrize("option", ["default-url", "unknown-114"])
def test_of_dhclients_leases_the_last_one_of_the_interface_counts(tmp_path, option):
    text = OF_DHCLIENT.format(option=option, uri="http://old.example/") + OF_DHCLIENT.format(option=option, uri=PORTAL)
    root = put(tmp_path, "var/lib/dhcp/dhclient.leases", text + OF_DHCLIENT.format(option="host-name", uri="x"))
    assert leased_portal("eth0", root) == ""
    root = put(tmp_path, "var/lib/dhcp/dhclient.leases", text)
    assert leased_portal("eth0", root) == PORTAL
    assert leased_portal("eth1", root) == ""


def test_what_is_shown_is_fit_to_be_shown(tmp_path):
    root = put(tmp_path, "var/lib/dhcp/dhclient.leases", OF_DHCLIENT.format(option="default-url", uri="\x1b[2J"))
    assert leased_portal("eth0", root) == "?[2J"


def test_most_hosts_have_none_of_these_files(tmp_path):
    assert leased_portal("lo", tmp_path) == ""
