from __future__ import annotations

import errno

import pytest

from tonekeeper.core.events import IcmpReceived
from tonekeeper.core.evidence import icmp_verdict, refusal_verdict
from tonekeeper.core.site import Path, Transport
from tonekeeper.wire.endpoint import Endpoint

V4 = Path("fibre", "primary", Transport.UDP, Endpoint("192.0.2.1", 5060))
V6 = Path("fibre", "primary", Transport.UDP, Endpoint("2001:db8::1", 5060))


def test_port_unreachable_names_what_and_who():
    event = IcmpReceived(V4, 3, 3, "192.0.2.1")
    assert icmp_verdict(event, "198.51.100.2") == "ICMP port unreachable, says 192.0.2.1"


def test_an_error_made_up_by_this_host_says_so():
    event = IcmpReceived(V4, 3, 1, "198.51.100.2")
    assert icmp_verdict(event, "198.51.100.2") == "ICMP host unreachable, says this host"


@pytest.mark.parametrize(("kind", "code"), [(11, 0), (4, 0), (3, 4), (3, 99), (0, 0)])
def test_what_rfc_3261_tells_to_ignore_proves_nothing(kind, code):
    assert icmp_verdict(IcmpReceived(V4, kind, code, "192.0.2.9"), "") is None


def test_the_numbers_of_icmpv6_are_its_own():
    assert "port unreachable" in (icmp_verdict(IcmpReceived(V6, 1, 4, "2001:db8::1"), "x") or "")
    assert icmp_verdict(IcmpReceived(V6, 3, 3, "2001:db8::1"), "x") is None


def test_a_kernel_that_forbids_sending_is_evidence_and_a_full_buffer_is_not():
    assert "EPERM" in (refusal_verdict(errno.EPERM) or "")
    assert refusal_verdict(errno.ENOBUFS) is None
    assert refusal_verdict(errno.EAGAIN) is None
