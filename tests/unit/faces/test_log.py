from __future__ import annotations

import io
import logging
import re

import msgspec
import pytest

from tonekeeper.core.commands import LogChange
from tonekeeper.faces.log import JsonFormatter, Log, TextFormatter, quoted, timestamp

DOWN = LogChange("path fibre/primary/udp/192.0.2.1:5060", "up", "down", "4 probes unanswered")
HOSTILE = LogChange("wan x", "up", "down", 'a\nINFO "b"\x1b[2J\u2028\udcff')


def lines(form: str, *changes: LogChange) -> list[str]:
    stream = io.StringIO()
    log = Log(stream, form)
    for change in changes:
        log.change(change)
    return stream.getvalue().splitlines()


def test_a_change_is_one_line_of_keys_and_values():
    (line,) = lines("text", DOWN)

    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning changed "
        r'subject="path fibre/primary/udp/192.0.2.1:5060" before=up after=down reason="4 probes unanswered"',
        line,
    )


def test_a_change_is_one_json_object():
    (line,) = lines("json", DOWN)
    document = msgspec.json.decode(line)

    assert document.pop("time").endswith("Z")
    assert document == {
        "level": "warning",
        "event": "changed",
        "subject": DOWN.subject,
        "before": "up",
        "after": "down",
        "reason": "4 probes unanswered",
    }


def test_a_change_for_the_better_is_information():
    (line,) = lines("text", LogChange("sbc primary", "down", "healthy", ""))

    assert line.split(" ", 1)[1] == 'info changed subject="sbc primary" before=down after=healthy'


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("sbc-down", "warning"),
        ("nat-binding-short", "warning"),
        ("nat-symmetric", "info"),
        ("of-a-newer-agent", "info"),
    ],
)
def test_a_finding_is_logged_by_its_severity(code, level):
    (line,) = lines("text", LogChange(f"finding {code} fibre", "", "active", ""))

    assert f'{level} changed subject="finding {code} fibre" before="" after=active' in line


def test_a_finding_of_the_whole_site_is_logged_by_its_severity():
    (line,) = lines("text", LogChange("finding site-offline", "", "active", "no carrier"))

    assert " warning changed " in line


def test_a_finding_that_is_gone_is_information():
    (line,) = lines("text", LogChange("finding sbc-down primary", "active", "gone", ""))

    assert " info changed " in line


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_from_outside_ends_a_line_or_moves_a_cursor(form):
    stream = io.StringIO()
    Log(stream, form).change(HOSTILE)
    written = stream.getvalue()

    assert written.count("\n") == 1
    assert "\x1b" not in written
    written.encode()


def test_a_life_cycle_line_names_an_event_and_its_facts():
    stream = io.StringIO()
    Log(stream).info("started", version="0.1.0", paths=4)

    assert stream.getvalue().endswith(" info started version=0.1.0 paths=4\n")


def test_below_the_level_nothing_is_written():
    stream = io.StringIO()
    log = Log(stream, level="error")
    log.info("started")
    log.change(DOWN)
    log.error("refused", port=5060)

    assert stream.getvalue().endswith(" error refused port=5060\n")
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_what_a_library_complains_about_has_the_same_form(formatter):
    record = logging.LogRecord("asyncio", logging.ERROR, "", 0, "it %s\nbroke", ("really",), None)
    line = formatter.format(record)

    assert "\n" not in line
    assert "really\\nbroke" in line
    assert "asyncio" in line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("up", "up"),
        ("", '""'),
        ("a b", '"a b"'),
        ("a=b", '"a=b"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("a\\b", '"a\\\\b"'),
        ("a\nb", '"a\\nb"'),
        ("ü", "ü"),
    ],
)
def test_a_value_is_quoted_where_it_must_be(text, shown):
    assert quoted(text) == shown


def test_a_time_is_utc_with_milliseconds():
    assert timestamp(784111777.9996) == "1994-11-06T08:49:37.999Z"
