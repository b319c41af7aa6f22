"""A phone's file, the NOTIFY, and the wait for its REGISTER: it is taken, or everything is as it was."""

from __future__ import annotations

import dataclasses
import io
import signal

import msgspec
import pytest
from tests.unit.faces.reports import healthy, phones
from tests.unit.phones.shipped import DIRECTORY, as_read_before

from tonekeeper.app import tuning
from tonekeeper.app.delivering import KEEPALIVES, PATIENCE_S, CannotDeliverError, Outside
from tonekeeper.edge.phone_notice import Notice
from tonekeeper.edge.provisioning import BEFORE
from tonekeeper.errors import AgentUnreachableError, EdgeError
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.parser import parse_command
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.cli.tune_delivery import OntoPhone
from tonekeeper.wire.endpoint import Endpoint

DESK = phones()[0]
MAC, ADDRESS = DESK.mac, Endpoint(DESK.address, 5060)
NAME = "001565aabbcc.cfg"
OLD = (
    b"account.1.password = s3cret\naccount.1.sip_server.1.expires = 3600\naccount.1.nat.udp_update_time = 30\n"
    b"sip.notify_reboot_enable = 0\n"
)
NEW = dataclasses.replace(DESK, expiry_s=80)
OK = Notice(200, "OK")


@pytest.fixture(autouse=True)
def _read_once(monkeypatch):
    monkeypatch.setattr(tuning, "load_profiles", as_read_before)


class Site:
    """A phone, the agent that watches it, and a clock that goes on when somebody sleeps.

    `shows`: what the agent reports, poll by poll, once the phone was told; the last one stays.
    """

    def __init__(self, directory, *, shows=(NEW,), notices=(OK,), before=DESK):
        self.file = directory / NAME
        self.file.write_bytes(OLD)
        self.now = 0.0
        self.told = []
        """The event, and the file as it was then."""
        self._before = before
        self._shows = list(shows)
        self._notices = list(notices)
        self.on_sleep = lambda: None

    def outside(self):
        return Outside(self.report, self.notify, lambda: self.now, self.sleep)

    def report(self):
        if not self.told:
            shown = self._before
        else:
            shown = self._shows.pop(0) if len(self._shows) > 1 else self._shows[0]
        if isinstance(shown, Exception):
            raise shown
        return dataclasses.replace(healthy(), phones=() if shown is None else (shown, *phones()[1:]))

    def notify(self, address, event):
        assert address == ADDRESS
        self.told.append((event, self.file.read_bytes()))
        notice = self._notices.pop(0) if len(self._notices) > 1 else self._notices[0]
        if isinstance(notice, BaseException):
            raise notice
        return notice

    def sleep(self, seconds):
        self.now += seconds
        self.on_sleep()

    @property
    def is_as_it_was(self):
        return self.file.read_bytes() == OLD and [each.name for each in self.file.parent.iterdir()] == [NAME]


class Screen(io.StringIO):
    def isatty(self):
        return True


def carried_out(site, monkeypatch, *words, profile="yealink-desk", err=None):
    """Exit code, standard output and standard error of the command."""
    monkeypatch.setattr(tuning, "fetch_report", lambda status: msgspec.json.encode(healthy()))
    monkeypatch.setattr(tuning, "outside_of", lambda command: site.outside())
    where = f"--deliver {site.file.parent} --mac {MAC} --profiles {DIRECTORY}".split()
    reach = "" if "--dry-run" in words else f"--notify {DESK.address} --url http://192.0.2.1:8642 --lifetime 60"
    command = parse_command(["tune", "--profile", profile, *where, *reach.split(), *words])
    out, err = io.StringIO(), err or io.StringIO()
    code = tuning.tune_phones(command, Terminal(out, err, {"COLUMNS": "100", "TERM": "xterm"}))
    assert "s3cret" not in out.getvalue() + err.getvalue()
    return code, out.getvalue(), err.getvalue()


# --- words


def test_a_phone_is_named_by_its_mac_and_its_address():
    words = "--deliver d --mac 00-15-65-AA-BB-CC --notify [2001:db8::1]:5062 --dry-run --reboot --within 60"
    command = parse_command(["tune", "--profile", "a-b", *words.split()])
    endpoint = Endpoint("2001:db8::1", 5062)
    assert command.onto == OntoPhone("d", "00:15:65:aa:bb:cc", endpoint, dry_run=True, reboot=True, within_s=60)
    bare = parse_command(["tune", "--profile", "a-b", "--deliver", "d", "--notify", "2001:db8::1"])
    assert bare.onto.address == Endpoint("2001:db8::1", 5060)
    assert parse_command(["tune", "--profile", "a-b"]).onto is None


