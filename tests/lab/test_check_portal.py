"""Captive portals, made as they are made: a redirect in the modem's nftables to a small HTTP server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.lab.agent import Agent
from tests.lab.behind_a_modem import SBC, Site, behind_a_modem, ip, running
from tests.lab.edge_namespaces import run_inside
from tests.lab.namespace import Namespace
from tests.lab.topology import Lab
from tests.lab.verdicts import finding
from tonekeeper.app.checks.portal import check_portal
from tonekeeper.core.beside.knowledge import Knowledge
from tonekeeper.core.checks import CheckResult, Outcome
from tonekeeper.core.report import Severity
from tonekeeper.core.site import ChecksPolicy, HttpPage, Wan
from tonekeeper.core.site import Site as Configured

pytestmark = pytest.mark.lab

PORT = 8080
REDIRECTION = "HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\nServer: portal\r\n\r\n"
LOGIN = "HTTP/1.1 511 Network Authentication Required\r\n\r\n"
PROXY = "HTTP/1.1 504 Gateway Timeout\r\nVia: 1.1 squid\r\n\r\n"
NO_CONTENT = "HTTP/1.1 204 No Content\r\n\r\n"
CLOSES, SPEAKS_ELSE, SAYS_NOTHING = "", "SSH-2.0-OpenSSH\r\n", "silence"
PAGE = HttpPage(SBC, 80, "/generate_204")
SERVER = """
import socket, sys
address, port, answer = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
listener = socket.create_server((address, port))
print("serving", flush=True)
kept = []
while True:
    line, _ = listener.accept()
    kept.append(line)
    if answer == b"silence":
        continue
    line.settimeout(5)
    print(line.recv(4096), flush=True)
    line.sendall(answer)
    line.close()
"""
REDIRECT = """
table ip portal {{
    chain prerouting {{
        type nat hook prerouting priority dstnat
        iifname {} tcp dport 80 redirect to :{}
    }}
}}
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with behind_a_modem() as made:
        yield made


@contextmanager
def answering(namespace: Namespace, answer: str, address: str = "0.0.0.0", port: int = PORT) -> Iterator[None]:
    with running(namespace, sys.executable, "-c", SERVER, address, str(port), answer, ready="serving"):
        yield


@contextmanager
def portal(namespace: Namespace, interface: str, answer: str) -> Iterator[None]:
    """What goes to port 80 through this namespace is answered here."""
    with answering(namespace, answer):
        namespace.nft(REDIRECT.format(interface, PORT))
        try:
            yield
        finally:
            namespace.run("nft", "delete", "table", "ip", "portal")


def checked(
    site: Site,
    *,
    page: HttpPage | None = None,
    metered: bool = False,
    spare_metered: bool = False,
    broken: tuple[str, ...] = (),
) -> CheckResult:
    wans = (Wan("fibre", "wan", metered=metered),)
    configured = Configured("lab", wans, (), checks=ChecksPolicy(portal_page=page))
    known = Knowledge(broken=broken)
    return run_inside(site["router"], lambda: check_portal(configured, known, spare_metered=spare_metered))


def test_a_line_without_a_portal_is_free(site: Site):
    result = checked(site)
    assert (result.outcome, result.detail) == (Outcome.OK, "fibre: nobody answers for others")


@pytest.mark.parametrize(("broken", "severity"), [(("fibre",), Severity.CRITICAL), ((), Severity.WARNING)])
def test_a_portal_is_found_with_its_page_and_is_worse_where_the_line_is_down(site: Site, broken, severity):
    with portal(site["modem"], "lan", REDIRECTION):
        (one,) = checked(site, broken=broken).observations
    assert (one.code, one.subject, one.severity) == ("captive-portal", "fibre", severity)
    assert one.evidence["why"] == (
        "192.0.2.1, where nobody lives, answers 302 Found and sends to http://portal.example/login"
    )


