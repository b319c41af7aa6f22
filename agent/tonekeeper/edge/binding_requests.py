"""STUN on the UDP socket of a path (RFC 5626 section 8): binding requests that leave, and answers to them among SIP.

Loaded with the first request; most SBCs are never asked.
"""

from __future__ import annotations

from collections import deque

from tonekeeper.core.events import BindingResponseReceived, DatagramIgnored, Event
from tonekeeper.core.site import Path
from tonekeeper.core.stun_keepalive import MOST_TRIES
from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.codec import HEADER, decode_stun, encode_stun, looks_like_stun
from tonekeeper.wire.stun.message import BINDING, StunClass, binding_request


class BindingRequests:
    """Of one path."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._asked: deque[bytes] = deque(maxlen=MOST_TRIES)

    def request(self, transaction_id: str) -> bytes:
        """The request to send; its answer is known from now on."""
        asked = bytes.fromhex(transaction_id)
        self._asked.append(asked)
        return encode_stun(binding_request(asked))

    def understand(self, data: bytes, source: Endpoint) -> Event | None:
        """What a datagram with a transaction id of ours says; None for every other one. An answer counts once."""
        transaction_id = data[8:HEADER]
        if not looks_like_stun(data) or transaction_id not in self._asked:
            return None
        try:
            message = decode_stun(data)
        except DecodeError as error:
            return DatagramIgnored(self._path, source, str(error), len(data))
        if (message.stun_class, message.method) != (StunClass.SUCCESS, BINDING) or message.mapped is None:
            error_code = "" if message.error is None else f", error {message.error.code}"
            reason = f"cannot use this STUN {message.stun_class.name.lower()}{error_code}: it says no mapped address"
            return DatagramIgnored(self._path, source, reason, len(data))
        self._asked.remove(transaction_id)
        return BindingResponseReceived(self._path, source, transaction_id.hex(), message.mapped)