@pytest.mark.parametrize("words", ["--mac 0015", "--mac 00:15-65aabbcc", "--notify phone", "--within 0", "--within x"])
def test_what_cannot_be_is_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        parse_command(["tune", "--profile", "a-b", "--deliver", "d", *words.split()])
    assert ended.value.code == Exit.USAGE
    assert "error" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("--dry-run", "--deliver, --mac"),
        (f"--deliver d --mac {MAC}", "--notify, --url"),
        (f"--deliver d --mac {MAC} --dry-run --base b", "--base"),
    ],
)
def test_a_command_that_lacks_something_is_told_what(words, named):
    command = parse_command(["tune", "--profile", "yealink-desk", "--profiles", str(DIRECTORY), *words.split()])
    with pytest.raises(CannotDeliverError, match=named):
        tuning.tune_phones(command, Terminal(io.StringIO(), io.StringIO(), {}))


# --- the steps


def test_a_phone_that_registers_with_the_new_values_keeps_them(tmp_path, monkeypatch):
    site = Site(tmp_path, shows=(DESK, None, NEW))
    code, out, err = carried_out(site, monkeypatch)
    assert code == Exit.FINE
    assert "account.1.sip_server.1.expires: 3600 -> 80" in out
    assert [event for event, _ in site.told] == ["check-sync;reboot=false"]
    assert b"expires = 80\n" in site.told[0][1]
    assert site.file.read_bytes() == site.told[0][1]
    assert (tmp_path / f"{NAME}{BEFORE}").read_bytes() == OLD
    assert "Event: check-sync;reboot=false: it restarts only if a setting wants that\n" in err
    assert "taken: its expiry is 80 s." in err


def test_a_dry_run_shows_what_would_change_and_asks_nobody(tmp_path, monkeypatch):
    site = Site(tmp_path)
    code, out, err = carried_out(site, monkeypatch, "--dry-run", "--lifetime", "60")
    assert code == Exit.FINE
    assert "account.1.nat.udp_update_time: 30 -> 45" in out
    assert "nothing is written or sent" in err
    assert site.told == []
    assert site.is_as_it_was


def test_a_phone_that_goes_on_as_before_gets_its_old_file_back(tmp_path, monkeypatch):
    site = Site(tmp_path, shows=(DESK,))
    code, _, err = carried_out(site, monkeypatch)
    assert code == Exit.PROBLEMS
    assert "taken back: its expiry is 3600 s, not 80 s, 300 s after it was told" in err
    assert [content == OLD for _, content in site.told] == [False, True]
    assert "the phone was told" in err
    assert site.now == PATIENCE_S
    assert site.is_as_it_was


def test_how_long_to_wait_can_be_said(tmp_path, monkeypatch):
    site = Site(tmp_path, shows=(DESK,))
    carried_out(site, monkeypatch, "--within", "20")
    assert site.now == 20.0


@pytest.mark.parametrize(
    ("shown", "reason", "after"),
    [
        (dataclasses.replace(DESK, expiry_s=60), "its expiry is 60 s, not 80 s", 80.0),
        (dataclasses.replace(NEW, status=423), "its REGISTER is refused with 423", 10.0),
    ],
)
def test_a_phone_that_does_something_else_is_not_waited_for_long(tmp_path, monkeypatch, shown, reason, after):
    site = Site(tmp_path, shows=(shown,))
    code, _, err = carried_out(site, monkeypatch)
    assert (code, site.now) == (Exit.PROBLEMS, after)
    assert f"taken back: {reason}, {after:.0f} s after" in err
    assert site.is_as_it_was


def test_another_account_of_the_phone_with_an_expiry_of_its_own_does_not_hide_the_one_that_was_told(
    tmp_path, monkeypatch
):
    other = dataclasses.replace(DESK, expiry_s=1800)
    assert carried_out(Site(tmp_path, shows=(*[other] * 30, NEW)), monkeypatch)[0] == Exit.FINE


def test_what_is_wrong_for_a_moment_is_waited_for(tmp_path, monkeypatch):
    wrong = dataclasses.replace(DESK, status=423)
    gone = AgentUnreachableError("cannot reach the agent")
    assert carried_out(Site(tmp_path, shows=(wrong, wrong, gone, wrong, NEW)), monkeypatch)[0] == Exit.FINE


