"""What `tonekeeper firewall` shows of real packets beside the rules, and how it ends."""

from __future__ import annotations

import dataclasses
import io

import pytest

from tests.unit.faces.test_cli import Screen
from tests.unit.faces.test_cli_nat import Tty
from tonekeeper.core.egress.result import EgressProgress
from tonekeeper.core.report import EgressReport, FindingReport, FirewallReport, Severity
from tonekeeper.faces.cli.firewall import CheckFirewall, FirewallAnswer, show_egress_progress, show_firewall
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.parser import parse_command
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.firewall_text import render_firewall

WHERE = "198.51.100.10:5060"
REACHED = EgressReport("lte", "primary", "udp", WHERE, "answered", "", "", "fine", 1500, "200 after 9 ms")
LOST = EgressReport(
    wan="fibre",
    sbc="primary",
    transport="udp",
    address=WHERE,
    outcome="silent",
    hop="",
    last_hop="203.0.113.1",
    cause="upstream filter",
    largest=None,
    detail="packets are lost at 203.0.113.1 or right behind it, while lte reaches it",
)
DOWN = dataclasses.replace(LOST, cause="sbc down", detail="silent on every WAN")
PASSES = FirewallReport("self", "primary", "lte", "udp", WHERE, "out", "accept", None, "", "")
BLOCKS = FindingReport("upstream-blocks", Severity.WARNING, "primary over fibre", "It is blocked.", {}, "Call.", 0.0)
BOTH_WAYS = (PASSES, dataclasses.replace(PASSES, direction="return"))


def rendered(*egress: EgressReport, flows=(), findings=(), **options: object) -> list[str]:
    text = render_firewall(flows, egress, findings, (), elapsed=(0.1, 2.0), **{"width": 120, **options})
    assert text.endswith("\n")
    return text.splitlines()


def test_a_row_for_each_path_and_its_reason_below():
    lines = rendered(LOST, REACHED, findings=(BLOCKS,))
    assert lines[0] == "PROBLEM  It is blocked."
    title = next(line for line in lines if line.startswith("WAN"))
    assert title.split() == ["WAN", "TO", "WHAT", "ADDRESS", "REAL", "PACKETS", "CAUSE", "LONGEST", "WHY"]
    (lost,) = [line for line in lines if line.startswith("fibre")]
    assert lost.split() == ["fibre", "primary", "udp", LOST.address, "silent", "upstream", "filter", "(1)"]
    (reached,) = [line for line in lines if line.startswith("lte")]
    assert reached.split() == ["lte", "primary", "udp", REACHED.address, "answered", "fine", "1500"]
    assert f"  (1) {LOST.detail}" in lines


@pytest.mark.parametrize(
    ("egress", "flows", "said"),
    [
        ((REACHED,), BOTH_WAYS, "FINE  What was checked gets out"),
        ((REACHED,), (), "FINE  Real packets of this host reach the SBCs"),
        ((DOWN, REACHED), BOTH_WAYS, "PROBLEM  Real packets do not get through over 1 of 2 paths: sbc down."),
        ((dataclasses.replace(REACHED, cause="not checked"),), (), "UNKNOWN  Nothing could be checked."),
    ],
)
def test_the_first_line_says_how_it_stands(egress, flows, said):
    assert rendered(*egress, flows=flows)[0].startswith(said)


def test_what_was_not_asked_has_no_table():
    assert not any(line.startswith("FROM") for line in rendered(REACHED))
    assert not any("REAL PACKETS" in line for line in rendered(flows=BOTH_WAYS))


def test_causes_have_colours_where_they_are_wanted():
    lines = rendered(LOST, REACHED, colour=True)
    assert any("\x1b[31mupstream filter\x1b[0m" in line for line in lines)
    assert any("\x1b[32mfine\x1b[0m" in line for line in lines)
    assert not any("\x1b" in line for line in rendered(LOST, REACHED))


def test_what_an_sbc_or_router_is_called_cannot_move_the_cursor():
    hostile = dataclasses.replace(LOST, detail="\x1b[2J", sbc="a\nb")
    assert not any("\x1b" in line for line in rendered(hostile))


def test_progress_is_whole_lines_that_fit():
    err = Tty()
    doing = ("fibre/primary/udp: waiting for an answer" * 5,)
    show_egress_progress(EgressProgress(1, 4, doing, 90.0), Terminal(io.StringIO(), err, {"TERM": "xterm"}))
    assert err.getvalue().startswith("real packets: 1 of 4 paths examined\n  fibre/primary")
    assert all(len(line) < 100 for line in err.getvalue().splitlines())


def test_in_a_pipe_there_is_no_progress():
    screen = Screen()
    show_egress_progress(EgressProgress(1, 4, (), 90.0), screen.terminal)
    assert screen.err == ""


def test_the_document_has_the_rows_beside_what_it_always_had():
    screen = Screen()
    answer = FirewallAnswer((PASSES,), (BLOCKS,), ("assumed",), 0.1, egress=(LOST,), egress_s=2.0)
    assert show_firewall(CheckFirewall("site.toml", json=True), answer, screen.terminal) is Exit.FINE
    document = screen.document
    assert isinstance(document, dict)
    assert set(document) == {"firewall", "egress", "findings", "notes", "elapsed_ms"}
    assert document["egress"][0]["cause"] == "upstream filter"


def test_a_critical_finding_is_a_problem():
    critical = dataclasses.replace(BLOCKS, severity=Severity.CRITICAL)
    answer = FirewallAnswer((), (critical,), (), 0.1, egress=(LOST,))
    assert show_firewall(CheckFirewall("site.toml"), answer, Screen().terminal) is Exit.PROBLEMS


@pytest.mark.parametrize(
    ("line", "probes"),
    [("-c a.toml", True), ("-c a.toml --no-probe", False), ("-c a.toml --ruleset dump.nft", False)],
)
def test_real_packets_are_sent_unless_they_are_not_wanted_or_the_router_is_elsewhere(line, probes):
    command = parse_command(["firewall", *line.split()])
    assert isinstance(command, CheckFirewall)
    assert command.probes is probes
