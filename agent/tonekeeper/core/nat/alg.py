"""Whether something on the way rewrites SIP (an application layer gateway): independent pieces of evidence.

    via        `received=` in our own Via is our private address, although STUN says that we are seen with another one.
               On the way back the Linux kernel's SIP helper puts our address where the server had written the NAT's.
    mirror     what a SIP mirror got differs from what was sent
    port-5060  requests from or to port 5060, the one that gateways look at, fare differently from others
    helper     this host is the router, and its ruleset or a tracked flow has the helper attached

One piece that says yes is enough. "No" takes `via` or `mirror`: the others can only add.

Where STUN does not get through, SIP has to say itself with which address we are seen. So every server is asked once
more in an unusual spelling, legal but not what gateways look for: a tab before sent-by (RFC 3261 section 25.1, LWS).
The Linux kernel's helper wants a blank there and lets it pass. If a server sees another address than our own in any of
its requests, a NAT is on the way, and then our own address in `received=` is a rewritten one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tonekeeper.core.instants import NEVER
from tonekeeper.core.nat.attempt import Attempt
from tonekeeper.core.nat.messages import Command, SendSip, SipReceived, SipSent
from tonekeeper.core.nat.result import Evidence, SipAlg
from tonekeeper.wire.endpoint import Endpoint

SIP_PORT = 5060
SENDS, FIRST_WAIT, LAST_WAIT = 4, 0.5, 2.0
"""As many as of a STUN transaction, at 0, 0.5, 1.5 and 3.5 s (RFC 3261 section 17.1.2.2, cut short)."""
OPTIONS_OCTETS = 1000
"""About what one OPTIONS is, padded so that a mirror has room for its copy."""


@dataclass(frozen=True, slots=True)
class HelperState:
    """What the router's own ruleset and conntrack say, from the edge; None where they cannot be read."""

    is_attached: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class SipQuestions:
    """Whom to ask. `servers`: endpoints of an ordinary SIP server or of a mirror; one may well be on another port."""

    servers: tuple[Endpoint, ...] = ()
    helper: HelperState | None = None


@dataclass(slots=True)
class _Trial:
    """One OPTIONS from one local port to one server."""

    local_port: int
    server: Endpoint
    socket: int = 0
    unusual_via: bool = False
    local: Endpoint | None = None
    due: float = NEVER
    sends: int = 0
    ids: tuple[str, str, str] = ("", "", "")
    sent: str = ""
    answer: SipReceived | None = None
    refused: str = ""
    is_over: bool = False

    @property
    def seen_as(self) -> str:
        """Our address as the answer says, empty where it does not."""
        return self.answer.reply.received if self.answer is not None else ""

    @property
    def uses_sip_port(self) -> bool:
        return SIP_PORT in (self.local_port, self.server.port)

    @property
    def name(self) -> str:
        spelled = ", with a tab in Via" if self.unusual_via else ""
        return f"port {self.local_port or 'any'} to {self.server}{spelled}"


