"""The page says what was measured, and hides nothing that was missed."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from tests.bench.detection import BETWEEN_PROBES, phases
from tests.bench.machine import Machine
from tests.bench.rendering import keep_other_sections, render_page, render_text
from tests.bench.results import Figure, Row, Table, median_and_worst

MACHINE = Machine("Some Processor", 2, 4.0, "Linux 6.1", "CPython 3.11.7", (("kamailio", "5.6.3"),))


def table(*rows: Row) -> Table:
    return Table("Silent death", "An SBC dies.", ("median", "most"), rows)


KEPT = Row("verdict", median_and_worst([1.0, 2.0, 6.0], "s", (3.2, 6.0)))
LATE = Row("decision", median_and_worst([1.0, 4.0, 6.5], "s", (3.2, 6.0)))


def page(*tables: Table) -> str:
    return render_page(tables, MACHINE, datetime(2026, 11, 22, tzinfo=UTC), 7, ["detection"])


def test_the_page_names_day_seed_machine_and_versions():
    text = page(table(KEPT))
    for word in ("2026-11-22", "--seed 7", "Some Processor, 2 cores, 4 GiB", "kamailio 5.6.3"):
        assert word in text


def test_a_limit_that_was_missed_is_missed_in_the_table_and_at_the_top():
    text = page(table(KEPT, LATE))
    assert "| decision | 4.00 s (MISSED: at most 3.2) | 6.50 s (MISSED: at most 6) |" in text
    assert "- Silent death: decision, median: 4.00 s (MISSED: at most 3.2)" in text
    assert "All limits were kept" not in text


def test_limits_that_were_kept_are_said_to_be():
    text = page(table(KEPT))
    assert "| verdict | 2.00 s (kept: at most 3.2) | 6.00 s (kept: at most 6) |" in text
    assert "All limits were kept." in text
    assert "MISSED" not in text


def test_what_was_not_measured_is_an_empty_cell():
    text = page(table(Row("dispatcher", (Figure(14.2, "s"), None))))
    assert "| dispatcher | 14.20 s | |" in text


def test_the_terminal_gets_the_same_numbers_in_columns():
    lines = render_text(table(KEPT, Row("dispatcher", (Figure(14.2, "s"), None)))).splitlines()
    assert lines[0] == "Silent death"
    assert lines[1].split() == ["median", "most"]
    assert lines[3] == "dispatcher  14.20 s"


@pytest.mark.parametrize("seed", range(5))
def test_deaths_come_once_in_each_tenth_of_the_time_between_probes_in_no_order(seed):
    drawn = phases(Random(seed), 10)
    assert sorted(int(phase / BETWEEN_PROBES * 10) for phase in drawn) == list(range(10))
    assert drawn != sorted(drawn)
    assert drawn == phases(Random(seed), 10)


def test_sections_that_were_not_measured_again_stay():
    old = "# Benchmarks\n\nhead\n\n## One\n\nold one\n\n## Two\n\nold two\n"
    new = "# Benchmarks\n\nnew head\n\n## One\n\nnew one\n"
    page = keep_other_sections(old, new)
    assert "new head" in page
    assert "new one" in page
    assert "old one" not in page
    assert page.endswith("## Two\n\nold two\n")
