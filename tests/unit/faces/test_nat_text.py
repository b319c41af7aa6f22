"""The picture of bindings, and a measurement in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.nat.result import (
    BindingKind,
    BindingTrial,
    Evidence,
    Lifetimes,
    NatResult,
    Progress,
    SipAlg,
    Trial,
)
from tonekeeper.faces.nat_text import draw_bindings, render_nat, render_progress

RESULT = NatResult(
    wan="eth0",
    mapping="endpoint-independent",
    filtering="not checked",
    mapped_address="198.51.100.2:40000",
    local_address="192.0.2.10:40000",
    lifetime_s=Lifetimes(unreplied=(29.033, 30.537), replied=(0.0, 1.2), stream=(330.0, None)),
    sip_alg=SipAlg.YES,
    elapsed_s=40.0,
    server="203.0.113.18:3478",
    reasons={"filtering": "no other address", "tcp": "not measured"},
    evidence=(Evidence("via", SipAlg.YES, "received=192.0.2.10 is our private address"),),
    packets_sent=412,
    bytes_sent=31000,
    sockets=117,
)


def trials(kind: BindingKind, *, alive: tuple[float, ...] = (), dead: tuple[float, ...] = (), waiting=()):
    marked = ((Trial.ALIVE, alive), (Trial.DEAD, dead), (Trial.WAITING, waiting))
    return tuple(BindingTrial(kind, idle, trial) for trial, idles in marked for idle in idles)


def test_what_stands_further_right_was_idle_for_longer():
    shown = trials(BindingKind.REPLIED, alive=(1.0, 10.0), dead=(30.0,), waiting=(100.0,))

    assert draw_bindings(shown, width=54) == [
        "idle for    1 s       3 s       10 s      30 s  60 s",
        "replied     +                   +         x         .",
        "            + alive   x dead   . still idle",
    ]


def test_each_kind_has_its_line_and_one_without_bindings_has_none():
    picture = draw_bindings(
        trials(BindingKind.UNREPLIED, alive=(1.0,)) + trials(BindingKind.STREAM, dead=(9.0,)), width=60
    )
    assert [line.split()[0] for line in picture[1:-1]] == ["unreplied", "stream"]


def test_connections_have_a_line_of_their_own():
    *_, line, legend = draw_bindings(trials(BindingKind.TCP, alive=(5.0,), dead=(60.0,)), width=60)
    assert line.split() == ["tcp", "+", "x"]
    assert "alive" in legend


def test_a_dead_binding_is_not_hidden_by_a_live_one_in_the_same_column():
    picture = draw_bindings(trials(BindingKind.STREAM, alive=(100.0,), dead=(100.1,)), width=40)
    assert "x" in picture[1]


@given(
    idles=st.lists(st.floats(0.0, 4000.0), min_size=1, max_size=60),
    trial=st.sampled_from(Trial),
    width=st.integers(0, 200),
)
def test_no_line_of_the_picture_is_wider_than_the_terminal(idles, trial, width):
    picture = draw_bindings([BindingTrial(BindingKind.STREAM, idle, trial) for idle in idles], width=width)
    assert all(len(line) <= max(width, 44) for line in picture)


def test_colours_change_nothing_but_the_colour():
    shown = trials(BindingKind.STREAM, alive=(1.0,), dead=(9.0,))
    painted = "\n".join(draw_bindings(shown, colour=True))
    assert "\x1b[32m+\x1b[0m" in painted
    assert "\x1b[31mx\x1b[0m" in painted
    assert "\x1b" not in "\n".join(draw_bindings(shown))


@pytest.mark.parametrize(
    "line",
    [
        "NAT of eth0 towards 203.0.113.18:3478",
        "mapping     endpoint-independent",
        "filtering   not checked: no other address",
        "seen as     198.51.100.2:40000, from 192.0.2.10:40000",
        "unreplied   alive after 29.0 s, dead after 30.5 s",
        "replied     dead after 1.2 s",
        "stream      lives idle for more than 330.0 s",
        "tcp         not checked: not measured",
        "SIP ALG     yes",
        "            via: yes: received=192.0.2.10 is our private address",
        "this host   forwards",
        "40 s, 412 packets, 31000 octets, 117 sockets",
    ],
)
def test_a_technician_reads(line):
    assert line in render_nat(RESULT, kernel="forwards").splitlines()


def test_what_a_server_says_cannot_move_the_cursor():
    text = render_nat(replace(RESULT, reasons={"filtering": "\x1b[2Jgone"}))
    assert "\x1b" not in text


def test_progress_says_what_is_waited_for_and_until_when_at_most():
    progress = Progress("the first idle binding that is gone", 12.0, 60.0, Lifetimes())
    assert render_progress(progress) == "12 s: waiting for the first idle binding that is gone, 48 s more at most\n"


def test_progress_shows_the_picture_as_soon_as_there_is_one():
    progress = Progress("x", 12.0, 60.0, Lifetimes(), trials(BindingKind.STREAM, waiting=(9.0,)))
    assert render_progress(progress).count("\n") == 4
