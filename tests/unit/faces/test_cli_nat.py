"""`nat` and `reflector` on the command line."""

from __future__ import annotations

import io

import msgspec
import pytest

from tonekeeper.app.reflector import run_reflector
from tonekeeper.core.kernel import Flow, Protocol
from tonekeeper.core.nat.result import BindingKind, Interval, Lifetimes, NatResult, SipAlg
from tonekeeper.core.nat.tracked import TrackedFlow
from tonekeeper.errors import ConfigError
from tonekeeper.faces.cli.nat import KernelNat, Nat, Server, show_nat
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.parser import parse_command
from tonekeeper.faces.cli.reflector import Reflector
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.wire.endpoint import Endpoint

STUN = Server("stun.example.net", 3478)


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def result(
    *, mapping: str = "not checked", unreplied: Interval | None = None, sip_alg: SipAlg = SipAlg.NOT_CHECKED
) -> NatResult:
    return NatResult("eth0", mapping, "not checked", "", "", Lifetimes(unreplied), sip_alg, 40.0)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("nat --server stun.example.net", Nat(STUN)),
        ("nat --server 203.0.113.18:3500", Nat(Server("203.0.113.18", 3500))),
        ("nat --server 2001:db8::1", Nat(Server("2001:db8::1", 3478))),
        ("nat --server [2001:db8::1]:80", Nat(Server("2001:db8::1", 80))),
        ("nat --server stun.example.net --interface eth0 --max 60", Nat(STUN, "eth0", 60.0)),
        ("nat --server stun.example.net --max 60 --tcp 7500", Nat(STUN, longest=60.0, longest_tcp=7500.0)),
        (
            "nat --server stun.example.net --json --allow-metered --sip sbc1.example.net --sip 203.0.113.2:5070",
            Nat(
                STUN,
                sip=(Server("sbc1.example.net", 5060), Server("203.0.113.2", 5070)),
                metered_allowed=True,
                json=True,
            ),
        ),
        ("reflector --listen 203.0.113.18", Reflector(Endpoint("203.0.113.18", 3478))),
        ("reflector --listen 2001:db8::1", Reflector(Endpoint("2001:db8::1", 3478))),
        (
            "reflector --listen 203.0.113.18:4000 --alternate 203.0.113.19 --sip-port 0",
            Reflector(Endpoint("203.0.113.18", 4000), "203.0.113.19", 0),
        ),
    ],
)
def test_a_line_becomes_a_command(line, command):
    assert parse_command(line.split()) == command


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nat", "--server"),
        ("nat --server http://x", "'http://x' is not HOST[:PORT]"),
        ("nat --server x:0", "'x:0' is not HOST[:PORT]"),
        ("nat --server x:65536", "'x:65536' is not HOST[:PORT]"),
        ("nat --server x --max 1", "between 2 and 3600"),
        ("nat --server x --max nan", "between 2 and 3600"),
        ("nat --server x --tcp 1", "between 2 and 10000"),
        ("reflector", "--listen"),
        ("reflector --listen stun.example.net", "'stun.example.net' is not an address"),
        ("reflector --listen 0.0.0.0", "an answer must leave from a certain one"),
        ("reflector --listen 203.0.113.18:65535", "must be ports"),
        ("reflector --listen 203.0.113.18 --sip-port 65536", "'65536' is not a port"),
    ],
)
def test_a_line_that_cannot_be_meant_ends_with_two(line, said, capsys):
    with pytest.raises(SystemExit) as ended:
        parse_command(line.split())
    assert ended.value.code == Exit.USAGE
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("command", ["nat", "reflector"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit):
        parse_command([command, "--help"])
    assert f"example:\n  tonekeeper {command} " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("reflector", "said"),
    [
        (Reflector(Endpoint("203.0.113.18", 3478), "203.0.113.18"), "--alternate = 203.0.113.18: is the address of"),
        (Reflector(Endpoint("203.0.113.18", 3478), "2001:db8::1"), "is not of the same family"),
        (Reflector(Endpoint("203.0.113.18", 5059)), "--sip-port = 5060: is a port of --listen"),
    ],
)
def test_places_that_do_not_fit_together_are_wrong_usage(reflector, said):
    with pytest.raises(ConfigError) as refused:
        run_reflector(reflector, Terminal(io.StringIO(), io.StringIO()))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (result(mapping="endpoint-independent", sip_alg=SipAlg.NO), Exit.FINE),
        (result(unreplied=(9.0, 10.0)), Exit.FINE),
        (result(), Exit.PROBLEMS),
        (result(mapping="endpoint-independent", sip_alg=SipAlg.YES), Exit.PROBLEMS),
    ],
)
def test_a_rewritten_sip_and_a_measurement_of_nothing_are_problems(found, code):
    assert show_nat(Nat(STUN), found, None, Terminal(io.StringIO(), io.StringIO())) == code