@dataclass(slots=True)
class AlgCheck:
    attempt: Attempt
    questions: SipQuestions
    evidence: tuple[Evidence, ...] = ()
    is_over: bool = False
    _trials: list[_Trial] = field(default_factory=list)

    @property
    def verdict(self) -> SipAlg:
        verdicts = {piece.name: piece.verdict for piece in self.evidence}
        if SipAlg.YES in verdicts.values():
            return SipAlg.YES
        sees = SipAlg.NO in (verdicts.get("via"), verdicts.get("mirror"))
        return SipAlg.NO if sees else SipAlg.NOT_CHECKED

    @property
    def reason(self) -> str:
        """Why it was not checked."""
        return "; ".join(f"{piece.name}: {piece.text}" for piece in self.evidence) or "nobody to ask"

    def begin(self) -> list[Command]:
        """From port 5060 and from another one, to every server; the trials of one port share a socket.

        Without STUN once more from the other port, in the unusual spelling.
        """
        commands: list[Command] = []
        for port in (SIP_PORT, 0) if self.questions.servers else ():
            command = self.attempt.open_socket(port)
            commands.append(command)
            spellings = (False, True) if port != SIP_PORT and self.attempt.mapped is None else (False,)
            for unusual_via in spellings:
                self._trials += [_Trial(port, one, command.socket, unusual_via) for one in self.questions.servers]
        return commands + self._conclude()

    def opened(self, socket: int, local: Endpoint, now: float) -> None:
        for trial in self._of(socket):
            trial.local, trial.due = local, now

    def refused(self, socket: int, reason: str) -> list[Command]:
        for trial in self._of(socket):
            trial.is_over, trial.due, trial.refused = True, NEVER, reason
        return self._conclude()

    def next_deadline(self) -> float:
        return min((trial.due for trial in self._trials), default=NEVER)

    def on_deadline(self, token: str, now: float) -> list[Command]:
        due = min(self._trials, key=lambda trial: trial.due)
        if due.sends == SENDS:
            due.is_over, due.due = True, NEVER
            return self._conclude()
        if not due.sends:
            due.ids = (f"z9hG4bK{token[:16]}", token[16:24], token[8:32])
        due.sends += 1
        due.due = now + (FIRST_WAIT * 2 ** (due.sends - 1) if due.sends < SENDS else LAST_WAIT)
        self.attempt.spend(OPTIONS_OCTETS)
        branch, from_tag, call_id = due.ids
        return [SendSip(due.socket, due.server, branch, from_tag, call_id, cseq=1, unusual_via=due.unusual_via)]

    def sent(self, event: SipSent) -> None:
        for trial in self._of(event.socket):
            if trial.ids[0] == event.branch:
                trial.sent = event.text

    def hear(self, event: SipReceived) -> list[Command]:
        """An answer is ours by its branch or its Call-ID: a gateway may have changed one of them."""
        for trial in self._of(event.socket):
            ours = event.reply.branch == trial.ids[0] or event.reply.call_id.split("@")[0] == trial.ids[2]
            if ours and event.source == trial.server and trial.sends:
                trial.answer, trial.is_over, trial.due = event, True, NEVER
        return self._conclude()

    def give_up(self) -> list[Command]:
        for trial in self._trials:
            trial.is_over, trial.due = True, NEVER
        return self._conclude()

    def _of(self, socket: int) -> list[_Trial]:
        return [trial for trial in self._trials if trial.socket == socket]

    # --- what it means

    def _conclude(self) -> list[Command]:
        if self.is_over or not all(trial.is_over for trial in self._trials):
            return []
        self.is_over = True
        usual = [trial for trial in self._trials if not trial.unusual_via]
        via = [(trial, _via(trial, self._seen_by(trial.server))) for trial in usual]
        mirror = [(trial, _mirror(trial)) for trial in usual]
        self.evidence = (
            _worst("via", [piece for _, piece in via]),
            _worst("mirror", [piece for _, piece in mirror]),
            _port_5060(via, mirror),
            _helper(self.questions.helper),
        )
        sockets = sorted({trial.socket for trial in self._trials})
        return [command for socket in sockets for command in self.attempt.close_socket(socket)]

    def _seen_by(self, server: Endpoint) -> _Seen | None:
        """With STUN, its word counts for all servers. Without, what a server says itself does, if it is not ours."""
        if self.attempt.mapped is not None:
            return _Seen(self.attempt.mapped.host, "STUN")
        asked = sorted(self._trials, key=lambda trial: not trial.unusual_via)
        for trial in (one for one in asked if one.server.host == server.host):
            address = trial.seen_as
            if address and trial.local is not None and address != trial.local.host:
                return _Seen(address, f"the same server on {trial.name}")
        return None


Piece = tuple[SipAlg, str]


class _Seen(NamedTuple):
    """Our address from outside."""

    address: str
    by: str