@pytest.mark.parametrize(
    ("answer", "outcome", "severity"),
    [
        (LOGIN, Outcome.PROBLEM, Severity.WARNING),
        (PROXY, Outcome.PROBLEM, Severity.INFO),
        (CLOSES, Outcome.OK, None),
        (SPEAKS_ELSE, Outcome.OK, None),
        (SAYS_NOTHING, Outcome.OK, None),
    ],
)
def test_what_answers_and_what_only_accepts_the_connection_are_told_apart(site: Site, answer, outcome, severity):
    with portal(site["modem"], "lan", answer):
        result = checked(site)
    assert result.outcome is outcome
    assert [one.severity for one in result.observations] == ([severity] if severity else [])


def test_the_operators_page_answers_204_itself_and_somebody_else_does_not(site: Site):
    with answering(site["sbc"], NO_CONTENT, SBC, 80):
        free = checked(site, page=PAGE)
        with portal(site["modem"], "lan", "HTTP/1.1 200 OK\r\n\r\n"):
            caught = checked(site, page=PAGE)
    assert free.detail == f"fibre: nobody answers for others, http://{SBC}/generate_204 answers 204"
    assert caught.observations[0].evidence["why"] == f"http://{SBC}/generate_204 answers 200 OK"


def test_a_line_that_is_cut_is_not_checked(site: Site):
    ip(site["router"], "link set wan down")
    try:
        result = checked(site)
    finally:
        ip(site["router"], "link set wan up", "route add default via 192.168.178.1")
    assert result.outcome is Outcome.NOT_CHECKED
    assert "fibre: " in result.detail


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("address del 192.168.178.20/24 dev wan", "address add 192.168.178.20/24 dev wan"),
        ("neigh replace 192.168.178.1 dev wan nud failed", "neigh flush dev wan"),
    ],
)
def test_a_line_on_which_no_packet_can_leave_is_not_called_free(site: Site, broken: str, mended: str):
    ip(site["modem"], "link set lan arp off")
    ip(site["router"], broken)
    try:
        result = checked(site)
    finally:
        ip(site["router"], mended, "route replace default via 192.168.178.1")
        ip(site["modem"], "link set lan arp on")
    assert result.outcome is Outcome.NOT_CHECKED
    assert "fibre: " in result.detail


def test_an_interface_that_is_not_there_is_not_checked_and_named(site: Site):
    configured = Configured("lab", (Wan("lte", "wwan7"),), ())
    result = run_inside(site["router"], lambda: check_portal(configured))
    assert result.outcome is Outcome.NOT_CHECKED
    assert "wwan7" in result.detail


def test_over_a_metered_line_nothing_is_sent_unless_somebody_asks(site: Site):
    with portal(site["modem"], "lan", REDIRECTION):
        assert checked(site, metered=True, spare_metered=True).outcome is Outcome.NOT_CHECKED
        assert checked(site, metered=True).outcome is Outcome.PROBLEM


def test_in_a_network_that_is_kept_for_documents_another_address_is_asked(site: Site):
    ip(site["router"], "address add 192.0.2.9/24 dev br0")
    try:
        with portal(site["modem"], "lan", REDIRECTION):
            (one,) = checked(site).observations
    finally:
        ip(site["router"], "address del 192.0.2.9/24 dev br0")
    assert one.evidence["why"].startswith("198.51.100.1, where nobody lives, answers")


# --- the agent


def test_a_portal_that_holds_sip_back_on_one_wan_is_what_the_agent_names_and_not_the_line(
    lab: Lab, make_agent: Callable[..., Agent]
):
    fibre = lab.provider("fibre")
    agent = make_agent(checks={"background": True})
    agent.start()
    with portal(fibre.namespace, "access", REDIRECTION), fibre.silence("203.0.113.2"), fibre.silence("198.18.0.10"):
        status = agent.wait_for(lambda now: now.has("captive-portal", "fibre"), within=40)
        told = finding(status, "captive-portal", "fibre")
        status = agent.wait_for(lambda now: not now.has("wan-down"), within=10)
    assert told["severity"] == "critical"
    assert "http://portal.example/login" in told["summary"]
    assert status["findings"][0]["code"] == "captive-portal"
    assert "wan-down" in {one["finding"]["code"] for one in status["explained"]}
