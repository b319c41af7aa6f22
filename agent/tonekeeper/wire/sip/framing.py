"""Where one SIP message ends and the next begins on a connection (RFC 3261 section 18.3), and the CRLFs in between.

A message ends where its Content-Length says, and on a stream it must say so (20.14). Between messages a CRLF means
nothing (7.5), unless it is a keepalive (RFC 5626 section 3.5.1): two in a row are a ping, one alone is its answer.

Bytes are fed as they come, and messages taken until there is none:

    framing.feed(data)
    while (message := framing.next_message()) is not None: ...

However the bytes are cut, the messages are the same. No byte is looked at twice for a message that is not complete yet.
"""

from __future__ import annotations

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.grammar import parse_number, shown

LARGEST_MESSAGE = 65536
"""Octets, header and body together: as much as a datagram could hold. What is longer is refused unread."""
PING, PONG = b"\r\n\r\n", b"\r\n"
"""RFC 5626 section 4.4.1"""

_LINE_BREAK = b"\r\n"
_END_OF_HEADER = b"\r\n\r\n"
_CONTENT_LENGTH = (b"content-length", b"l")


class StreamFraming:
    """The bytes that came on one connection in one direction."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._begin = 0
        """Where the message that is not complete yet begins."""
        self._searched = 0
        """Before this position no header ends."""
        self._length: int | None = None
        """Of the whole message that begins there; None until its header is complete."""
        self._after_line_break = False
        self._broken: DecodeError | None = None
        self.pings = 0
        """Times that two CRLFs came in a row, so far."""
        self.pongs = 0
        """CRLFs that stood alone, so far. One that came last may yet turn out to be half a ping."""

    def feed(self, data: bytes) -> None:
        """Take what came. To be called when `next_message` has given None: so what is kept stays bounded."""
        if self._broken is None:
            del self._buffer[: self._begin]
            self._searched -= self._begin
            self._begin = 0
            self._buffer += data

    def next_message(self) -> bytes | None:
        """The next complete message, as `decode_message` takes it; None where more has to come first.

        `DecodeError` where nobody can say any more where messages begin; the same again whenever it is called then.
        """
        if self._broken is not None:
            raise self._broken.with_traceback(None)
        try:
            return self._cut()
        except DecodeError as error:
            self._broken = error
            self._buffer.clear()
            raise

    def _cut(self) -> bytes | None:
        if self._length is None:
            self._skip_line_breaks()
            self._length = self._find_length()
        if self._length is None or len(self._buffer) - self._begin < self._length:
            return None
        end = self._begin + self._length
        message = bytes(self._buffer[self._begin : end])
        self._begin = self._searched = end
        self._length = None
        self._after_line_break = False
        return message

    def _skip_line_breaks(self) -> None:
        while self._buffer.startswith(_LINE_BREAK, self._begin):
            self._begin += len(_LINE_BREAK)
            if self._after_line_break:
                self.pongs -= 1
                self.pings += 1
            else:
                self.pongs += 1
            self._after_line_break = not self._after_line_break
        self._searched = max(self._searched, self._begin)

    def _find_length(self) -> int | None:
        """Of the message that begins at `_begin`; None while its header is not complete."""
        limit = self._begin + LARGEST_MESSAGE
        end = self._buffer.find(_END_OF_HEADER, self._searched, limit)
        if end < 0:
            if len(self._buffer) >= limit:
                raise DecodeError("message", f"its header has no end within {LARGEST_MESSAGE} octets")
            self._searched = max(self._begin, len(self._buffer) - len(_END_OF_HEADER) + 1)
            return None
        header = bytes(self._buffer[self._begin : end])
        length = len(header) + len(_END_OF_HEADER) + _content_length(header)
        if length > LARGEST_MESSAGE:
            raise DecodeError("Content-Length", f"a message of {length} octets is longer than {LARGEST_MESSAGE}")
        return length


def _content_length(header: bytes) -> int:
    """What the header promises to follow it, in octets."""
    unfolded = header.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    start_line, *lines = unfolded.split(_LINE_BREAK)
    fields = (line.partition(b":") for line in lines)
    values = [value for name, _, value in fields if name.rstrip(b" \t").lower() in _CONTENT_LENGTH]
    if len(values) != 1:
        found = "none" if not values else f"{len(values)} of them"
        beginning = shown(start_line.decode("latin-1"))
        raise DecodeError("Content-Length", f"the message {beginning} must have one on a stream and has {found}")
    return parse_number("Content-Length", values[0].strip(b" \t").decode("latin-1"), LARGEST_MESSAGE)
