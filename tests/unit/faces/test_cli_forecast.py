"""`forecast` on the command line: what it draws, what it writes, and what it refuses."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import msgspec
import pytest

from tests.unit.faces.test_cli_profiles import write
from tests.unit.phones.documents import document
from tests.unit.phones.models import behaviour, expiry, parameter, reaction
from tonekeeper.app.forecasting import forecast_incident
from tonekeeper.errors import EdgeError
from tonekeeper.faces.cli.forecast import AIMS, INCIDENTS, ForecastIncident
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.parser import parse_command
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.phones.conditions import Aim
from tonekeeper.phones.incident import IncidentKind


@pytest.fixture
def directory(tmp_path):
    acts = behaviour()
    acts["failures"] = acts["failures"] | {"answer-403": "unknown", "no-answer": reaction(confidence="weak")}
    settings = [
        expiry(3600) | {"min": 60, "special": {"0": "off"}},
        parameter("timer-t1", 500, unit="ms", min=100),
        parameter("registration-backoff", "", template="{low},{high}:{most}"),
        parameter("failover-mode", "successive", unit="choice", choices={"successive": 1, "concurrent": 0}),
    ]
    write(tmp_path, "acme", "one", document(parameters=settings, behaviour=acts))
    return str(tmp_path)


def carried_out(command):
    out, err = io.StringIO(), io.StringIO()
    code = forecast_incident(command, Terminal(out, err, {"COLUMNS": "80"}))
    return code, out.getvalue(), err.getvalue()


def test_the_words_of_the_command_line_are_those_of_the_forecast():
    assert tuple(IncidentKind) == INCIDENTS
    assert tuple(Aim) == AIMS


def test_a_command_is_read_with_everything_it_may_say():
    words = "forecast --profile acme-one --incident dns-dead --set timer-t1=0.25 --set failover-mode=concurrent"
    more = "--servers 3 --aim gentle --firmware 2.0 --granted 60 --lasts 600 --retry-after 30 --seed 5 --profiles d"
    command = parse_command([*words.split(), *more.split(), "--html", "f.html", "--json"])
    changes = (("timer-t1", "0.25"), ("failover-mode", "concurrent"))
    assert command == ForecastIncident(
        "acme-one", "dns-dead", changes, 3, "gentle", "2.0", 60.0, 600.0, 30.0, 5, "d", "f.html", json=True
    )


def test_only_a_profile_has_to_be_said():
    assert parse_command(["forecast", "--profile", "acme-one"]) == ForecastIncident("acme-one")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--set", "timer-t1"], "is not CAPABILITY=VALUE"),
        (["--set", "=1"], "is not CAPABILITY=VALUE"),
        (["--servers", "0"], "is not a number of servers"),
        (["--servers", "99999999999999"], "is not a number of servers"),
        (["--lasts", "nan"], "is not a number of seconds"),
        (["--incident", "meteorite"], "invalid choice"),
    ],
)
def test_wrong_usage_ends_with_exit_code_2(words, reason, capsys):
    with pytest.raises(SystemExit) as ended:
        parse_command(["forecast", "--profile", "acme-one", *words])
    assert ended.value.code == Exit.USAGE
    assert reason in capsys.readouterr().err


def test_the_first_five_minutes_are_drawn_before_and_after_tuning_in_80_columns(directory):
    code, out, _ = carried_out(ForecastIncident("acme-one", directory=directory))
    assert code is Exit.FINE
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line.isupper() and not line.startswith(" ")] == [
        "AS IT IS",
        "A PHONE IN THE MIDDLE",
        "ASSUMED",
        "LEANS ON WEAK FACTS",
        "TUNED FOR FAST-FAILOVER",
        "A PHONE IN THE MIDDLE",
        "ASSUMED",
        "LEANS ON WEAK FACTS",
    ]
    before, after = (line for line in lines if line.startswith("incoming  "))
    assert set(before.split()[1]) == {"."}
    assert after.count("#") > 30
    assert "Who dials hears silence for 32 s, then fast busy." in out


def test_what_the_profile_does_not_know_is_unknown(directory):
    _, out, _ = carried_out(ForecastIncident("acme-one", "primary-rejects-403", directory=directory))
    assert "registered again                 unknown" in out
    assert "what it does after 403" in out


def test_a_time_that_never_comes_by_itself_is_null_in_the_document(directory):
    command = ForecastIncident("acme-one", "all-silent", directory=directory, json=True)
    code, out, err = carried_out(command)
    document = msgspec.json.decode(out)
    assert (code, err) == (Exit.FINE, "")
    assert document["now"]["incoming_s"] == {"least": None, "median": None, "worst": None}
    assert document["tuned"]["profile"] == "acme-one"
    assert document["now"]["incident"] == {"kind": "all-silent", "lasts_s": None, "retry_after_s": 120.0}


def test_settings_are_taken_in_seconds_and_in_our_words(directory):
    changes = (("registration-expiry", "120"), ("timer-t1", "0.25"), ("failover-mode", "concurrent"))
    _, out, _ = carried_out(ForecastIncident("acme-one", changes=changes, directory=directory, json=True))
    now = msgspec.json.decode(out)["now"]
    assert now["expiry_s"] == 120
    assert now["incoming_s"]["worst"] == 0.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("registration-expiry", "10"), "cannot hold 10 s"),
        (("registration-expiry", "soon"), "could not convert"),
        (("registration-expiri", "60"), "this model has no such setting; did you mean registration-expiry?"),
        (("failover-mode", "sideways"), "has no choice 'sideways'"),
        (("timer-t1", "inf"), "cannot hold the number inf"),
        (("registration-backoff", "a,b:c"), "could not convert"),
        (("registration-backoff", "30"), "is not {low},{high}:{most}"),
    ],
)
def test_what_the_model_cannot_hold_is_refused(directory, change, reason):
    code, out, err = carried_out(ForecastIncident("acme-one", changes=(change,), directory=directory))
    assert (code, out) == (Exit.USAGE, "")
    assert reason in err


def test_what_a_value_means_can_be_set(directory):
    changes = (("registration-expiry", "off"),)
    _, out, _ = carried_out(ForecastIncident("acme-one", changes=changes, directory=directory))
    assert "for how long it registers" in out


def test_an_unknown_profile_is_named_with_the_one_that_is_near(directory):
    code, _, err = carried_out(ForecastIncident("acme-on", directory=directory))
    assert code is Exit.USAGE
    assert "there is no such profile; did you mean acme-one?" in err


def test_the_page_is_one_file_with_two_drawings_that_are_well_formed(directory, tmp_path):
    page = tmp_path / "forecast.html"
    code, _, err = carried_out(ForecastIncident("acme-one", directory=directory, html=str(page)))
    assert code is Exit.FINE
    assert "written" in err
    text = page.read_text()
    assert "src=" not in text
    assert "href=" not in text
    drawings = [f"<svg{part.split('</svg>')[0]}</svg>" for part in text.split("<svg")[1:]]
    assert len(drawings) == 2
    for drawing in drawings:
        rectangles = ET.fromstring(drawing).findall("{http://www.w3.org/2000/svg}rect")
        assert sum(float(each.get("width")) for each in rectangles) == pytest.approx(3 * 600, abs=1)


def test_names_in_the_page_are_escaped(tmp_path):
    write(tmp_path, "acme", "one", document(parameters=[expiry()], behaviour=behaviour(), vendor="A<b>&"))
    page = tmp_path / "forecast.html"
    carried_out(ForecastIncident("acme-one", directory=str(tmp_path), html=str(page)))
    assert "A&lt;b&gt;&amp;" in page.read_text()


def test_a_page_that_cannot_be_written_is_an_error_with_its_reason(directory, tmp_path):
    with pytest.raises(EdgeError, match="No such file or directory; name a file"):
        carried_out(ForecastIncident("acme-one", directory=directory, html=str(tmp_path / "absent" / "f.html")))
