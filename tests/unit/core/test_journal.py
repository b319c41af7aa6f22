from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.talk import Talk, path, site
from tonekeeper.core.commands import Command
from tonekeeper.core.events import Event, IcmpReceived, LinkChanged
from tonekeeper.core.journal import FORMAT, Header, read_entry, read_header, write_commands, write_entry, write_header
from tonekeeper.core.site import ProbePolicy
from tonekeeper.drivers.replay import replay
from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint


class RecordedTalk(Talk):
    """Writes every event as the live driver does; begins a new segment after every `every` lines."""

    def __init__(self, of=None, *, every: int = 10**9) -> None:
        super().__init__(of)
        self.every = every
        self.lines = [self.header()]

    def header(self) -> bytes:
        return write_header(Header("0.1.0", self.now, 1_764_000_000.0 + self.now, self.agent.situation))

    def tell(self, event: Event) -> list[Command]:
        commands = super().tell(event)
        self.lines.append(write_entry(self.now, event, commands))
        if len(self.lines) % self.every == 0:
            self.lines.append(self.header())
        return commands


def incident(talk: Talk) -> None:
    talk.begin().pass_time(30)
    talk.silence(sbc="primary")
    talk.pass_time(20)
    talk.restore()
    talk.tell(LinkChanged("wwan0", True, False, ()))
    talk.tell(IcmpReceived(path("fibre", "alternate"), 3, 13, "192.0.2.254"))
    talk.pass_time(500)
    talk.tell(LinkChanged("wwan0", True, True, ("203.0.113.9",)))
    talk.codes["alternate"] = (503, 20)
    talk.pass_time(60)


def test_a_replay_does_again_what_was_done():
    talk = RecordedTalk()
    incident(talk)
    outcome = replay(talk.lines)
    assert outcome.events == len(talk.lines) - 1 > 500
    assert outcome.differences == []
    assert outcome.broken == []
    assert outcome.report == talk.agent.report(outcome.at)
    assert "sbc primary" in [change.change.subject for change in outcome.changes]


def test_a_replay_may_begin_at_any_segment_that_is_left():
    talk = RecordedTalk(every=50)
    incident(talk)
    headers = [number for number, line in enumerate(talk.lines) if line.startswith(b'{"journal"')]
    assert len(headers) > 5
    for start in headers:
        outcome = replay(talk.lines[start:])
        assert outcome.differences == []
        assert outcome.report == talk.agent.report(outcome.at)


def test_flows_that_are_kept_by_stun_are_replayed_from_any_checkpoint():
    of = site()
    sbcs = tuple(replace(sbc, stun=True) for sbc in of.sbcs)
    talk = RecordedTalk(replace(of, sbcs=sbcs, probe=ProbePolicy(interval=60.0)), every=20)
    talk.stun = {path(wan, "primary"): Endpoint("203.0.113.77", 40001) for wan in ("fibre", "lte")}
    talk.begin().pass_time(600)
    headers = [number for number, line in enumerate(talk.lines) if line.startswith(b'{"journal"')]
    for first in headers:
        outcome = replay(talk.lines[first:])
        assert (outcome.differences, outcome.broken) == ([], [])
        assert outcome.report == talk.agent.report(outcome.at)
    assert {p.keepalive for p in outcome.report.sbcs[0].paths} == {"stun"}
    assert {p.keepalive for p in outcome.report.sbcs[1].paths} == {"options"}


def test_a_replay_notices_a_command_that_differs():
    talk = RecordedTalk()
    talk.begin()
    at = next(number for number, line in enumerate(talk.lines) if b"SendOptions" in line)
    talk.lines[at] = talk.lines[at].replace(b'"cseq":1', b'"cseq":2')
    assert [difference.line for difference in replay(talk.lines).differences] == [at + 1]


def test_a_line_that_cannot_be_read_is_named_and_the_rest_is_read():
    talk = RecordedTalk()
    talk.begin()
    lines = [*talk.lines, b'{"at":1,"event":"Nonsense","data":{},"commands":[]}', b"\xff{"]
    outcome = replay(lines)
    assert len(outcome.broken) == 2
    assert "Nonsense" in outcome.broken[0]
    assert outcome.differences == []


def test_a_journal_without_header_is_not_replayed():
    assert replay([b'{"at":1.0,"event":"Started","data":{},"commands":[]}']).report is None


def test_a_checkpoint_written_again_is_the_same_text():
    talk = RecordedTalk()
    incident(talk)
    header = talk.header()
    assert write_header(read_header(header)) == header


def of_another_release(header: bytes) -> bytes:
    return header.replace(b'"journal":%d,"version":"0.1.0"' % FORMAT, b'"journal":1,"version":"0.0.9"')


def test_a_header_of_another_format_is_refused():
    talk = RecordedTalk(site())
    with pytest.raises(DecodeError, match=r"format 1 of release '0.0.9' is not 3, which this release reads"):
        read_header(of_another_release(talk.lines[0]))


def test_what_another_release_wrote_is_passed_over_until_this_one_begins():
    talk = RecordedTalk(every=50)
    incident(talk)
    second = next(number for number, line in enumerate(talk.lines) if number and line.startswith(b'{"journal"'))
    outcome = replay([of_another_release(talk.lines[0]), *talk.lines[1:]])
    assert outcome.differences == []
    assert outcome.report == talk.agent.report(outcome.at)
    assert len(outcome.broken) == 2
    assert outcome.broken[1].startswith(f"{second - 1} lines follow no header that can be read")


st.register_type_strategy(float, st.floats(0, 1e12))  # what a clock, a duration or a share can be


def events() -> st.SearchStrategy[Event]:
    return st.one_of([st.from_type(kind) for kind in get_args(Event)])


@given(at=st.floats(0, 1e9), event=events())
def test_every_event_comes_back_as_it_was(at, event):
    entry = read_entry(write_entry(at, event, []))
    assert (entry.at, entry.event, entry.commands) == (at, event, b"[]")


@given(commands=st.lists(st.one_of([st.from_type(kind) for kind in get_args(Command)]), max_size=4))
def test_commands_are_kept_as_they_were_written(commands):
    written = write_commands(commands)
    assert read_entry(b'{"at":1.0,"event":"Started","data":{},"commands":' + written + b"}").commands == written


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_line_is_an_entry_or_a_decode_error(line):
    for read in (read_entry, read_header):
        try:
            read(line)
        except DecodeError:
            continue
