"""`tune` on the command line: what it computes, shows and writes, and what it refuses."""

from __future__ import annotations

import dataclasses
import io
import xml.etree.ElementTree as ET

import msgspec
import pytest

from tests.unit.faces.reports import healthy, phones
from tests.unit.phones.shipped import DIRECTORY, as_read_before
from tonekeeper.app import tuning
from tonekeeper.app.measured import measured
from tonekeeper.app.tuning import conditions_of, findings_of, tune_phones
from tonekeeper.core.keepalive import SAFE_FRACTION
from tonekeeper.core.report import NatReport, WanState
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.parser import parse_command
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.cli.tune import AIMS, TunePhones
from tonekeeper.faces.cli.tune_delivery import OntoPhone
from tonekeeper.phones.conditions import Aim, Conditions, Server
from tonekeeper.phones.tuned import Shortcoming, Tuning
from tonekeeper.wire.sip.uri import parse_sip_uri

SBCS = tuple(map(parse_sip_uri, ("sip:sbc1.example.net", "sip:198.51.100.20:5070;transport=tcp")))
YEALINK = TunePhones("yealink-desk", sbcs=SBCS, lifetime_s=60.0, rtt_s=0.04, directory=str(DIRECTORY))


@pytest.fixture(autouse=True)
def _read_once(monkeypatch):
    monkeypatch.setattr(tuning, "load_profiles", as_read_before)


def carried_out(command):
    out, err = io.StringIO(), io.StringIO()
    code = tune_phones(command, Terminal(out, err, {"COLUMNS": "100"}))
    return code, out.getvalue(), err.getvalue()


def changed(**changes):
    return dataclasses.replace(YEALINK, **changes)


def test_the_words_of_the_command_line_are_those_of_the_tuner():
    assert tuple(Aim) == AIMS


def test_a_command_is_read_with_everything_it_may_say():
    site = (
        "--sbc sip:sbc1.example.net --lifetime 60 --rtt 40 --loss 0.02 --flapping --registrar-rate 50 --min-expiry 90"
    )
    phones = "--phones 12 --phone 3 --account 2 --firmware 66.86.0.15"
    rest = "--aim gentle --url http://192.0.2.1:8642 --token-file t --profiles d --json --base b --out o --keep-servers"
    command = parse_command(["tune", "--profile", "acme-one", *site.split(), *phones.split(), *rest.split()])
    assert command == TunePhones(
        "acme-one",
        "gentle",
        SBCS[:1],
        lifetime_s=60.0,
        rtt_s=0.04,
        loss=0.02,
        flapping=True,
        phones=12,
        number=3,
        account=2,
        firmware="66.86.0.15",
        registrar_rate=50.0,
        min_expiry_s=90.0,
        url="http://192.0.2.1:8642",
        token_file="t",
        directory="d",
        json=True,
        base="b",
        out="o",
        keep_servers=True,
    )


def test_only_a_profile_has_to_be_said_and_an_sbc_may_be_a_bare_host():
    assert parse_command(["tune", "--profile", "acme-one"]) == TunePhones("acme-one")
    assert parse_command(["tune", "--profile", "a-b", "--sbc", "192.0.2.1:5070"]).sbcs[0].port == 5070


@pytest.mark.parametrize(
    "words",
    ["--loss 2", "--rtt x", "--phones 0", "--sbc http://x", "--url 192.0.2.1", "--lifetime 0", "--json --native"],
)
def test_what_cannot_be_is_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        parse_command(["tune", "--profile", "acme-one", *words.split()])
    assert ended.value.code == Exit.USAGE
    assert "error" in capsys.readouterr().err


def test_each_value_is_shown_with_its_reason_its_price_and_what_it_was():
    code, out, err = carried_out(YEALINK)
    assert (code, err) == (Exit.FINE, "")
    assert "account.1.nat.udp_update_time = 45   (45 s, factory 30)" in out
    assert "75% of the 60 s that an idle UDP flow outlives here" in out
    assert "costs 80 keepalive packets (2.5 KiB) an hour" in out
    assert "A silent SBC is noticed within 1 min without a call, and given up after 7.5 s." in out
    assert all(len(line) <= 100 for line in out.splitlines())


def test_the_document_has_values_in_seconds_and_in_the_phones_own_words():
    _, out, _ = carried_out(changed(profile="grandstream-desk", json=True))
    answer = msgspec.json.decode(out)
    expiry = next(each for each in answer["settings"] if each["capability"] == "registration-expiry")
    assert (expiry["name"], expiry["value"], expiry["native"], expiry["unit"]) == ("P32", 60.0, "1", "min")
    assert answer["cost_per_hour"]["registrations"] > 0
    assert ET.fromstring(answer["native"]).find("config/P32").text == "1"


def test_the_fragment_is_all_that_native_prints():
    _, out, _ = carried_out(changed(native=True))
    assert out.startswith("#!version:1.0.0.1\naccount.1.sip_server.1.expires = 80\n")


def test_a_shortcoming_is_told_in_the_words_of_the_catalogue():
    _, out, _ = carried_out(changed(profile="baresip-baresip"))
    told = " ".join(out.split())
    assert "WARNING phone-cannot-failover-fast: Phones of the model baresip-baresip cannot leave a silent" in told


