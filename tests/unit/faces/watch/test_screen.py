from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.faces import reports
from tests.unit.faces.watch.seen import ASCII, ONE_O_CLOCK, UTF8, crowded, screen, sight, text
from tonekeeper.core.report import CauseReport, ExplainedReport, FindingReport, PathState, Report, Severity
from tonekeeper.core.verdict import folded
from tonekeeper.faces.watch.cells import Ink
from tonekeeper.faces.watch.screen import Size, draw
from tonekeeper.faces.watch.sight import Sight
from tonekeeper.faces.watch.view import View

HEALTHY = """\
site-0042  router, mode observe, since 21:47:47                         01:00:00
OK  Every path works: calls go over fibre to primary.
Calls go over fibre to primary since 21:47:50: first choice
─ SBC ────────────── fibre ──────────────── lte ────────────────────────────────
* primary   healthy *up       21 ms   0 %   up       55 ms   0 %
  alternate healthy  up        9 ms   0 %   up       63 ms   0 %
─ WAN ── state  penalty  lost 1 h  keepalive  replied  stream  tcp ─── unreplied
  fibre  up     0        0         21 s       28-30 s  >300 s  >300 s  <1.5 s
  lte    up     0        0         -          -        -       -       58.4-60 s
─ Findings ─────────────────────────────────────────────────────────────────────
  none
"""

FAILED_OVER = """\
site-0042  router, mode observe, since 21:47:47                         01:00:00
PROBLEM  SBC primary does not answer, and it is not this site's WANs: both reach
         alternate.
Calls go over fibre to alternate since 00:59:19: primary is down; way back
possible at 01:04:00
─ SBC ────────────── fibre ──────────────── lte ────────────────────────────────
  primary   down     down     21 ms 2.5 %   down     55 ms 2.5 %
* alternate healthy *up        9 ms   0 %   up       63 ms   0 %
─ WAN ── state  penalty  lost 1 h  keepalive  replied ──── stream  tcp ─────────
  fibre  up     0        0         -          not checked  -       -
  lte    up     0        0         -          not checked  -       -
─ Findings ─────────────────────────────────────────────────────────────────────
> critical  00:59:18  SBC primary does not answer, and it is not this site's WA…
─ Events ───────────────────────────────────────────────────────────────────────
  00:59:19  active: fibre/primary → fibre/alternate (primary is down)
  00:59:18  sbc primary: healthy → down (silent on every WAN)
"""

FLAPPING = """\
site-0042  router, mode steer, since 21:47:47                           01:00:00
WARNING  WAN fibre keeps coming and going: 3 losses in the last hour. It is not
         trusted for 7 min more.
Calls go over lte to primary since 00:59:58: primary over fibre is down
Steering: 3 destinations over lte; deleting flows that sit on another WAN; 1 ca…
─ SBC ────────────── fibre ──────────────── lte ────────────────────────────────
* primary   healthy  up       21 ms   0 %  *up       55 ms   0 %
  alternate healthy  up        9 ms   0 %   up       63 ms   0 %
─ WAN ── state ───── penalty ──────────── lost 1 h  keepalive  replied ─────────
  fibre  suppressed  2640 until 01:07:00  3         -          not checked
  lte    up          0                    0         -          not checked
─ Findings ─────────────────────────────────────────────────────────────────────
> warning   00:59:58  WAN fibre keeps coming and going: 3 losses in the last ho…
─ Events ───────────────────────────────────────────────────────────────────────
  00:59:58  active: primary over fibre → primary over lte (primary over fibre i…
"""

OFFLINE = """\
site-0042  router, mode observe, since 21:47:47                         01:00:00
PROBLEM  No SBC answers over any WAN: no carrier on fibre and lte.
Calls go over fibre to primary since 21:47:50: first choice
─ SBC ────────────── fibre ──────────────── lte ────────────────────────────────
* primary   unknown *down     21 ms   0 %   down     55 ms   0 %
  alternate unknown  down      9 ms   0 %   down     63 ms   0 %
─ WAN ── state  penalty  lost 1 h  keepalive  replied ──── stream  tcp ─────────
  fibre  down   0        0         -          not checked  -       -
  lte    down   0        0         -          not checked  -       -
─ Findings ─────────────────────────────────────────────────────────────────────
> critical  00:59:51  No SBC answers over any WAN: no carrier on fibre and lte.
─ Events ───────────────────────────────────────────────────────────────────────
  00:59:51  wan fibre: up → down (no carrier)
"""