def test_json_is_one_element_of_nat_and_the_time_it_took():
    out = io.StringIO()
    kernel = KernelNat(30, 120, None)
    show_nat(Nat(STUN, json=True), result(unreplied=(9.0, None)), kernel, Terminal(out, io.StringIO()))

    document = msgspec.json.decode(out.getvalue())
    assert document["wan"] == "eth0"
    assert document["mapping"] == "not checked"
    assert document["lifetime_s"] == {"unreplied": [9.0, None], "replied": None, "stream": None, "tcp": None}
    assert document["sip_alg"] == "not checked"
    assert document["elapsed_s"] == 40.0
    assert document["kernel_timeouts_s"] == {"unreplied": 30, "stream": 120, "tcp": None}
    assert document["kernel_flows"] == []


def tracked(kind: BindingKind, remaining_s: int, port: int = 5060, helper: str = "") -> TrackedFlow:
    flow = Flow(Protocol.UDP, "192.0.2.10", port, "203.0.113.2", 5060, "198.51.100.2", port)
    return TrackedFlow(flow, kind, remaining_s, helper)


FLOWS = (
    tracked(BindingKind.STREAM, 95),
    tracked(BindingKind.STREAM, 118, 5062, "sip"),
    tracked(BindingKind.REPLIED, 12, 5064),
)


def test_of_the_flows_of_this_host_the_one_with_the_most_time_left_is_told_for_each_kind():
    out = io.StringIO()
    show_nat(Nat(STUN), result(), KernelNat(30, 120, None, FLOWS), Terminal(out, io.StringIO()))
    said = " ".join(out.getvalue().split())
    assert "UDP 192.0.2.10:5062 to 203.0.113.2:5060 is stream and has 118 s left" in said
    assert "UDP 192.0.2.10:5064 to 203.0.113.2:5060 is replied and has 12 s left" in said
    assert "95 s" not in said


def test_the_flows_of_this_host_are_in_the_document_with_their_helper():
    out = io.StringIO()
    show_nat(Nat(STUN, json=True), result(), KernelNat(30, 120, None, FLOWS), Terminal(out, io.StringIO()))
    first = msgspec.json.decode(out.getvalue())["kernel_flows"][0]
    assert first == {
        "flow": "UDP 192.0.2.10:5062 to 203.0.113.2:5060",
        "kind": "stream",
        "remaining_s": 118,
        "helper": "sip",
    }


def test_what_the_kernel_says_is_marked_as_not_measured():
    out = io.StringIO()
    show_nat(Nat(STUN), result(), KernelNat(30, None, None), Terminal(out, io.StringIO()))
    assert "its own NAT is set to unreplied 30 s (nf_conntrack, read and not measured)" in " ".join(
        out.getvalue().split()
    )


def test_progress_takes_the_place_of_the_progress_before():
    err = Tty()
    terminal = Terminal(io.StringIO(), err, {"TERM": "xterm"})
    for text in ("one\ntwo\n", "three\n", ""):
        terminal.show_progress(text)
    assert err.getvalue() == "one\ntwo\n\x1b[2A\r\x1b[Jthree\n\x1b[1A\r\x1b[J"


@pytest.mark.parametrize(("err", "environment"), [(io.StringIO(), {"TERM": "xterm"}), (Tty(), {"TERM": "dumb"})])
def test_a_pipe_and_a_dumb_terminal_see_no_progress(err, environment):
    Terminal(io.StringIO(), err, environment).show_progress("one\n")
    assert err.getvalue() == ""
