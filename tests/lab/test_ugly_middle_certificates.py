"""The ugly middle of TLS: certificates that are wrong, that soon will be, and that are not the SBC's at all.

Kamailio shows a new certificate on new connections, so each agent starts after the certificate was put there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.lab.agent import Agent
from tests.lab.certificates import DAY, Issued, self_signed
from tests.lab.topology import Lab
from tests.lab.verdicts import blamed_wans, codes, finding, over, path_states, sbc_states, shows

pytestmark = pytest.mark.lab

UP, DOWN = {"fibre": "up", "lte": "up"}, {"fibre": "down", "lte": "down"}


@pytest.fixture
def watched_over_tls(lab: Lab, make_agent: Callable[..., Agent]) -> Callable[[], Agent]:
    """Starts an agent that trusts the lab's authority, and is there as soon as it listens."""

    def start() -> Agent:
        trusted = {"tls.ca_file": str(lab.authority.root)}
        agent = make_agent(sbc=[over("tls", sbc, **trusted) for sbc in lab.sbcs])
        agent.launch()
        agent.wait_served()
        return agent

    return start


WRONG: dict[str, tuple[Callable[[Lab], Issued], str]] = {
    "another name": (
        lambda lab: lab.authority.issue("sbc9.example.net"),
        "it is for sbc9.example.net, not for 203.0.113.2",
    ),
    "expired": (
        lambda lab: lab.authority.issue("primary.example.net", "203.0.113.2", begins=-30 * DAY, ends=-3.5 * DAY),
        "it expired",
    ),
    "nobody's": (lambda lab: self_signed(lab.directory, "primary.example.net", "203.0.113.2"), ""),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_certificate_is_the_sbcs_fault_and_named(lab: Lab, watched_over_tls: Callable[[], Agent], what: str):
    make, problem = WRONG[what]
    lab.sbc("primary").show(make(lab))
    agent = watched_over_tls()
    status = agent.wait_for(
        lambda now: now.has("tls-invalid", "primary") and now.sbc("primary")["state"] == "down", within=15
    )
    assert path_states(status, "primary") == DOWN
    for path in status.sbc("primary")["paths"]:
        assert path["reason"].startswith("its certificate is not acceptable: ")
        assert problem in path["tls"]["problem"]
    assert sbc_states(status) == {"primary": "down", "alternate": "healthy"}
    assert status.sbc("primary")["reason"] == "primary is silent over fibre and lte, where alternate answers"
    assert blamed_wans(status) == set()
    assert problem in finding(status, "tls-invalid", "primary")["summary"]
    assert codes(status) == {("tls-invalid", "primary")}, "it explains that the SBC is down"
    assert status.active == ("fibre", "alternate")


@contextmanager
def intercepted(lab: Lab, wan: str, port: int) -> Iterator[None]:
    """Something at the provider of `wan` takes the primary's TLS connections itself: the alternate's SBC plays it."""
    namespace, (primary, other) = lab.provider(wan).namespace, lab.sbcs
    rule = f"iifname access ip daddr {primary.address} tcp dport {port} dnat to {other.address}:{other.tls_port}"
    chain = f"chain take {{\ntype nat hook prerouting priority dstnat\n{rule}\n}}"
    namespace.nft(f"table ip interception {{\n{chain}\n}}\n")
    try:
        yield
    finally:
        namespace.run("nft", "delete", "table", "ip", "interception")


def test_a_certificate_that_is_wrong_over_one_wan_only_is_something_on_that_way(
    lab: Lab, watched_over_tls: Callable[[], Agent]
):
    with intercepted(lab, "fibre", lab.sbc("primary").tls_port):
        agent = watched_over_tls()
        status = agent.wait_for(lambda now: now.has("path-down") and now.has("tls-invalid"), within=20)
    assert path_states(status, "primary") == {"fibre": "down", "lte": "up"}
    assert sbc_states(status) == {"primary": "healthy", "alternate": "healthy"}
    assert blamed_wans(status) == set()
    told = finding(status, "tls-invalid", "primary over fibre")
    assert "it is for alternate.example.net" in told["evidence"]["why"]
    evidence = finding(status, "path-down", "fibre/primary/tls/203.0.113.2:5061")["evidence"]
    assert evidence["why"] == "primary answers over lte but not over fibre, where alternate answers"
    assert evidence["confidence"] == "strong"
    assert "its certificate is not acceptable" in evidence["last_sign"]


@pytest.mark.parametrize(("days", "severity"), [(10, "warning"), (2, "critical")])
def test_a_certificate_near_its_end_is_told_in_time_and_nothing_is_down(
    lab: Lab, watched_over_tls: Callable[[], Agent], days: int, severity: str
):
    primary = lab.sbc("primary")
    primary.show(lab.authority.issue(primary.host, primary.address, ends=days * DAY))
    agent = watched_over_tls()
    status = agent.wait_for(shows("tls-expiring", "primary"), within=15)
    told = finding(status, "tls-expiring", "primary")
    assert told["severity"] == severity
    assert told["evidence"]["days"] == f"{days}.0"
    assert f"expires in {days}.0 days" in told["summary"]
    assert "CN=Lab Root" in told["remedy"]
    status = agent.wait_for(lambda now: sbc_states(now) == {"primary": "healthy", "alternate": "healthy"}, within=10)
    assert codes(status) == {("tls-expiring", "primary")}
    assert path_states(status, "primary") == UP


def test_a_certificate_that_is_good_for_months_is_a_fact_and_no_finding(
    lab: Lab, watched_over_tls: Callable[[], Agent]
):
    agent = watched_over_tls()
    agent.wait_ready()
    status = agent.wait_for(lambda now: sbc_states(now) == {"primary": "healthy", "alternate": "healthy"}, within=10)
    assert codes(status) == set()
    for path in status.paths:
        assert 89 * DAY < path["tls"]["expires_s"] <= 90 * DAY
        assert path["tls"]["problem"] == ""
