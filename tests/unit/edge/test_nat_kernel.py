"""This host as a NAT, and its interfaces, as the kernel's files tell it."""

from __future__ import annotations

import pytest

from tonekeeper.edge.metered import is_mobile
from tonekeeper.edge.nat_kernel import KernelTimeouts, kernel_timeouts


@pytest.fixture
def sysctl(tmp_path):
    """A router's."""
    (tmp_path / "ipv4").mkdir()
    (tmp_path / "netfilter").mkdir()
    (tmp_path / "ipv4/ip_forward").write_text("1\n")
    (tmp_path / "netfilter/nf_conntrack_udp_timeout").write_text("60\n")
    (tmp_path / "netfilter/nf_conntrack_udp_timeout_stream").write_text("180\n")
    return tmp_path


def test_a_router_tells_its_timeouts_and_leaves_out_what_it_does_not_have(sysctl):
    assert kernel_timeouts(sysctl) == KernelTimeouts(unreplied=60, stream=180, tcp=None)


def test_a_host_that_does_not_forward_is_no_nat(sysctl):
    (sysctl / "ipv4/ip_forward").write_text("0\n")
    assert kernel_timeouts(sysctl) is None


def test_a_router_without_connection_tracking_is_no_nat(sysctl):
    for file in (sysctl / "netfilter").iterdir():
        file.unlink()
    assert kernel_timeouts(sysctl) is None


def test_a_host_without_such_files_is_no_nat(tmp_path):
    assert kernel_timeouts(tmp_path) is None


@pytest.mark.parametrize(
    ("uevent", "expected"), [("DEVTYPE=wwan\nINTERFACE=wwan0\n", True), ("INTERFACE=eth0\n", False)]
)
def test_a_mobile_interface_is_known_by_its_device_type(tmp_path, uevent, expected):
    (tmp_path / "wwan0").mkdir()
    (tmp_path / "wwan0/uevent").write_text(uevent)
    assert is_mobile("wwan0", tmp_path) is expected


@pytest.mark.parametrize("interface", ["", ".", "..", "../x", "nosuch0"])
def test_what_is_no_interface_is_not_a_mobile_one(tmp_path, interface):
    assert not is_mobile(interface, tmp_path)
