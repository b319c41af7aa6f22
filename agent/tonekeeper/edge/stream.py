"""SIP over TCP or TLS: one connection that is opened, verified, read as messages, and ends with a reason.

    start -> connected -> [TLS handshake -> on_tls] -> on_open -> on_message ... -> on_end

Whatever goes wrong before `on_open` ends in `on_end` as well. A certificate that is not acceptable is looked at over a
second connection (edge/tls.py), told by `on_tls`, and then is the end. A ping of the far end is answered (RFC 5626
section 4.4.1). On a stream that cannot be read as SIP any more nothing can be said: it is closed.
"""

from __future__ import annotations

import asyncio
import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tonekeeper.core.events import TlsFacts
from tonekeeper.core.site import TlsPolicy
from tonekeeper.edge.connection import UNANSWERED_WITHIN, Connection, Way
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.framing import PING, PONG, StreamFraming

if TYPE_CHECKING:
    from tonekeeper.edge.tls import Refusal, TlsSession

OPEN_WITHIN = 4.0
"""Seconds that connecting may take, the TLS handshake included; and again, looking at a refused certificate."""

_TLS_OVERHEAD = 256
"""Octets that encryption adds to what fits into the buffer of a connection."""


class StreamListener(Protocol):
    """Called from the loop, or while `start` or a sending method runs; never after `close`, nor after `on_end`."""

    def on_tls(self, facts: TlsFacts) -> None:
        """A handshake came to an end, well (then `on_open` follows) or with a problem (then `on_end`)."""

    def on_open(self, local: Endpoint) -> None: ...
    def on_message(self, data: bytes) -> None:
        """One SIP message, as `decode_message` takes it."""

    def on_pong(self) -> None:
        """The answer to `ping`."""

    def on_end(self, number: int, reason: str) -> None:
        """Not opened, or not open any more: an errno, and a sentence.

        0 where the far end closed it, or where what it said is to blame.
        """


@dataclass(frozen=True, slots=True)
class Secured:
    """A connection is to be TLS."""

    server_name: str
    """Whom the certificate must be for: a name, or a numeric address without brackets."""
    policy: TlsPolicy