CROWDED = """\
site-0042  router, mode observe, since 21:47:47                         01:00:00
PROBLEM  SBC primary does not answer, and it is not this site's WANs: both reach
         alternate.
Calls go over fibre to sbc-1 since 00:59:19: primary is down; way back possible
at 01:04:00
─ SBC ─────── fibre ────────── lte ──────────── cable ────────── satellite ─────
  sbc-0 down  down  21ms   2%  down  21ms   2%  down  21ms   2%  down  21ms   2%
* sbc-1 ok   *up     9ms   0%  up     9ms   0%  up     9ms   0%  up     9ms   0%
  sbc-2 ok    up     9ms   0%  up     9ms   0%  up     9ms   0%  up     9ms   0%
  sbc-3 ok    up     9ms   0%  up     9ms   0%  up     9ms   0%  up     9ms   0%
  sbc-4 ok    up     9ms   0%  up     9ms   0%  up     9ms   0%  up     9ms   0%
  sbc-5 ok    up     9ms   0%  up     9ms   0%  up     9ms   0%  up     9ms   0%
  sbc-6 ok    up     9ms   0%  up     9ms   0%  up     9ms   0%  up     9ms   0%
  sbc-7 ok    down   9ms 100%  up     9ms   0%  up     9ms   0%  up     9ms   0%
─ WAN ────── state  penalty  lost 1 h  keepalive  replied ──── stream  tcp ─────
  fibre      up     0        0         -          not checked  -       -
  lte        up     0        0         -          not checked  -       -
  cable      up     0        0         -          not checked  -       -
  satellite  up     0        0         -          not checked  -       -
─ Findings ─────────────────────────────────────────────────────────────────────
> critical  00:59:18  SBC primary does not answer, and it is not this site's WA…
─ Events ───────────────────────────────────────────────────────────────────────
  00:59:19  active: fibre/primary → fibre/alternate (primary is down)
"""

SMALLEST = """\
site-0042  router, mode observe, since 21:47:47     01:00:00
PROBLEM  SBC primary does not answer, and it is not this ...
Calls go over fibre to sbc-1 since 00:59:19: primary is d...
- SBC ------- fibre ----- lte ------- cable ----- satellite
  sbc-0 down  down    2%  down    2%  down    2%  down    2%
* sbc-1 ok   *up     9ms  up     9ms  up     9ms  up     9ms
  sbc-2 ok    up     9ms  up     9ms  up     9ms  up     9ms
  sbc-3 ok    up     9ms  up     9ms  up     9ms  up     9ms
  sbc-4 ok    up     9ms  up     9ms  up     9ms  up     9ms
  sbc-5 ok    up     9ms  up     9ms  up     9ms  up     9ms
  sbc-6 ok    up     9ms  up     9ms  up     9ms  up     9ms
  sbc-7 ok    down  100%  up     9ms  up     9ms  up     9ms
- Findings -------------------------------------------------
> critical  00:59:18  SBC primary does not answer, and it...
q quit  p pause  Up/Down findings  d evidence...   every 2 s
"""

KEYS = "q quit  p pause  ↑↓ findings  d evidence and remedy                    every 2 s\n"


def on_80x24(above: str) -> str:
    return above + "\n" * (23 - above.count("\n")) + KEYS


def lines_of(report: Report, columns: int = 80, rows: int = 24, view: View | None = None) -> list[str]:
    return screen(report, columns, rows, view=view).splitlines()


def line_with(words: str, lines: list[str]) -> str:
    return next(line for line in lines if words in line)