def test_a_phone_that_restarted_is_known_by_its_mac_where_it_has_another_address(tmp_path, monkeypatch):
    site = Site(tmp_path, shows=(dataclasses.replace(NEW, address="192.168.1.99"),))
    assert carried_out(site, monkeypatch)[0] == Exit.FINE


@pytest.mark.parametrize("status", [401, 481, 489])
def test_a_phone_that_refuses_the_notify_gets_its_old_file_back_and_is_left_alone(tmp_path, monkeypatch, status):
    site = Site(tmp_path, notices=(Notice(status, "No"),))
    code, _, err = carried_out(site, monkeypatch)
    assert (code, len(site.told)) == (Exit.PROBLEMS, 1)
    assert f"taken back: it answers {status} No" in err
    assert site.is_as_it_was


def test_a_phone_that_may_have_heard_the_notify_is_told_again(tmp_path, monkeypatch):
    site = Site(tmp_path, notices=(Notice(0, "it does not answer"),))
    code, _, err = carried_out(site, monkeypatch)
    assert (code, len(site.told)) == (Exit.PROBLEMS, 2)
    assert "the phone was told, and it does not answer" in err
    assert site.is_as_it_was


def test_a_way_that_is_gone_is_a_reason_to_take_it_back(tmp_path, monkeypatch):
    site = Site(tmp_path, notices=(EdgeError("send a NOTIFY to 192.168.1.20:5060"),))
    code, _, err = carried_out(site, monkeypatch)
    assert code == Exit.PROBLEMS
    assert "taken back: cannot send a NOTIFY" in err
    assert site.is_as_it_was


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_takes_it_back_and_another_one_changes_nothing_about_that(tmp_path, monkeypatch, number):
    site = Site(tmp_path, shows=(DESK,), notices=(OK, KeyboardInterrupt()))
    site.on_sleep = lambda: signal.raise_signal(number)
    code, _, err = carried_out(site, monkeypatch)
    assert (code, len(site.told)) == (Exit.PROBLEMS, 2)
    assert "taken back: interrupted" in err
    assert "whether the phone heard of that is not known" in err
    assert site.is_as_it_was


def test_a_bug_takes_it_back_as_well(tmp_path, monkeypatch):
    site = Site(tmp_path, shows=(ZeroDivisionError(),))
    with pytest.raises(ZeroDivisionError):
        carried_out(site, monkeypatch)
    assert site.is_as_it_was


def test_what_another_one_wrote_meanwhile_is_not_taken_back(tmp_path, monkeypatch):
    site = Site(tmp_path, shows=(DESK,))
    site.on_sleep = lambda: site.file.write_bytes(b"account.1.label = theirs\n")
    with pytest.raises(EdgeError, match="another one has changed it meanwhile"):
        carried_out(site, monkeypatch)
    assert site.file.read_bytes() == b"account.1.label = theirs\n"


def test_a_file_that_has_the_values_already_is_left_alone(tmp_path, monkeypatch):
    site = Site(tmp_path)
    carried_out(site, monkeypatch)
    site.told.clear()
    code, out, err = carried_out(site, monkeypatch)
    assert (code, out, site.told) == (Exit.FINE, "", [])
    assert "has these values already" in err


def test_where_only_the_keepalive_changes_it_is_waited_for(tmp_path, monkeypatch):
    tuned = Site(tmp_path)
    carried_out(tuned, monkeypatch)
    content = tuned.file.read_bytes().replace(b"udp_update_time = 45", b"udp_update_time = 30")
    site = Site(tmp_path, shows=(DESK,))
    site.file.write_bytes(content)
    code, _, err = carried_out(site, monkeypatch)
    assert code == Exit.PROBLEMS
    assert "its keepalive is 30 s, not 45 s" in err
    assert site.now >= KEEPALIVES * 45


def test_what_the_phone_did_before_it_was_told_proves_nothing(tmp_path, monkeypatch):
    known = dataclasses.replace(NEW, keepalive_s=30.0)
    site = Site(tmp_path, before=known, shows=(known,))
    code, _, err = carried_out(site, monkeypatch)
    assert code == Exit.PROBLEMS
    assert "taken back: its keepalive is 30 s, not 45 s" in err
    does_both = dataclasses.replace(NEW, keepalive_s=45.0)
    code, _, err = carried_out(Site(tmp_path, before=does_both, shows=(does_both,)), monkeypatch)
    assert code == Exit.FINE
    assert "nothing of what was changed would show in its REGISTERs" in err


