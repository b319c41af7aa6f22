"""One request on its way to a final answer: repetitions over UDP, challenges, and an end to patience.

The client transactions of RFC 3261 section 17.1, with a limit of the probe's own: their 32 s are far too long for a
question that a site waits for. Each challenge that is answered begins the next transaction of the same inquiry.
"""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.depth.authentication import Authentication
from tonekeeper.core.depth.conclusion import Conclusion, conclude
from tonekeeper.core.depth.identifiers import Identifiers
from tonekeeper.core.depth.impression import Impression
from tonekeeper.core.depth.messages import Command, SendSip
from tonekeeper.core.depth.question import Question
from tonekeeper.core.depth.result import DepthVerdict
from tonekeeper.core.instants import NEVER
from tonekeeper.core.site import Transport
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.dialog import Dialog, Sender, render_request
from tonekeeper.wire.sip.message import Headers, Response
from tonekeeper.wire.sip.requests import render_refusal_ack

T1 = 0.5
"""First repetition, seconds (RFC 3261 table 4); each next one waits twice as long."""
T2 = 4.0
"""Longest time between two repetitions, except of INVITE."""


class Signalling:
    """What all requests of one probe share. `garbage`: why something that came was no SIP message."""

    def __init__(self, question: Question, token: str, local: Endpoint) -> None:
        self.question = question
        self.sender = Sender(local, str(question.transport), question.user_agent)
        self.identifiers = Identifiers(token)
        self.authentication = Authentication(question.credentials, self.identifiers)
        self.impression = Impression()
        self.garbage = ""
        self._cseq = 0

    @property
    def is_reliable(self) -> bool:
        return self.question.transport is not Transport.UDP

    def next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq


@dataclass(slots=True)
class _Transaction:
    branch: str
    cseq: int
    data: bytes
    sent_at: float
    interval: float
    repeats_at: float
    repetitions: int = 0
    ack: bytes = b""
    """Of an INVITE that was refused; sent again whenever the refusal is."""


class Inquiry:
    """`conclusion` is None until it is over; `response` is the final answer, if one came, be it too late."""

    def __init__(
        self,
        signalling: Signalling,
        method: str,
        dialog: Dialog,
        *,
        headers: Headers = (),
        body: bytes = b"",
        patience: float,
    ) -> None:
        self.method = method
        self.dialog = dialog
        self.conclusion: Conclusion | None = None
        self.response: Response | None = None
        self.provisional = 0
        """The last provisional status, 0 before one came."""
        self.authorization: Headers = ()
        """As the last request had it."""
        self.round_trip_s: float | None = None
        """From a request that was sent once to the first that was said about it."""
        self._signalling = signalling
        self._headers = headers
        self._body = body
        self._patience = patience
        self._gives_up_at = NEVER
        self._transactions: list[_Transaction] = []

    @property
    def branch(self) -> str:
        """Of the request that was sent last; likewise `cseq`."""
        return self._transactions[-1].branch

    @property
    def cseq(self) -> int:
        return self._transactions[-1].cseq

    def begin(self, now: float) -> list[Command]:
        self._gives_up_at = now + self._patience
        return self._send(now)

    def next_deadline(self) -> float:
        if self.conclusion is not None or not self._transactions:
            return NEVER
        return min(self._gives_up_at, self._transactions[-1].repeats_at)

    def on_deadline(self, now: float) -> list[Command]:
        if self.conclusion is not None:
            return []
        if now >= self._gives_up_at:
            self.conclusion = self._silence()
            return []
        last = self._transactions[-1]
        if now < last.repeats_at:
            return []
        last.repetitions += 1
        last.interval = 2 * last.interval if self.method == "INVITE" else min(2 * last.interval, T2)
        last.repeats_at = now + last.interval
        return [SendSip(last.data)]

    def hear(self, response: Response, now: float) -> list[Command]:
        """What follows from `response`; nothing where it is not an answer to this inquiry."""
        transaction = self._asked_by(response)
        if transaction is None:
            return []
        if transaction is not self._transactions[-1] or self.response is not None:
            return [SendSip(transaction.ack)] if transaction.ack and response.status >= 300 else []
        self._take_time(transaction, now)
        self._signalling.impression.note(response)
        if response.status < 200:
            self.provisional = response.status
            transaction.repeats_at = NEVER if self.method == "INVITE" else now + T2
            return []
        return self._refusal_ack(transaction, response) + self._take_final(response, now)

    def is_answered_by(self, response: Response) -> bool:
        return self._asked_by(response) is not None

    # --- one transaction

    def _send(self, now: float) -> list[Command]:
        signalling = self._signalling
        branch, cseq = signalling.identifiers.branch(), signalling.next_cseq()
        self.authorization = signalling.authentication.headers(self.method, self.dialog.request_uri, self._body)
        data = render_request(
            self.method,
            self.dialog,
            signalling.sender,
            branch=branch,
            cseq=cseq,
            headers=(*self.authorization, *self._headers),
            body=self._body,
        )
        repeats_at = NEVER if signalling.is_reliable else now + T1
        self._transactions.append(_Transaction(branch, cseq, data, now, T1, repeats_at))
        return [SendSip(data)]

    def _asked_by(self, response: Response) -> _Transaction | None:
        """RFC 3261 sections 17.1.3 and 18.1.2, and the dialog on top of them."""
        if len(response.vias) != 1 or response.call_id != self.dialog.call_id:
            return None
        if response.cseq.method != self.method or response.from_.tag != self.dialog.local_tag:
            return None
        wanted = (response.vias[0].branch, response.cseq.number)
        return next((known for known in self._transactions if (known.branch, known.cseq) == wanted), None)

    def _take_time(self, transaction: _Transaction, now: float) -> None:
        if self.round_trip_s is None and not transaction.repetitions:
            self.round_trip_s = now - transaction.sent_at

    def _refusal_ack(self, transaction: _Transaction, response: Response) -> list[Command]:
        if self.method != "INVITE" or response.status < 300:
            return []
        sender, branch, cseq = self._signalling.sender, transaction.branch, transaction.cseq
        transaction.ack = render_refusal_ack(self.dialog, sender, response, branch=branch, cseq=cseq)
        return [SendSip(transaction.ack)]

    # --- the answer

    def _take_final(self, response: Response, now: float) -> list[Command]:
        authentication = self._signalling.authentication
        if response.status in (401, 407) and self.conclusion is None:
            taken = authentication.take(response)
            if not isinstance(taken, Conclusion):
                self._signalling.impression.note_challenge(taken)
                self.provisional = 0
                return self._send(now)
            self.conclusion = taken
        if response.status < 300:
            authentication.accept()
        self.response = response
        self.conclusion = self.conclusion or conclude(response)
        return []

    def _silence(self) -> Conclusion:
        within = f"within {self._patience:g} s"
        if self.provisional > 100:
            reason = f"{self.method} was answered {self.provisional}, and nothing final {within}"
            return Conclusion(DepthVerdict.FAILED, reason)
        reason = f"no answer to {self.method} {within}"
        if self.provisional:
            reason = f"nothing but 100 answers {self.method} {within}"
        garbage = self._signalling.garbage
        return Conclusion(DepthVerdict.UNANSWERED, f"{reason}; what came: {garbage}" if garbage else reason)
