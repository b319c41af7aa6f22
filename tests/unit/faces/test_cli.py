from __future__ import annotations

import errno
import io
import sys
from collections.abc import Callable
from types import ModuleType

import msgspec
import pytest

from tests.unit.faces import reports
from tonekeeper.core.report import Report
from tonekeeper.core.site import Sbc, Site, Wan
from tonekeeper.errors import AgentUnreachableError, ConfigError, DecodeError, EdgeError, Mistake
from tonekeeper.faces.cli.agent import Check, Run, show_mistakes, show_valid
from tonekeeper.faces.cli.demo import Demo
from tonekeeper.faces.cli.outcome import Exit, exit_for_error
from tonekeeper.faces.cli.parser import build_parser, parse_command
from tonekeeper.faces.cli.replay import Change, Difference, Replay, Replayed, show_replayed
from tonekeeper.faces.cli.status import Status, decode_report, show_status
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.cli.version import version_line
from tonekeeper.wire.endpoint import Endpoint

COMMANDS = ("run", "check", "status", "replay", "demo", "nat", "reflector")
SITE = Site("site-0042", (Wan("fibre", "eth0"),), (Sbc("primary", "sip:a", "a", 5060), Sbc("b", "sip:b", "b", 5060)))
WRONG = ConfigError("site.toml", [Mistake("sbc[0].uri", "'x'", "is no SIP URI", "write sip:HOST")])


class Screen:
    """A terminal that remembers: `out` and `err` as text."""

    def __init__(self, *, tty: bool = False, encoding: str = "utf-8", **environment: str) -> None:
        self._bytes = io.BytesIO()
        self._out = io.TextIOWrapper(self._bytes, encoding=encoding, write_through=True)
        self._out.isatty = lambda: tty  # type: ignore[method-assign]
        self._err = io.StringIO()
        self.terminal = Terminal(self._out, self._err, environment)

    @property
    def out(self) -> str:
        return self._bytes.getvalue().decode()

    @property
    def err(self) -> str:
        return self._err.getvalue()

    @property
    def document(self) -> object:
        return msgspec.json.decode(self._bytes.getvalue())


def answering(*answers: Report | Exception) -> Callable[[Status], bytes]:
    """Stands in for the agent: one answer after the other, then Ctrl-C."""
    remaining = iter(answers)

    def fetch(command: Status) -> bytes:
        match next(remaining, KeyboardInterrupt()):
            case Report() as report:
                return msgspec.json.encode(report)
            case BaseException() as error:
                raise error

    return fetch


def usage_error(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        parse_command(arguments)
    assert ended.value.code == Exit.USAGE
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("run -c site.toml", Run("site.toml")),
        ("check site.toml", Check("site.toml")),
        ("check --json site.toml", Check("site.toml", json=True)),
        ("status", Status("http://127.0.0.1:8642")),
        ("status --json --url http://[2001:db8::1]:80/x", Status("http://[2001:db8::1]:80/x", json=True)),
        ("status --watch --token-file t", Status(watch=True, token_file="t")),
        ("status --watch --interval 0.5", Status(watch=True, interval_s=0.5)),
        ("replay j", Replay("j")),
        ("replay j --verify --json", Replay("j", verify=True, json=True)),
        ("demo", Demo()),
        ("demo --listen [::1]:80 --once", Demo(Endpoint("::1", 80), once=True)),
    ],
)
def test_a_line_becomes_a_command(line, command):
    assert parse_command(line.split()) == command


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as ended:
        parse_command([command, "--help"])

    assert ended.value.code == 0
    assert f"example:\n  tonekeeper {command}" in capsys.readouterr().out