@pytest.mark.parametrize(
    "shortcoming",
    [
        Shortcoming("phone-cannot-failover-fast", {"why": "w", "nearest": "n"}),
        Shortcoming("phone-keepalive-above-nat-lifetime", {"why": "w", "needed": "d", "nearest": "n"}),
        Shortcoming("phone-no-jitter", {"phones": "2", "nearest": "n"}),
        Shortcoming("phone-no-alternate", {"why": "w", "nearest": "n"}),
        Shortcoming("phones-exceed-registrar", {"phones": "2", "rate": "1", "nearest": "n"}),
    ],
    ids=lambda each: each.code,
)
def test_every_shortcoming_fills_the_blanks_of_its_entry(shortcoming):
    of = Tuning("acme-one", Aim.GENTLE, "unknown", (), (), (shortcoming,), 1, None, None, None, None, None)
    (finding,) = findings_of(of)
    assert finding.code == shortcoming.code
    assert "acme-one" in finding.summary


def test_a_profile_that_does_not_exist_is_refused_with_the_nearest():
    code, out, err = carried_out(changed(profile="yealink-dsk"))
    assert (code, out) == (Exit.USAGE, "")
    assert "did you mean yealink-desk?" in err


BASE = b"account.1.password = s3cret\r\naccount.1.nat.udp_update_time = 30\r\n"


def test_a_base_is_shown_as_what_would_change_and_nothing_else_of_it(tmp_path):
    base = tmp_path / "001565000001.cfg"
    base.write_bytes(BASE)
    for command in (changed(base=str(base)), changed(base=str(base), json=True), changed(base=str(base), native=True)):
        code, out, err = carried_out(command)
        assert code == Exit.FINE
        assert "udp_update_time" in out
        assert "s3cret" not in out + err
        assert "nothing is written without --out" in err
    assert base.read_bytes() == BASE


def test_a_base_is_written_out_with_the_new_values_for_those_who_could_read_it(tmp_path):
    base, out = tmp_path / "base.cfg", tmp_path / "new.cfg"
    base.write_bytes(BASE)
    base.chmod(0o640)
    code, shown, err = carried_out(changed(base=str(base), out=str(out)))
    assert code == Exit.FINE
    assert "account.1.nat.udp_update_time: 30 -> 45\n" in shown
    assert out.read_bytes().startswith(b"account.1.password = s3cret\r\naccount.1.nat.udp_update_time = 45\r\n")
    assert out.stat().st_mode & 0o777 == 0o640
    assert "s3cret" not in shown + err


def test_what_is_no_settings_file_of_the_model_is_refused(tmp_path):
    base = tmp_path / "base.cfg"
    base.write_bytes(b"<xml/>")
    code, out, err = carried_out(changed(base=str(base)))
    assert (code, out) == (Exit.USAGE, "")
    assert "no setting in it" in err


def test_out_needs_a_base():
    assert carried_out(changed(out="x"))[0] == Exit.USAGE


def nat(wan, **lifetimes):
    known = {"unreplied": None, "replied": None, "stream": None, "tcp": None}
    return NatReport(wan, "", "", "", known | lifetimes, "no", None, {}, 0.0)


def test_what_an_agent_measured_is_taken_at_its_worst():
    report = dataclasses.replace(
        healthy(), nat=(nat("fibre", replied=(58.0, 60.0), stream=(170.0, None)), nat("lte", replied=(28.0, 30.0)))
    )
    found = measured(Conditions(SAFE_FRACTION), report)
    assert found.replied == (28.0, 30.0)
    assert found.stream == (170.0, None)
    assert found.tcp is None
    assert [each.host for each in found.servers] == [parse_sip_uri(sbc.uri).host for sbc in report.sbcs]
    rtts = [path.rtt_ms for path in report.sbcs[0].paths if path.state == "up"]
    assert found.servers[0].rtt_s == max(rtts) / 1000
    assert not found.flapping


def test_a_wan_that_is_not_trusted_counts_as_flapping():
    report = healthy()
    first = dataclasses.replace(report.wans[0], state=WanState.SUPPRESSED)
    assert measured(Conditions(SAFE_FRACTION), dataclasses.replace(report, wans=(first, *report.wans[1:]))).flapping


def test_phones_that_were_seen_share_the_registrar_each_in_a_place_of_its_own(monkeypatch):
    desk, *_ = phones()
    seen = tuple(dataclasses.replace(desk, mac=f"00:15:65:00:00:0{number}") for number in (3, 1, 2))
    report = dataclasses.replace(healthy(), phones=(*seen, dataclasses.replace(desk, profile="snom-desk")))
    monkeypatch.setattr(tuning, "fetch_report", lambda status: msgspec.json.encode(report))
    asked = TunePhones("yealink-desk", url="http://192.0.2.1:8642", onto=OntoPhone(mac="00:15:65:00:00:02"))
    found = conditions_of(asked)
    assert (found.phones, found.number) == (3, 2)
    given = conditions_of(dataclasses.replace(asked, phones=12, number=7))
    assert (given.phones, given.number) == (12, 7)
    unseen = conditions_of(dataclasses.replace(asked, profile="mitel-68xx", onto=None))
    assert (unseen.phones, unseen.number) == (1, 1)


def test_what_was_given_wins_over_what_was_measured(monkeypatch):
    monkeypatch.setattr(tuning, "fetch_report", lambda status: msgspec.json.encode(healthy()))
    conditions = conditions_of(changed(url="http://192.0.2.1:8642", loss=0.05))
    assert conditions.replied == conditions.stream == (60.0, None)
    assert conditions.servers == (
        Server("sbc1.example.net", 0, "", 0.04, 0.05),
        Server("198.51.100.20", 5070, "tcp", 0.04, 0.05),
    )
    assert len(conditions_of(TunePhones("yealink-desk", url="http://192.0.2.1:8642")).servers) == 2
