"""A world for deep probes: virtual time, a line that delays and loses, and an SBC that plays its part by default.

`Sbc` challenges, registers, calls back voice and notifies of messages; what a test wants otherwise it says by replacing
one of its `on_...` methods, or by `answers`.
"""

from __future__ import annotations

import heapq
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tonekeeper.core.depth.messages import (
    Command,
    Event,
    MediaOpened,
    OpenMedia,
    OpenSignalling,
    RtpReceived,
    SendRtp,
    SendSip,
    SignallingOpened,
    SipReceived,
)
from tonekeeper.core.depth.probe import DepthProbe
from tonekeeper.core.depth.question import Question
from tonekeeper.core.depth.result import DepthResult
from tonekeeper.core.machine import DeadlineReached, Finished
from tonekeeper.core.site import Depth, Transport
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.rtp import RtpPacket
from tonekeeper.wire.sdp import render_offer
from tonekeeper.wire.secret import Secret
from tonekeeper.wire.sip.challenge import Challenge
from tonekeeper.wire.sip.digest import Credentials, answer
from tonekeeper.wire.sip.message import Request, decode_message, decode_request, render_message
from tonekeeper.wire.sip.render import render_response

SERVER, HERE = Endpoint("203.0.113.2", 5060), Endpoint("192.0.2.10", 40000)
MEDIA_HERE, MEDIA_THERE = Endpoint("192.0.2.10", 40002), Endpoint("203.0.113.2", 30000)
PASSWORD = "correct horse"
TAG = "b1"
DELAY = 0.01
"""Seconds one way."""

Sent = tuple[float, bytes]


def question(depth: Depth, **changes: object) -> Question:
    asked = Question(
        depth=depth,
        server=SERVER,
        transport=Transport.UDP,
        request_host="sbc.example.net",
        user="100",
        credentials=Credentials("100", Secret(PASSWORD)),
        target="600" if depth is Depth.CALL else "",
    )
    return replace(asked, **changes)


@dataclass
class Line:
    """`loses(sent)`: whether the packet of this number, counted over both ways, is lost."""

    loses: Callable[[int], bool] = lambda number: False
    delay: float = DELAY


class Sbc:
    def __init__(self, *, algorithm: str = "MD5", proxy: bool = False, challenges: bool = True) -> None:
        self.algorithm = algorithm
        self.status, self.field, self.answer_field = (
            (407, "Proxy-Authenticate", "proxy-authorization") if proxy else (401, "WWW-Authenticate", "authorization")
        )
        self.challenges = challenges
        self.requests: list[Request] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        """Said to the next requests that are not ACK, before anything else is looked at."""
        self.bindings: dict[str, int] = {}
        self.nonce = "nonce-1"
        self.answered_calls = 0
        self.ended_calls = 0
        self.echo: Callable[[RtpPacket], list[tuple[float, Endpoint, RtpPacket]]] = lambda packet: [
            (0.0, MEDIA_THERE, packet)
        ]

    # --- what comes in

    def hear(self, data: bytes) -> list[Sent]:
        message = decode_message(data)
        if not isinstance(message, Request):
            return []
        self.requests.append(message)
        if message.method == "ACK":
            return []
        if self.answers:
            status, headers = self.answers.pop(0)
            return [(0.0, self.reply(message, status, headers))] if status else []
        if self.challenges and message.method not in ("CANCEL",) and not self.knows(message):
            return [(0.0, self.challenge(message))]
        return getattr(self, f"on_{message.method.lower()}")(message)

    def on_register(self, request: Request) -> list[Sent]:
        for contact in request.contacts():
            expires = int(dict(contact.params)["expires"])
            if expires:
                self.bindings[str(contact.uri)] = expires
            else:
                self.bindings.pop(str(contact.uri), None)
        listed = ", ".join(f"<{uri}>;expires={expires}" for uri, expires in self.bindings.items())
        return [(0.0, self.reply(request, 200, {"Contact": listed} if listed else {}))]

    def on_invite(self, request: Request) -> list[Sent]:
        self.answered_calls += 1
        return [
            (0.0, self.reply(request, 100)),
            (0.1, self.reply(request, 180)),
            (0.5, self.reply(request, 200, {"Contact": "<sip:echo@203.0.113.2:5070>"}, body=self.sdp())),
        ]

    def on_bye(self, request: Request) -> list[Sent]:
        self.ended_calls += 1
        return [(0.0, self.reply(request, 200))]

    def on_cancel(self, request: Request) -> list[Sent]:
        invite = next(known for known in reversed(self.requests) if known.method == "INVITE")
        return [(0.0, self.reply(request, 200)), (0.0, self.reply(invite, 487))]

    def on_subscribe(self, request: Request) -> list[Sent]:
        return [(0.0, self.reply(request, 200, {"Expires": "0"})), (0.1, self.notify(request))]

    # --- what goes out

    def reply(
        self, request: Request, status: int, headers: dict[str, str] | None = None, body: bytes = b"", tag: str = TAG
    ) -> bytes:
        fields = {"Server": "lab", **(headers or {})}
        return render_response(request, status, "As Told", received=None, headers=fields.items(), to_tag=tag, body=body)

    def challenge(self, request: Request, **changes: object) -> bytes:
        asked = replace(Challenge("example.net", self.nonce, self.algorithm, ("auth",)), **changes)
        return self.reply(request, self.status, {self.field: str(asked)})

    def knows(self, request: Request) -> bool:
        given = request.header(self.answer_field)
        if given is None:
            return False
        found = dict(re.findall(r'(\w+)="?([^",]*)', given))
        if found["nonce"] != self.nonce:
            return False
        expected = answer(
            Challenge("example.net", self.nonce, self.algorithm, ("auth",)),
            Credentials("100", Secret(PASSWORD)),
            method=request.method,
            uri=found["uri"],
            cnonce=found["cnonce"],
            nonce_count=int(found["nc"], 16),
        )
        return expected == given

    def sdp(self) -> bytes:
        return render_offer(MEDIA_THERE, 1)

    def notify(self, subscribe: Request, body: bytes = b"Messages-Waiting: yes\r\n", **headers: str) -> bytes:
        fields = {
            "Via": "SIP/2.0/UDP 203.0.113.2;branch=z9hG4bKnotify",
            "From": f"<sip:100@sbc.example.net>;tag={TAG}",
            "To": subscribe.header("from") or "",
            "Call-ID": subscribe.call_id,
            "CSeq": "1 NOTIFY",
            "Contact": "<sip:203.0.113.2>",
            "Event": "message-summary",
            "Subscription-State": "terminated;reason=timeout",
            "Content-Type": "application/simple-message-summary",
            **headers,
        }
        return render_message("NOTIFY sip:100@192.0.2.10:40000 SIP/2.0", fields.items(), body)

    def in_dialog(self, method: str) -> bytes:
        """A request of the far end in the call."""
        invite = next(known for known in self.requests if known.method == "INVITE")
        fields = {
            "Via": f"SIP/2.0/UDP 203.0.113.2;branch=z9hG4bK{method}",
            "From": f"<sip:600@sbc.example.net>;tag={TAG}",
            "To": invite.header("from") or "",
            "Call-ID": invite.call_id,
            "CSeq": f"9 {method}",
        }
        return render_message(f"{method} sip:100@192.0.2.10:40000 SIP/2.0", fields.items())


