"""Paths over TCP and TLS: what it means that the other side ends a connection."""

from __future__ import annotations

import dataclasses
import errno

import pytest

from tests.unit.core.talk import ADDRESS, Talk, site
from tonekeeper.core.commands import Command, LogChange, OpenPath
from tonekeeper.core.events import PathRefused, StreamEnded
from tonekeeper.core.site import Path, Site, Transport

GARBAGE = "192.0.2.1:5060 speaks no SIP: start line: not SIP"
BARREN = f"the connection ended before an answer: {GARBAGE}"


def with_primary_over(transport: Transport) -> Site:
    udp = site()
    return dataclasses.replace(udp, sbcs=(dataclasses.replace(udp.sbcs[0], transport=transport), *udp.sbcs[1:]))


def primary(wan: str = "fibre", transport: Transport = Transport.TCP) -> Path:
    return Path(wan, "primary", transport, ADDRESS["primary"])


class Closing(Talk):
    """The primary ends the connections in `closed` half a second after they were opened, without an answer."""

    def __init__(self, of: Site) -> None:
        super().__init__(of)
        self.closed: set[Path] = set()

    def _carry_out(self, command: Command) -> None:
        super()._carry_out(command)
        if isinstance(command, OpenPath) and command.path in self.closed:
            self.coming.append((self.now + 0.5, StreamEnded(command.path, 0, GARBAGE)))

    def close(self, *paths: Path) -> None:
        """From now on; the connection that is open ends as well."""
        self.closed |= set(paths)
        self.silent |= set(paths)
        for path in paths:
            self.tell(StreamEnded(path, 0, "closed"))


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
def test_a_new_server_that_ends_every_connection_without_an_answer_is_down(transport):
    talk = Closing(with_primary_over(transport))
    paths = {primary(wan, transport) for wan in ("fibre", "lte")}
    talk.closed, talk.silent = set(paths), set(paths)
    talk.begin().pass_time(2.0)
    assert (talk.path("fibre", "primary").state, talk.path("fibre", "primary").reason) == ("down", BARREN)
    assert talk.sbc("primary") == "down"
    assert talk.active == "alternate over fibre"


def test_a_server_that_begins_to_end_every_connection_without_an_answer_is_down_within_seconds():
    talk = Closing(with_primary_over(Transport.TCP)).begin()
    talk.pass_time(60.0)
    assert talk.active == "primary over fibre"
    talk.close(primary("fibre"), primary("lte"))
    talk.pass_time(2.0)
    assert talk.path("fibre", "primary").reason == BARREN
    assert talk.sbc("primary") == "down"
    assert "sbc-down primary" in talk.findings()


def test_it_is_connected_to_ever_more_rarely_and_is_back_once_it_answers():
    talk = Closing(with_primary_over(Transport.TCP)).begin()
    talk.pass_time(60.0)
    talk.close(primary("fibre"), primary("lte"))
    since = talk.now
    talk.pass_time(600.0)
    opened = [at for at, c in talk.done if at > since and isinstance(c, OpenPath) and c.path == primary("fibre")]
    assert 20 <= len(opened) <= 60
    talk.closed.clear()
    talk.restore()
    talk.pass_time(45.0)
    assert talk.sbc("primary") == "healthy"


def test_a_server_that_closes_a_connection_it_has_answered_on_is_only_connected_to_again():
    talk = Closing(with_primary_over(Transport.TCP)).begin()
    talk.pass_time(60.0)
    talk.tell(StreamEnded(primary("fibre"), 0, "closed"))
    talk.pass_time(2.0)
    assert talk.path("fibre", "primary").state == "up"
    assert talk.findings() == []


# --- the first verdicts of a site


class Refusing(Talk):
    """Every connection to the primary is refused at once, before any other answer is there."""

    def _carry_out(self, command: Command) -> None:
        if isinstance(command, OpenPath) and command.path.sbc == "primary":
            self.coming.append((self.now, PathRefused(command.path, errno.ECONNREFUSED, "cannot connect")))
        else:
            super()._carry_out(command)


def test_nobody_is_blamed_for_the_first_path_that_fails_while_others_have_no_verdict_yet():
    talk = Refusing(with_primary_over(Transport.TCP)).begin()
    assert talk.sbc("primary") == "down"
    told = [f"{c.subject}: {c.after}" for _, c in talk.done if isinstance(c, LogChange)]
    assert not [change for change in told if change.startswith(("finding site-offline", "finding wan-down"))]
    assert "wan lte: down" not in told


class Hesitating(Refusing):
    """And what connects to the alternate is never told how that went."""

    def _carry_out(self, command: Command) -> None:
        if not (isinstance(command, OpenPath) and command.path.sbc == "alternate"):
            super()._carry_out(command)


def test_a_path_that_has_no_verdict_after_a_while_is_not_waited_for_any_longer():
    talk = Hesitating(with_primary_over(Transport.TCP)).begin()
    talk.pass_time(10.0)
    assert talk.findings() == []
    talk.pass_time(10.0)
    assert "sbc-down primary" in talk.findings()
