"""The kernel as an oracle: a copy of this host in a namespace of its own, and packets sent through it.

A child process makes the copy, asks, and writes its answer into a pipe. It touches nothing outside its namespace, and
the namespace has no name: it ends with the child, and the child with this process (PR_SET_PDEATHSIG), even by SIGKILL.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from tonekeeper.core.firewall.flows import Direction, FlowQuestion, FlowVerdict, Verdict
from tonekeeper.core.firewall.remedy import Opening, openings_for
from tonekeeper.core.site import RtpRange
from tonekeeper.edge.shadow_network import ShadowNetwork, enter_new_namespace
from tonekeeper.edge.shadow_packets import ShadowPackets
from tonekeeper.edge.shadow_ruleset import Ruleset, ShadowRuleset
from tonekeeper.edge.shadow_surroundings import Surroundings
from tonekeeper.errors import EdgeError
from tonekeeper.wire.ruleset import Listing

PATIENCE = 60.0
"""Seconds after which a copy that gives no answer is given up."""
MOST_ROUNDS = 3
"""Tables that may stop a flow one after the other before no remedy is found for it."""
_PR_SET_PDEATHSIG = 1

Groups = Callable[[Sequence[FlowVerdict]], Sequence[Sequence[FlowVerdict]]]
"""Of all verdicts, those that one remedy shall mend; blocked ones."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A host to be asked about."""

    surroundings: Surroundings
    ruleset: Ruleset
    lans: tuple[str, ...]
    """Interfaces with phones behind them."""
    wans: tuple[tuple[str, str], ...]
    """Name, interface."""
    rtp: Mapping[str, RtpRange]
    """By SBC, to be opened as a whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    verdicts: tuple[FlowVerdict, ...]
    openings: tuple[tuple[Opening, ...], ...]
    """For each group what lets it through, proven; empty where nothing was found that does."""
    notes: tuple[str, ...]
    listing: Listing
    """The ruleset, with the handles it has where it comes from."""


class _Refused(msgspec.Struct):
    said: str
    number: int


def ask_shadow(scene: Scene, questions: tuple[FlowQuestion, ...], groups: Groups) -> Answer:
    """Nothing of the live host is changed, and nothing leaves it. EdgeError with the errno where the kernel refuses."""
    parent = os.getpid()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_the_child(parent, writing, lambda: _examine(scene, questions, groups))
    os.close(writing)
    try:
        content = _read(reading)
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if content[:1] == b"+":
        return msgspec.json.decode(content[1:], type=Answer)
    if content[:1] == b"-":
        refused = msgspec.json.decode(content[1:], type=_Refused)
        raise _RefusedError(refused.said, refused.number)
    raise EdgeError("ask a copy of this host: its process ended without an answer")


class _RefusedError(EdgeError):
    """What the child met, in its words."""

    def __init__(self, said: str, number: int) -> None:
        Exception.__init__(self, said)
        self.errno = number
        self.remedy = ""


def _be_the_child(parent: int, writing: int, work: Callable[[], Answer]) -> None:
    """Never returns: this process has another's memory, and must not clean up for it."""
    status = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            _write(writing, _outcome(work))
            status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(status)


def _outcome(work: Callable[[], Answer]) -> bytes:
    try:
        return b"+" + msgspec.json.encode(work())
    except EdgeError as error:
        return b"-" + msgspec.json.encode(_Refused(str(error), error.errno))


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _read(descriptor: int) -> bytes:
    parts: list[bytes] = []
    deadline = time.monotonic() + PATIENCE
    while (left := deadline - time.monotonic()) > 0:
        if not select.select((descriptor,), (), (), left)[0]:
            break
        part = os.read(descriptor, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
    raise EdgeError(f"ask a copy of this host: no answer within {PATIENCE:g} s")


def _examine(scene: Scene, questions: tuple[FlowQuestion, ...], groups: Groups) -> Answer:
    enter_new_namespace()
    network = ShadowNetwork(scene.surroundings, dict.fromkeys(question.address.host for question in questions))
    interfaces = dict.fromkeys(name for name in (*scene.lans, *(name for _, name in scene.wans)) if name)
    ruleset = ShadowRuleset(scene.ruleset, [name for name in interfaces if scene.surroundings.has(name)])
    try:
        packets = ShadowPackets(scene.surroundings, network, ruleset.book, scene.lans, dict(scene.wans))
    except OSError as error:
        raise EdgeError("watch packets in the copy of this host", error) from None
    verdicts = tuple(packets.ask(questions))
    proven = tuple(_prove(packets, ruleset, group, scene.rtp) for group in groups(verdicts))
    packets.close()
    return Answer(verdicts, proven, (*scene.surroundings.notes, *network.notes, *ruleset.notes), ruleset.book.original)


def _prove(
    packets: ShadowPackets, ruleset: ShadowRuleset, blocked: Sequence[FlowVerdict], rtp: Mapping[str, RtpRange]
) -> tuple[Opening, ...]:
    """What lets everything through: in the words of what owns the rules, else in those of the tool below it."""
    for plain in (False, True):
        opened, helped = _try(packets, ruleset, blocked, rtp, plain)
        if helped:
            return opened
        if opened and all(one.owner is one.owner.tool for one in opened):
            break  # the same again
    return ()


def _try(
    packets: ShadowPackets,
    ruleset: ShadowRuleset,
    blocked: Sequence[FlowVerdict],
    rtp: Mapping[str, RtpRange],
    plain: bool,
) -> tuple[tuple[Opening, ...], bool]:
    """Open, ask again, and close again; what was opened, and whether it let everything through."""
    asked = tuple(dict.fromkeys(verdict.question.turned(Direction.OUT) for verdict in blocked))
    directions = {verdict.question for verdict in blocked}
    opened: list[Opening] = []
    undo: list[str] = []
    for attempt in range(MOST_ROUNDS):
        wanted = openings_for(blocked, rtp, ruleset.book, stateful=attempt == 0, plain=plain)
        new = [one for one in wanted if one not in opened]
        done = ruleset.insert(one.nft for one in new) if new else ()
        if not done:
            break
        opened += new
        undo += done
        packets.forget_flows()
        again = [verdict for verdict in packets.ask(asked) if verdict.question in directions]
        blocked = [verdict for verdict in again if verdict.verdict is not Verdict.ACCEPT]
        if not blocked:
            break
    if undo:
        ruleset.undo(undo)
    return tuple(opened), bool(opened) and not blocked