class Stream:
    """To be made, used and closed inside the running loop. `local` is known from `on_open` on."""

    def __init__(
        self,
        way: Way,
        listener: StreamListener,
        secured: Secured | None = None,
        *,
        open_within: float = OPEN_WITHIN,
        unanswered_within: float = UNANSWERED_WITHIN,
    ) -> None:
        self._way = way
        self._listener = listener
        self._secured = secured
        self._open_within = open_within
        self._unanswered_within = unanswered_within
        self._loop = asyncio.get_running_loop()
        self._connection: Connection | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tls: TlsSession | None = None
        self._refusal: Refusal | None = None
        self._framing = StreamFraming()
        self._pongs_told = 0
        self._pings_answered = 0
        self._closed = False
        self.is_open = False
        self.local = Endpoint("", 0)

    def start(self) -> None:
        self._timer = self._loop.call_later(self._open_within, self._too_late)
        try:
            self._tls = self._session()
        except EdgeError as error:
            self._end(error.errno, str(error))
            return
        self._connection = Connection(
            self._way,
            connected=self._connected,
            take=self._take,
            ended=self._failed,
            unanswered_within=self._unanswered_within,
        )
        self._connection.start()

    def send(self, data: bytes) -> int:
        """0, or the errno with which it was refused whole: ENOTCONN, ENOBUFS, or what ended the stream just now."""
        if self._connection is None or not self.is_open:
            return errno.ENOTCONN
        if len(data) + _TLS_OVERHEAD > self._connection.room:
            return errno.ENOBUFS
        if self._tls is None:
            return self._connection.write(data)
        self._tls.encrypt(data)
        if self._tls.ended:
            self._end(0, self._tls.ended)
            return errno.EPIPE
        return self._connection.write(self._tls.leaving())

    def ping(self) -> int:
        """As `send`. The answer comes to nobody's notice; without one the connection ends as it does for any data."""
        return self.send(PING)

    def close(self) -> None:
        """At once. Nothing is called from now on."""
        if self._closed:
            return
        if self._tls is not None and self._connection is not None and self.is_open:
            self._tls.close()
            self._connection.write(self._tls.leaving())
        self._closed = True
        self.is_open = False
        if self._timer is not None:
            self._timer.cancel()
        if self._connection is not None:
            self._connection.close()

    def _session(self) -> TlsSession | None:
        """One that trusts anybody, once a certificate was refused."""
        if self._secured is None:
            return None
        from tonekeeper.edge.tls import TlsSession  # noqa: PLC0415  OpenSSL, for those only who use it

        return TlsSession(self._secured.policy, self._secured.server_name, trusting=self._refusal is not None)

    def _connected(self, local: Endpoint) -> None:
        self.local = local
        if self._tls is None:
            self._opened()
        else:
            self._shake(self._tls, b"")

    def _take(self, data: bytes) -> None:
        if self._tls is None:
            self._read(data)
        elif self.is_open:
            self._read_secured(self._tls, data)
        else:
            self._shake(self._tls, data)

    def _shake(self, tls: TlsSession, data: bytes) -> None:
        try:
            done = tls.shake(data)
        except EdgeError as error:
            self._flush(tls)
            self._failed(0, str(error))
            return
        self._flush(tls)
        if self._closed:
            return
        if tls.refusal is not None:
            self._look_closer(tls.refusal)
        elif done:
            self._judge(tls.facts(self._refusal))

    def _look_closer(self, refusal: Refusal) -> None:
        """The certificate that was refused is gone with its handshake: ask for it once more."""
        self._refusal = refusal
        if self._timer is not None and self._connection is not None:
            self._timer.cancel()
            self._connection.close()
        self.start()

    def _judge(self, facts: TlsFacts) -> None:
        self._listener.on_tls(facts)
        if facts.problem:
            self._end(0, f"its certificate is not acceptable: {facts.problem}")
        elif not self._closed:
            self._opened()

    def _opened(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.is_open = True
        self._listener.on_open(self.local)
        if self._tls is not None and self.is_open:
            self._read_secured(self._tls, b"")

    def _read_secured(self, tls: TlsSession, data: bytes) -> None:
        clear = tls.decrypt(data)
        self._flush(tls)
        self._read(clear)
        if tls.ended:
            self._end(0, tls.ended)

    def _read(self, data: bytes) -> None:
        self._framing.feed(data)
        while not self._closed:
            try:
                message = self._framing.next_message()
            except DecodeError as error:
                self._end(0, f"{self._way.address} speaks no SIP: {error}")
                return
            if message is None:
                self._answer_pings()
                self._tell_pongs()
                return
            self._listener.on_message(message)

    def _answer_pings(self) -> None:
        if self._framing.pings > self._pings_answered:
            self._pings_answered = self._framing.pings
            self.send(PONG)

    def _tell_pongs(self) -> None:
        if self._framing.pongs > self._pongs_told and not self._closed:
            self._pongs_told = self._framing.pongs
            self._listener.on_pong()

    def _flush(self, tls: TlsSession) -> None:
        data = tls.leaving()
        if data and self._connection is not None:
            self._connection.write(data)

    def _too_late(self) -> None:
        doing = f"open {self._way}"
        if self._secured is not None and self.local.port:
            doing = f"agree on TLS with {self._secured.server_name} at {self._way}"
        late = OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        self._failed(errno.ETIMEDOUT, str(EdgeError(f"{doing} within {self._open_within:g} s", late)))

    def _failed(self, number: int, reason: str) -> None:
        """The connection did not come about, or is gone."""
        if self._refusal is not None and self._tls is not None:
            self._judge(self._tls.facts(self._refusal))
        else:
            self._end(number, reason)

    def _end(self, number: int, reason: str) -> None:
        if not self._closed:
            self.close()
            self._listener.on_end(number, reason)
