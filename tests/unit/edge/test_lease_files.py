"""Lease files as they are found on routers, whole, missing and damaged."""

from __future__ import annotations

from tonekeeper.edge.leases import LONGEST_FILE, MOST_LEASES, read_leases
from tonekeeper.wire.leases import Lease

MAC = "00:15:65:aa:bb:cc"


def test_both_servers_files_are_read_and_what_is_no_lease_is_left_out(tmp_path):
    dnsmasq, odhcpd = tmp_path / "dhcp.leases", tmp_path / "odhcpd"
    dnsmasq.write_bytes(f"duid 00:01\n1700000000 {MAC} 192.168.1.20 phone *\n\xff\xfe no lease\n".encode("latin-1"))
    odhcpd.write_text("# br-lan 001565aabbcc ipv4 p 1700000000 c0a80115 32 192.168.1.21/32\n192.168.1.21\tp\n# cut\n")
    assert read_leases([dnsmasq], [odhcpd]) == (Lease("192.168.1.20", MAC), Lease("192.168.1.21", MAC))


def test_files_that_are_not_there_are_no_leases(tmp_path):
    assert read_leases([tmp_path / "nothing"], [tmp_path]) == ()


def test_a_file_without_end_is_read_in_part(tmp_path):
    file = tmp_path / "dhcp.leases"
    line = f"1700000000 {MAC} 192.168.1.20 phone *\n"
    file.write_text(line * (2 * LONGEST_FILE // len(line)))
    assert len(read_leases([file], [])) == MOST_LEASES
