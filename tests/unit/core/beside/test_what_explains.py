"""What was found beside the paths, in the agent: which troubles of the paths it explains, and which it does not."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from tests.unit.core.talk import Talk, measured_nat, path, site
from tonekeeper.core.beside.knowledge import NOTHING_KNOWN, knowledge_of
from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.events import Checked, PathRefused, TlsFacts, TlsSeen
from tonekeeper.core.findings import CATALOGUE, ActiveFinding, Observation
from tonekeeper.core.report import Severity
from tonekeeper.core.site import NatPolicy, Path, Site, Transport
from tonekeeper.wire.endpoint import Endpoint

EARLY = TlsFacts("it is valid from 2027-01-01", "TLSv1.3", "", "CN=sbc", "CN=Lab Root", 8e6, begins_in_s=3e6)


def problem(check: Check, code: str, subject: str = "", severity: Severity | None = None) -> Checked:
    evidence = {"why": "that is so", "change": "do this", "count": "2", "servers": "two"}
    return Checked(CheckResult(check, Outcome.PROBLEM, "bad", (Observation(code, subject, evidence, severity),)))


def over_tls() -> Site:
    plain = site()
    return replace(plain, sbcs=tuple(replace(sbc, transport=Transport.TLS, port=5061) for sbc in plain.sbcs))


def over_tls_path(wan: str, sbc: str) -> Path:
    return path(wan, sbc)._replace(transport=Transport.TLS)


def refuse(talk: Talk, on: Path, reason: str) -> None:
    """A handshake on this path comes as far as the certificate."""
    talk.tell(TlsSeen(on, EARLY))
    talk.tell(PathRefused(on, 0, reason))


def codes(talk: Talk) -> list[str]:
    return [finding.partition(" ")[0] for finding in talk.findings()]


def folded(talk: Talk) -> dict[str, set[str]]:
    """What is explained, and by what."""
    return {one.finding.code: {cause.code for cause in one.causes} for one in talk.report.explained}


# --- the clock


@pytest.mark.parametrize(("severity", "explains"), [(Severity.CRITICAL, True), (Severity.WARNING, False)])
def test_a_clock_explains_certificates_only_where_it_is_off_by_enough(severity, explains):
    talk = Talk(site()).begin()
    talk.tell(TlsSeen(path("fibre", "primary"), EARLY))
    talk.tell(problem(Check.CLOCK, "clock-wrong", severity=severity))
    assert ("tls-invalid" in codes(talk)) is not explains
    assert folded(talk).get("tls-invalid", set()) == ({"clock-wrong"} if explains else set())


def test_the_first_line_of_a_site_whose_certificates_the_clock_spoils_is_the_clock():
    talk = Talk(over_tls()).begin()
    for wan in ("fibre", "lte"):
        for sbc in ("primary", "alternate"):
            refuse(talk, over_tls_path(wan, sbc), f"its certificate is not acceptable: {EARLY.problem}")
    assert codes(talk) == ["tls-invalid", "tls-invalid"]
    talk.tell(problem(Check.CLOCK, "clock-wrong", severity=Severity.CRITICAL))
    assert codes(talk)[0] == "clock-wrong"
    assert "site-offline" not in codes(talk)


def test_a_site_that_went_silent_after_it_had_met_bad_certificates_is_offline():
    talk = Talk(over_tls()).begin()
    for wan in ("fibre", "lte"):
        for sbc in ("primary", "alternate"):
            refuse(talk, over_tls_path(wan, sbc), f"its certificate is not acceptable: {EARLY.problem}")
            talk.tell(PathRefused(over_tls_path(wan, sbc), errno.ETIMEDOUT, "cannot connect"))
    assert codes(talk)[0] == "site-offline"


# --- portals


def test_a_portal_on_the_only_line_is_the_first_line_and_not_that_the_site_is_offline():
    talk = Talk(site("fibre")).begin().pass_time(30)
    talk.silence()
    talk.pass_time(60)
    assert codes(talk)[0] == "site-offline"
    talk.tell(problem(Check.PORTAL, "captive-portal", "fibre", Severity.CRITICAL))
    assert codes(talk)[0] == "captive-portal"
    assert "site-offline" not in codes(talk)


def test_a_portal_on_one_of_two_dead_lines_does_not_explain_the_other():
    talk = Talk(site()).begin().pass_time(30)
    talk.silence()
    talk.pass_time(60)
    talk.tell(problem(Check.PORTAL, "captive-portal", "fibre", Severity.CRITICAL))
    assert "site-offline" in codes(talk)


@pytest.mark.parametrize(
    ("wan", "severity", "explains"),
    [
        ("fibre", Severity.CRITICAL, True),
        ("lte", Severity.CRITICAL, False),
        ("fibre", Severity.INFO, False),
    ],
)
def test_a_portal_explains_that_its_own_wan_is_down(wan, severity, explains):
    talk = Talk(site()).begin().pass_time(30)
    talk.silence(wan="fibre")
    talk.pass_time(60)
    assert "wan-down" in codes(talk)
    talk.tell(problem(Check.PORTAL, "captive-portal", wan, severity))
    assert ("wan-down" in codes(talk)) is not explains


@pytest.mark.parametrize(("wan", "explains"), [("fibre", True), ("lte", False)])
def test_a_portal_explains_the_lies_of_its_own_name_server(wan, explains):
    talk = Talk(site()).begin()
    told = {"wan": wan, "resolver": "192.0.2.53", "host": "x", "named": "y", "kept": "z", "why": "that is so"}
    talk.agent.situation.findings = {
        code: ActiveFinding(code, subject, told, talk.now, CATALOGUE[code].severity)
        for code, subject in (("captive-portal", "fibre"), ("dns-lies", "primary"))
    }
    assert ("dns-lies" in codes(talk)) is not explains


# --- the table of connections


@pytest.mark.parametrize(("severity", "explains"), [(Severity.CRITICAL, True), (Severity.WARNING, False)])
def test_a_full_table_explains_silence_and_one_that_fills_does_not(severity, explains):
    talk = Talk(site()).begin().pass_time(30)
    talk.silence()
    talk.pass_time(60)
    talk.tell(problem(Check.CONNTRACK, "conntrack-full", severity=severity))
    assert ("site-offline" in codes(talk)) is not explains


def test_what_a_check_found_is_gone_with_its_next_result():
    talk = Talk(site()).begin()
    talk.tell(problem(Check.DHCP, "dhcp-twice", "br-lan"))
    assert "dhcp-twice" in codes(talk)
    talk.tell(Checked(CheckResult(Check.DHCP, Outcome.OK, "one server")))
    assert "dhcp-twice" not in codes(talk)
    assert talk.report.checks[0].outcome == "ok"


# --- what is known already


def test_a_fresh_agent_knows_of_an_sbc_to_walk_to_and_nothing_else():
    talk = Talk(site())
    assert knowledge_of(talk.agent.situation, talk.now) == NOTHING_KNOWN
    talk.begin()
    known = knowledge_of(talk.agent.situation, talk.now)
    primary = Endpoint("192.0.2.1", 5060)
    assert replace(known, destinations={}) == NOTHING_KNOWN
    assert known.destinations["fibre"] in (primary, Endpoint("198.18.0.129", 5060))


def test_a_line_is_broken_when_all_its_paths_are_down_and_the_line_itself_is_there():
    talk = Talk(site()).begin().pass_time(30)
    talk.silence(wan="lte")
    talk.silence(wan="fibre", sbc="primary")
    talk.pass_time(60)
    known = knowledge_of(talk.agent.situation, talk.now)
    assert known.broken == ("lte",)
    assert known.destinations["fibre"] == Endpoint("198.18.0.129", 5060), "the one that answers"


def test_certificates_grow_older_and_the_way_that_was_walked_is_known():
    talk = Talk(site())
    talk.kernel.hops = {"fibre": ("192.0.2.254",)}
    talk.begin()
    talk.tell(TlsSeen(path("fibre", "primary"), EARLY))
    before = knowledge_of(talk.agent.situation, talk.now).certificates
    talk.pass_time(200.0)
    after = knowledge_of(talk.agent.situation, talk.now)
    assert before[0].begins_in - after.certificates[0].begins_in == pytest.approx(200.0)
    assert after.hops["fibre"] == ("192.0.2.254",)


def test_what_a_stun_server_saw_is_known_without_its_port():
    talk = Talk(replace(site(), nat=NatPolicy("stun.example.net")))
    talk.nats["fibre"] = measured_nat("fibre")
    talk.begin().pass_time(600.0)
    assert knowledge_of(talk.agent.situation, talk.now).mapped == {"fibre": "203.0.113.77"}