def _via(trial: _Trial, seen: _Seen | None) -> Piece:
    if trial.answer is None or trial.local is None:
        return SipAlg.NOT_CHECKED, trial.refused or f"no SIP answer on {trial.name}"
    reply, local = trial.answer.reply, trial.local
    if reply.sent_by != str(local):
        return SipAlg.YES, f"our Via left as {local} and came back as {reply.sent_by} ({trial.name})"
    if not reply.received:
        return SipAlg.NOT_CHECKED, "the SIP server did not say where it saw us (received=, RFC 3581)"
    if seen is None or seen.address == local.host:
        return SipAlg.NOT_CHECKED, "no NAT is on the way, or none is known, so a rewritten address would not show"
    if reply.received == local.host:
        text = f"received={local.host} is our private address, {seen.by} sees us as {seen.address} ({trial.name})"
        return SipAlg.YES, text
    if reply.received == seen.address:
        return SipAlg.NO, f"received={reply.received} is the address that {seen.by} sees ({trial.name})"
    text = f"the SIP server sees {reply.received}, {seen.by} sees {seen.address}: another way out"
    return SipAlg.NOT_CHECKED, text


def _mirror(trial: _Trial) -> Piece:
    if trial.answer is None or trial.answer.mirrored is None:
        return SipAlg.NOT_CHECKED, "no SIP mirror answered"
    if not trial.sent:
        return SipAlg.NOT_CHECKED, "what was sent is not known"
    sent, came = trial.sent.splitlines(), trial.answer.mirrored.splitlines()
    if trial.sent == trial.answer.mirrored:
        return SipAlg.NO, f"the mirror got what was sent ({trial.name})"
    for before, after in zip(sent, came, strict=False):
        if before != after:
            return SipAlg.YES, f"{before!r} arrived as {after!r} ({trial.name})"
    return SipAlg.YES, f"{len(sent)} lines arrived as {len(came)} ({trial.name})"


def _worst(name: str, pieces: list[Piece]) -> Evidence:
    """A yes before a no, a no before nothing."""
    for wanted in (SipAlg.YES, SipAlg.NO, SipAlg.NOT_CHECKED):
        for verdict, text in pieces:
            if verdict is wanted:
                return Evidence(name, verdict, text)
    return Evidence(name, SipAlg.NOT_CHECKED, "no SIP server to ask")


def _port_5060(via: list[tuple[_Trial, Piece]], mirror: list[tuple[_Trial, Piece]]) -> Evidence:
    """Silence on 5060 alone may as well be a filter, so it is told but decides nothing."""
    name = "port-5060"
    answered = {trial.uses_sip_port for trial, _ in via if trial.answer is not None}
    if answered == {False}:
        return Evidence(name, SipAlg.NOT_CHECKED, "no answer on port 5060 but on another one: a filter or a gateway")
    if answered != {True, False}:
        return Evidence(name, SipAlg.NOT_CHECKED, "no SIP server answers on another port than 5060")
    comparable = [pair for pair in (_by_port(via), _by_port(mirror)) if all(pair)]
    if not comparable:
        return Evidence(name, SipAlg.NOT_CHECKED, "nothing is known of port 5060 and of another one alike")
    if all(on_sip_port == elsewhere for on_sip_port, elsewhere in comparable):
        return Evidence(name, SipAlg.NO, "port 5060 and another one are treated alike")
    return Evidence(name, SipAlg.YES, "SIP is changed on port 5060 and not on another one, or the other way round")


def _by_port(pieces: list[tuple[_Trial, Piece]]) -> tuple[set[SipAlg], set[SipAlg]]:
    """What was seen on port 5060, and elsewhere. Not every server is a mirror: what was not checked says nothing."""
    seen = [(trial.uses_sip_port, verdict) for trial, (verdict, _) in pieces if verdict is not SipAlg.NOT_CHECKED]
    return {verdict for on, verdict in seen if on}, {verdict for on, verdict in seen if not on}


def _helper(state: HelperState | None) -> Evidence:
    if state is None or state.is_attached is None:
        text = state.text if state is not None else "this host is not the router, or cannot read its ruleset"
        return Evidence("helper", SipAlg.NOT_CHECKED, text)
    return Evidence("helper", SipAlg.YES if state.is_attached else SipAlg.NO, state.text)