def test_on_a_terminal_the_wait_is_shown_while_it_lasts(tmp_path, monkeypatch):
    site = Site(tmp_path, shows=(DESK, DESK, NEW))
    _, _, err = carried_out(site, monkeypatch, err=Screen())
    assert "2 of 300 s: its expiry is 3600 s, not 80 s\n" in err
    assert err.rstrip().endswith(f"{BEFORE}'")


def test_the_document_says_what_became_of_it(tmp_path, monkeypatch):
    code, out, _ = carried_out(Site(tmp_path, shows=(DESK,)), monkeypatch, "--json")
    answer = msgspec.json.decode(out)
    assert (code, answer["taken"], answer["event"]) == (Exit.PROBLEMS, False, "check-sync;reboot=false")
    assert {"name": "account.1.sip_server.1.expires", "before": "3600", "after": "80"} in answer["changes"]


# --- what is not begun


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (None, "has seen no REGISTER of it"),
        (dataclasses.replace(DESK, transport=""), "has seen no REGISTER of it"),
        (dataclasses.replace(DESK, mac="00:15:65:00:00:99"), "that is 00:15:65:00:00:99"),
        (dataclasses.replace(DESK, profile="snom-desk"), "that is snom-desk"),
        (dataclasses.replace(DESK, status=403), "is refused with 403"),
        (AgentUnreachableError("cannot reach the agent"), "cannot reach"),
    ],
)
def test_a_phone_that_is_another_or_cannot_be_verified_is_left_alone(tmp_path, monkeypatch, before, reason):
    site = Site(tmp_path, before=before)
    with pytest.raises((CannotDeliverError, AgentUnreachableError), match=reason):
        carried_out(site, monkeypatch)
    assert site.told == []
    assert site.is_as_it_was


def test_a_model_that_may_restart_wants_consent(tmp_path, monkeypatch):
    site = Site(tmp_path, before=dataclasses.replace(DESK, profile="mitel-68xx"), shows=(DESK,))
    (tmp_path / NAME).rename(tmp_path / "001565AABBCC.cfg")
    site.file = tmp_path / "001565AABBCC.cfg"
    site.file.write_bytes(b"sip registration period: 3600\n")
    with pytest.raises(CannotDeliverError, match="nobody knows whether it restarts, calls and all; allow it: --reboot"):
        carried_out(site, monkeypatch, profile="mitel-68xx")
    assert site.told == []
    carried_out(site, monkeypatch, "--reboot", profile="mitel-68xx")
    assert [event for event, _ in site.told][:1] == ["check-sync"]


@pytest.mark.parametrize("line", [b"", b"sip.notify_reboot_enable = 1\n"])
def test_a_phone_that_restarts_at_every_notify_by_its_file_or_factory_setting_wants_consent(
    tmp_path, monkeypatch, line
):
    site = Site(tmp_path)
    site.file.write_bytes(OLD.replace(b"sip.notify_reboot_enable = 0\n", line))
    with pytest.raises(CannotDeliverError, match=r"--reboot, or write sip\.notify_reboot_enable = 0"):
        carried_out(site, monkeypatch)
    assert site.told == []
    assert carried_out(site, monkeypatch, "--reboot")[0] == Exit.FINE


def test_the_servers_of_the_phone_stay_where_they_are_to(tmp_path, monkeypatch):
    site = Site(tmp_path)
    code, out, _ = carried_out(site, monkeypatch, "--keep-servers")
    assert code == Exit.FINE
    assert "sip_server.1.expires: 3600 -> 80" in out
    assert ".address" not in out + site.file.read_text()
    assert "sip_server.1.address: (not there) -> sbc1.example.net" in carried_out(Site(tmp_path), monkeypatch)[1]


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        ("asterisk-pjsip", "that takes 'pjsip reload'"),
        ("audiocodes-4xxhd", "no NOTIFY"),
        ("cisco-spa", "name of its own"),
    ],
)
def test_a_model_that_is_given_its_settings_in_another_way_is_refused(tmp_path, monkeypatch, profile, reason):
    with pytest.raises(CannotDeliverError, match=reason):
        carried_out(Site(tmp_path), monkeypatch, "--dry-run", profile=profile)


def test_a_phone_without_a_file_and_a_file_of_another_model_are_refused(tmp_path, monkeypatch):
    site = Site(tmp_path)
    site.file.write_bytes(b"<xml/>")
    with pytest.raises(CannotDeliverError, match="no setting in it"):
        carried_out(site, monkeypatch)
    site.file.unlink()
    with pytest.raises(EdgeError, match="cannot read"):
        carried_out(site, monkeypatch)