class World:
    """Turns the crank in virtual time until the probe has finished."""

    def __init__(self, asked: Question, sbc: Sbc, line: Line | None = None) -> None:
        self.probe = DepthProbe(asked, started=100.0)
        self.sbc = sbc
        self.line = line or Line()
        self.now = 100.0
        self.sent: list[tuple[float, bytes]] = []
        """SIP, as it left."""
        self.voice: list[RtpPacket] = []
        self.result: DepthResult | None = None
        self._packets = itertools.count()
        self._order = itertools.count()
        self._tokens = itertools.count(1)
        self._coming: list[tuple[float, int, Callable[[], None]]] = []

    @property
    def methods(self) -> list[str]:
        return [decoded.method if isinstance(decoded, Request) else str(decoded.status) for decoded in self.messages]

    @property
    def messages(self):
        return [decode_message(data) for _, data in self.sent]

    def at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._coming, (when, next(self._order), what))

    def say(self, when: float, event: Event) -> None:
        self.at(when, lambda: self.tell(event))

    def run(self) -> DepthResult:
        while self.result is None:
            deadline = self.probe.next_deadline()
            coming = self._coming[0][0] if self._coming else None
            if coming is not None and (deadline is None or coming <= deadline):
                self.now, _, what = heapq.heappop(self._coming)
                what()
                continue
            assert deadline is not None, "it waits for nothing"
            assert deadline < 200.0, "it never ends"
            self.now = max(self.now, deadline)
            self.tell(DeadlineReached(f"{next(self._tokens):032x}"))
        return self.result

    def tell(self, event: Event) -> None:
        for command in self.probe.handle(event, self.now):
            self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        match command:
            case OpenSignalling():
                self.say(self.now, SignallingOpened(HERE))
            case OpenMedia():
                self.say(self.now, MediaOpened(MEDIA_HERE))
            case SendSip():
                self.sent.append((self.now, command.data))
                self._deliver(command.data)
            case SendRtp():
                self.voice.append(command.packet)
                self._echo(command.packet)
            case Finished():
                self.result = command.result

    def _deliver(self, data: bytes) -> None:
        if self.line.loses(next(self._packets)):
            return
        self.at(self.now + self.line.delay, lambda: self.receive(self.sbc.hear(data)))

    def receive(self, answers: list[Sent]) -> None:
        """What the SBC sends from now on."""
        for delay, data in answers:
            if not self.line.loses(next(self._packets)):
                self.say(self.now + delay + self.line.delay, SipReceived(decode_message(data)))

    def _echo(self, packet: RtpPacket) -> None:
        if self.line.loses(next(self._packets)):
            return
        for delay, source, echoed in self.sbc.echo(packet):
            if not self.line.loses(next(self._packets)):
                arrival = self.now + delay + 2 * self.line.delay
                self.say(arrival, RtpReceived(source, echoed, arrival))


def probe(depth: Depth, sbc: Sbc | None = None, line: Line | None = None, **changes: object) -> DepthResult:
    return World(question(depth, **changes), sbc or Sbc(), line).run()


def requests_of(world: World, method: str) -> list[Request]:
    return [decode_request(data) for _, data in world.sent if data.startswith(method.encode() + b" ")]