@pytest.mark.parametrize(
    ("report", "shown"),
    [
        (replace(reports.healthy(), nat=reports.behind_nat().nat), HEALTHY),
        (reports.failed_over(), FAILED_OVER),
        (reports.steered(), FLAPPING),
        (reports.offline(), OFFLINE),
        (crowded(), CROWDED),
    ],
    ids=["healthy", "failed over", "flapping", "offline", "eight SBCs over four WANs"],
)
def test_a_situation_on_a_screen_of_80_by_24(report, shown):
    assert screen(report) == on_80x24(shown)


def test_eight_sbcs_over_four_wans_on_the_smallest_screen_in_ascii():
    assert screen(crowded(), 60, 15, ASCII) == SMALLEST


def test_below_60_by_15_the_screen_says_what_it_takes():
    assert screen(reports.failed_over(), 59, 15).startswith("PROBLEM. This screen is 59x15; watching takes 60x15.")
    assert screen(reports.failed_over(), 60, 14).startswith("PROBLEM. This screen is 60x14; watching takes 60x15.")


def test_transports_that_differ_show_the_best_and_the_worst_state_in_one_cell():
    start = reports.healthy()
    primary, alternate = start.sbcs
    paths = (*primary.paths, replace(primary.paths[0], transport="tls", state=PathState.DOWN, rtt_ms=None))
    mixed = replace(start, sbcs=(replace(primary, paths=paths), alternate))

    assert "*up/down  21 ms   0 %   up" in line_with("* primary", lines_of(mixed))
    assert draw(sight(mixed), View(), Size(80, 24), UTF8).rows[4][21] == ("u", Ink.WARNING)


def test_a_wan_that_has_no_path_to_an_sbc_has_a_dash_in_the_cell():
    start = reports.healthy()
    primary, alternate = start.sbcs
    single = replace(start, sbcs=(replace(primary, paths=primary.paths[:1]), alternate))

    assert line_with("* primary", lines_of(single)).endswith("   0 %   -")


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
@pytest.mark.parametrize("wans", [1, 2, 4, 6, 12])
def test_every_state_is_shown_however_little_room_there_is(columns, wans):
    lines = lines_of(crowded(8, wans), columns)
    first = next(at for at, line in enumerate(lines) if line.startswith("  sbc-0"))
    title, silent, works = lines[first - 1 : first + 2]
    hidden = int(title.split("+")[1].split()[0]) if "+" in title else 0

    assert silent.count("down") == 1 + wans - hidden
    assert works.count("up") == wans - hidden
    assert hidden == 0 or columns < 100


def test_where_not_all_sbcs_have_room_those_in_trouble_are_shown_and_the_others_counted():
    lines = lines_of(crowded(30), 60, 15)

    assert {line[2:8].strip() for line in lines if line[2:5] == "sbc"} >= {"sbc-0", "sbc-1", "sbc-29"}
    assert line_with("more:", lines) == "  and 23 more: 23 healthy"


def test_what_follows_from_a_finding_is_counted_in_the_list_and_told_in_the_detail():
    start = reports.failed_over()
    lonely = FindingReport("no-alternate", Severity.WARNING, "", "There is nowhere to go.", {}, "", 4.0)
    explained = replace(start, explained=(ExplainedReport(lonely, (CauseReport("sbc-down", "primary"),)),))
    opened = View(chosen=folded(explained)[0], is_open=True)

    assert line_with("> critical", lines_of(explained)).startswith("> critical  00:59:18  (+1) SBC primary")
    assert "Follows from it\n  warning: There is nowhere to go." in screen(explained, view=opened)


def test_an_open_finding_tells_evidence_and_remedy():
    shown = screen(reports.failed_over(), view=View(chosen=folded(reports.failed_over())[0], is_open=True))

    assert shown.splitlines()[1:12] == [
        "─ Finding ──────────────────────────────────────────────────────────────────────",
        "critical  sbc-down primary, since 00:59:18",
        "  SBC primary does not answer, and it is not this site's WANs: both reach",
        "    alternate.",
        "",
        "Measured",
        "  wans: fibre, lte",
        "  silent_for: 42 s",
        "",
        "What to do",
        "  Report it to the SBC's operator; nothing on this site will mend it.",
    ]
    assert shown.splitlines()[-1] == "d back  ↑↓ PgUp PgDn scroll  p pause  q quit"