def test_the_help_names_every_command_and_the_exit_codes():
    text = build_parser().format_help()

    named = {line.split()[0] for line in text.splitlines() if line.startswith("    ") and line.strip()}
    assert set(COMMANDS) <= named
    assert "3 agent not reachable" in " ".join(text.split())


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as ended:
        parse_command(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("tonekeeper 0.")


def test_a_checkout_says_that_it_was_not_built():
    assert version_line().endswith("(not built: it runs from its sources)")


def test_what_was_built_says_of_which_commit(monkeypatch):
    built = ModuleType("tonekeeper.build_info")
    vars(built).update(COMMIT="0123456789ab", BUILD="2026-01-31")
    monkeypatch.setitem(sys.modules, built.__name__, built)
    assert version_line().endswith("(commit 0123456789ab; build 2026-01-31)")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "COMMAND"),
        ("nonsense", "nonsense"),
        ("run", "--config"),
        ("status --json --watch", "not allowed with"),
        ("status --watch --interval 0.1", "'0.1' is not a number of seconds between 0.5 and 3600"),
        ("status --watch --interval often", "'often' is not a number of seconds"),
        ("status --url localhost:8642", "'localhost:8642' is not a URL; write http://ADDRESS:PORT"),
        ("status --url http://a:65536", "is not a URL"),
        ("status --url http://:80", "is not a URL"),
        ("demo --listen localhost:80", "'localhost' is not a numeric address; write 127.0.0.1:8642"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_why(line, said, capsys):
    assert said in usage_error(*line.split(), capsys=capsys)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WRONG, 2),
        (DecodeError("journal", "is empty"), 2),
        (AgentUnreachableError("cannot reach"), 3),
        (EdgeError("open a raw socket", PermissionError(errno.EPERM, "")), 4),
        (EdgeError("ask the kernel", OSError(errno.EOPNOTSUPP, "")), 4),
        (EdgeError("listen", OSError(errno.EADDRINUSE, "")), 2),
        (EdgeError("read the journal", FileNotFoundError(errno.ENOENT, "")), 2),
    ],
)
def test_an_error_ends_with_the_code_of_the_contract(error, code):
    assert exit_for_error(error) == code


def test_status_shows_the_report_and_ends_with_0_when_nothing_is_critical():
    screen = Screen()

    assert show_status(Status(), screen.terminal, answering(reports.healthy())) is Exit.FINE
    assert screen.out.startswith("OK  Every path works")
    assert screen.err == ""


def test_status_ends_with_1_when_something_is_critical():
    assert show_status(Status(), Screen().terminal, answering(reports.failed_over())) is Exit.PROBLEMS


def test_status_as_json_is_the_one_document_that_the_agent_sent():
    screen = Screen(encoding="ascii")
    outcome = show_status(Status(json=True), screen.terminal, answering(reports.failed_over()))

    assert outcome is Exit.PROBLEMS
    assert msgspec.convert(screen.document, Report) == reports.failed_over()


def test_status_of_an_agent_that_does_not_answer_is_an_error_to_tell():
    with pytest.raises(AgentUnreachableError, match="cannot reach"):
        show_status(Status(), Screen().terminal, answering(AgentUnreachableError("cannot reach it")))


def test_keys_of_a_newer_agent_are_ignored():
    document = msgspec.to_builtins(reports.failed_over())
    for place in (document, document["agent"], document["sbcs"][0]["paths"][0], document["active"]):
        place["from_the_future"] = {"a": [1]}

    assert decode_report(msgspec.json.encode(document), "url") == reports.failed_over()


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"agent": 1}', b'"\xff"'])
def test_what_is_no_report_is_an_error_to_tell(body):
    with pytest.raises(AgentUnreachableError, match="cannot read the report of the agent at url"):
        decode_report(body, "url")


def test_watching_on_a_terminal_that_can_only_print_goes_on_while_the_agent_is_away_until_ctrl_c():
    screen = Screen(tty=True, TERM="dumb")
    away = AgentUnreachableError("cannot reach the agent")
    fetch = answering(reports.healthy(), away, reports.failed_over())

    assert show_status(Status(watch=True, interval_s=0.0), screen.terminal, fetch) is Exit.PROBLEMS
    assert [line.split()[1] for line in screen.out.splitlines()] == ["OK", "NO", "sbc", "active:", "PROBLEM"]
    assert "\x1b" not in screen.out


def test_who_stops_watching_while_the_agent_is_away_ends_with_3():
    fetch = answering(reports.healthy(), AgentUnreachableError("cannot reach the agent"))

    assert show_status(Status(watch=True, interval_s=0.0), Screen(tty=True).terminal, fetch) is Exit.UNREACHABLE


