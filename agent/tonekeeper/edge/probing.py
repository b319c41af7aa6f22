"""What is said on a path: OPTIONS leave, replies are decoded, the rest is ignored with a reason, a flood only counted.

What holds a branch of ours is always decoded; of everything else only as much as the allowance permits. The others are
counted and reported once a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from tonekeeper.core.commands import SendOptions
from tonekeeper.core.events import DatagramIgnored, Event, ReplyReceived, ServerDescribed
from tonekeeper.core.site import Path
from tonekeeper.edge.allowance import Allowance
from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.render import render_options
from tonekeeper.wire.sip.reply import SipReply, decode_reply
from tonekeeper.wire.sip.self_description import SelfDescription, decode_self_description

STRANGERS_PER_SECOND = 20
"""Messages without a branch of ours that are decoded, to say what they are; as many again may come in a burst."""
DROPPED_EVERY = 1.0
"""Seconds between two reports of what was dropped undecoded."""

DESCRIBED_EVERY = 600.0
"""Seconds from one look at what a server says of itself to the next."""

_BRANCHES_REMEMBERED = 8

Report = Callable[[Event], None]


class Probing:
    """Of one path. To be closed with it."""

    def __init__(self, path: Path, report: Report, loop: asyncio.AbstractEventLoop) -> None:
        self._path = path
        self._report = report
        self._loop = loop
        self._branches: deque[bytes] = deque(maxlen=_BRANCHES_REMEMBERED)
        self._allowance = Allowance(STRANGERS_PER_SECOND, STRANGERS_PER_SECOND, loop.time())
        self._describe_at = 0.0
        self._description: SelfDescription | None = None
        self._dropped = 0
        self._dropped_bytes = 0
        self._dropped_report: asyncio.TimerHandle | None = None

    @property
    def latest_branch(self) -> str:
        """Empty where nothing was sent."""
        return self._branches[-1].decode() if self._branches else ""

    def request(self, command: SendOptions, local: Endpoint) -> bytes:
        """The OPTIONS to send from `local`; replies to it are known from now on."""
        self._branches.append(command.branch.encode())
        return render_options(
            request_host=command.request_host,
            address=self._path.address,
            transport=self._path.transport,
            local=local,
            branch=command.branch,
            from_tag=command.from_tag,
            call_id=command.call_id,
            cseq=command.cseq,
            user_agent=command.user_agent,
        )

    def take(self, data: bytes, source: Endpoint) -> None:
        """One datagram, or one message of a stream."""
        if not any(branch in data for branch in self._branches) and not self._allowance.take(self._loop.time()):
            self._drop(data)
            return
        try:
            reply = decode_reply(data)
        except DecodeError as error:
            self._report(DatagramIgnored(self._path, source, str(error), len(data)))
        else:
            self._report(ReplyReceived(self._path, source, reply))
            self._describe(data, reply)

    def _describe(self, data: bytes, reply: SipReply) -> None:
        """Servers say the same of themselves in every reply, so that only one now and then is read for it."""
        if reply.status < 200 or self._loop.time() < self._describe_at or reply.branch.encode() not in self._branches:
            return
        self._describe_at = self._loop.time() + DESCRIBED_EVERY
        description = decode_self_description(data)
        if description != self._description:
            self._description = description
            self._report(ServerDescribed(self._path, description))

    def close(self) -> None:
        """Nothing is reported from now on."""
        if self._dropped_report is not None:
            self._dropped_report.cancel()

    def _drop(self, data: bytes) -> None:
        self._dropped += 1
        self._dropped_bytes += len(data)
        if self._dropped_report is None:
            self._dropped_report = self._loop.call_later(DROPPED_EVERY, self._report_dropped)

    def _report_dropped(self) -> None:
        reason = f"{self._dropped} messages without a branch of ours not decoded: more than {STRANGERS_PER_SECOND}/s"
        size = self._dropped_bytes
        self._dropped_report, self._dropped, self._dropped_bytes = None, 0, 0
        self._report(DatagramIgnored(self._path, self._path.address, reason, size))