def test_silence_is_shown_above_what_is_old():
    silent = sight(reports.healthy()).silent(
        12.7, "cannot reach the agent at http://127.0.0.1:8642: Connection refused"
    )
    lines = text(draw(silent, View(), Size(80, 24), UTF8)).splitlines()

    assert lines[0].endswith("no answer since 12 s")
    assert lines[1].startswith("NO ANSWER  What stands here is of 01:00:00; cannot reach the agent at")
    assert line_with("* primary", lines).startswith("* primary   healthy *up")


def test_before_the_first_answer_the_screen_says_who_is_asked_and_why_nobody_answers():
    asking = Sight("http://192.0.2.1:8642", 2.0, 0)
    refused = asking.silent(3.0, "cannot reach the agent at http://192.0.2.1:8642: Connection refused")

    shown = text(draw(asking, View(), Size(80, 24), UTF8)).split("\n")
    assert shown[0].split() == ["http://192.0.2.1:8642", "asking"]
    assert shown[2] == "Waiting for the first answer."
    assert "cannot reach the agent at http://192.0.2.1:8642" in text(draw(refused, View(), Size(80, 24), UTF8))


def test_a_pause_is_shown_instead_of_the_clock():
    assert lines_of(reports.healthy(), view=View(is_paused=True))[0].endswith("     paused")
    assert "p go on" in lines_of(reports.healthy(), view=View(is_paused=True))[-1]


def test_what_happened_days_ago_has_no_time_of_the_day():
    start = reports.failed_over()
    old = replace(
        start, agent=replace(start.agent, uptime_s=500_000.0), changes=(replace(start.changes[0], ago_s=260_000.0),)
    )

    assert lines_of(old)[0].startswith("site-0042  router, mode observe, since 5 d ago")
    assert "  3 d ago   sbc primary" in screen(old)


def test_a_restarted_agent_has_another_start_and_a_slow_answer_has_not():
    seen = sight(reports.healthy())
    restarted = replace(reports.healthy(), agent=replace(reports.healthy().agent, uptime_s=3.0))

    assert seen.answered(reports.healthy(), ONE_O_CLOCK + 4.0).time_of(0.0) == "01:00:00"
    assert seen.answered(restarted, ONE_O_CLOCK + 60.0).time_of(3.0) == "01:00:57"


def test_states_have_their_colours():
    frame = draw(sight(reports.failed_over()), View(), Size(80, 24), UTF8)

    assert frame.rows[1][0] == ("P", Ink.BAD)
    assert frame.rows[7][12] == ("h", Ink.GOOD)


@pytest.mark.parametrize("name", ["büro", "漢字" * 30, "\x1b[2J\x07", "\u202eevil", "x" * 300, "", "e\u0301", "a\nb"])
@pytest.mark.parametrize("charset", [UTF8, ASCII])
def test_whatever_things_are_called_nothing_but_text_reaches_the_screen(name, charset):
    shown = screen(reports.hostile(name), charset=charset)

    assert shown.replace("\n", "").isprintable()
    assert charset is UTF8 or shown.isascii()
    assert shown.splitlines()[0].endswith("01:00:00")


def test_a_text_of_wide_letters_is_told_whole():
    start = reports.failed_over()
    finding = replace(start.findings[0], remedy="漢字" * 60)
    report = replace(start, findings=(finding,))

    shown = screen(report, view=View(chosen=folded(report)[0], is_open=True))

    assert shown.count("漢") == shown.count("字") == 60


@given(columns=st.integers(1, 250), rows=st.integers(1, 80))
def test_every_size_has_a_screen(columns, rows):
    for report in (reports.at_start(), crowded(12, 7), reports.proven()):
        assert draw(sight(report), View(), Size(columns, rows), UTF8).size == (columns, rows)