def test_what_is_no_terminal_cannot_be_watched_on():
    screen = Screen(tty=False)

    assert show_status(Status(watch=True), screen.terminal, answering()) is Exit.USAGE
    assert screen.out == ""
    assert screen.err == "cannot watch: standard output is no terminal; use --json, or --watch on a terminal\n"


@pytest.mark.parametrize(
    ("screen", "coloured"),
    [
        (Screen(tty=True), True),
        (Screen(tty=False), False),
        (Screen(tty=True, NO_COLOR="1"), False),
        (Screen(tty=True, NO_COLOR=""), True),
        (Screen(tty=True, TERM="dumb"), False),
    ],
)
def test_colour_is_for_terminals_that_want_it(screen, coloured):
    show_status(Status(), screen.terminal, answering(reports.failed_over()))

    assert ("\x1b[" in screen.out) is coloured


def test_a_name_that_the_terminal_cannot_show_is_escaped():
    screen = Screen(encoding="ascii")
    show_status(Status(), screen.terminal, answering(reports.hostile("büro")))

    assert "b\\xfcro" in screen.out


def test_a_valid_configuration_is_said_to_be_fine_and_its_notices_go_to_stderr():
    screen = Screen()

    assert show_valid(Check("site.toml"), SITE, ["snmp: not yet"], screen.terminal) is Exit.FINE
    assert screen.out == "site.toml: fine: site-0042, 1 WAN, 2 SBCs, mode observe\n"
    assert screen.err == "site.toml: note: snmp: not yet\n"


def test_every_mistake_of_a_configuration_is_told():
    screen = Screen()

    assert show_mistakes(Check("site.toml"), WRONG, screen.terminal) is Exit.USAGE
    assert screen.out == ""
    assert screen.err == "site.toml: sbc[0].uri = 'x': is no SIP URI; write sip:HOST\n"


def test_check_as_json_is_one_document():
    good, bad = Screen(), Screen()
    show_valid(Check("site.toml", json=True), SITE, ["snmp: not yet"], good.terminal)
    show_mistakes(Check("site.toml", json=True), WRONG, bad.terminal)

    assert good.document == {"file": "site.toml", "valid": True, "mistakes": [], "notices": ["snmp: not yet"]}
    assert bad.document == {
        "file": "site.toml",
        "valid": False,
        "mistakes": [{"key_path": "sbc[0].uri", "value": "'x'", "reason": "is no SIP URI", "remedy": "write sip:HOST"}],
        "notices": [],
    }
    assert good.err == bad.err == ""


def test_a_replay_that_gives_the_same_commands_is_fine():
    screen = Screen()
    replayed = Replayed(events=120, commands=240, span_s=600.0, notes=("the last line was torn",))

    assert show_replayed(Replay("j", verify=True), replayed, screen.terminal) is Exit.FINE
    assert screen.out == ("120 events, 240 commands, 600.0 s\nthe replay gives the recorded commands, byte for byte\n")
    assert screen.err == "j: note: the last line was torn\n"


def test_a_replay_that_differs_shows_where_and_ends_with_1():
    screen = Screen()
    replayed = Replayed(3, 3, 1.0, difference=Difference(7, "up", "do\x1bwn"))

    assert show_replayed(Replay("j", verify=True), replayed, screen.terminal) is Exit.PROBLEMS
    assert screen.out.splitlines()[1:] == [
        "j:7: the replay differs from the recording",
        "  recorded: up",
        "  replayed: do\\x1bwn",
    ]


def test_a_replay_as_json_is_one_document():
    screen = Screen()
    show_replayed(Replay("j", json=True), Replayed(3, 3, 1.0), screen.terminal)

    assert screen.document == {
        "events": 3,
        "commands": 3,
        "span_s": 1.0,
        "changes": [],
        "notes": [],
        "difference": None,
    }


def test_a_replay_without_verify_tells_the_changes_and_when():
    screen = Screen()
    change = Change(784111777.0, "wan fibre", "", "do\x1bwn", "no carrier")
    show_replayed(Replay("j"), Replayed(3, 3, 1.0, changes=(change,)), screen.terminal)

    assert screen.out == (
        "1994-11-06T08:49:37.000Z  wan fibre: new -> do\\x1bwn (no carrier)\n3 events, 3 commands, 1.0 s\n"
    )
