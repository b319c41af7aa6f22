"""HTTPS: the agent's certificate, renewed under way, and TLS between a socket and an `HttpPeer`.

A pair of files that is renewed is in two writes, and the first leaves a certificate without its key. So a new pair is
tried apart, and the one in use stays until the new one works. Who is connected keeps what the handshake agreed on.

A peer is counted, and can be let go, from the moment it connects, not only when its handshake is done: TLS runs
through memory here, because asyncio's own would hold 256 KiB for each one that shakes hands and tell nobody of it.

This module brings OpenSSL: it is loaded with the first certificate and not before.
"""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tonekeeper.errors import EdgeError
from tonekeeper.faces.http.server import HttpPeer

_LARGEST_RECORD = 16384
_SEE = "see [http] tls_cert, tls_key and client_ca"

CallLater = Callable[[float, Callable[[], None]], asyncio.TimerHandle]


class Certificates:
    """The chain in `certificate` and its `key`; clients need a certificate of `client_ca`, where there is one. PEM."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None = None) -> None:
        """`EdgeError` where they cannot be used."""
        self._certificate = certificate
        self._key = key
        self._client_ca = client_ca
        self._stamps = self._look()
        self._context = self._read()

    def renew(self) -> bool:
        """Use the files as they are now; whether anything of them is new.

        `EdgeError` once for each state of the files that cannot be used; what was in use before stays.
        """
        if (stamps := self._look()) == self._stamps:
            return False
        self._stamps = stamps
        self._context = self._read()
        return True

    def cover(self, peer: HttpPeer, handshake_time: float, call_later: CallLater) -> TlsPeer:
        """`peer` behind TLS, with the certificate that is in use now."""
        return TlsPeer(self._context, peer, handshake_time, call_later)

    def _look(self) -> tuple[object, ...]:
        return tuple(map(_stamp, (self._certificate, self._key, self._client_ca)))

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION  # so that sending never has to wait for what arrives
        try:
            context.load_cert_chain(self._certificate, self._key, password=_no_password)
        except (OSError, ValueError) as error:
            raise _unusable(f"'{self._certificate}' with '{self._key}'", error) from None
        if self._client_ca is not None:
            try:
                context.load_verify_locations(self._client_ca)
            except OSError as error:
                raise _unusable(f"'{self._client_ca}'", error) from None
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class TlsPeer(asyncio.Protocol):
    """One accepted connection: TLS towards the socket, clear text towards `peer`."""

    def __init__(self, context: ssl.SSLContext, peer: HttpPeer, handshake_time: float, call_later: CallLater) -> None:
        self._peer = peer
        self._handshake_time = handshake_time
        self._call_later = call_later
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_side=True)
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._is_agreed = False
        self._has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._timer = self._call_later(self._handshake_time, transport.abort)
        self._peer.connection_made(_ClearTransport(self, transport))

    def data_received(self, data: bytes) -> None:
        if self._has_ended:
            return  # only the peer's end of the connection is waited for, until a timer runs out
        self._arrived.write(data)
        try:
            if self._is_agreed or self._shake():
                self._read()
        except ssl.SSLError:
            self._has_ended = True
            self._send()  # the alert that says why; closing over what still arrives would take it back
            if not self._transport.is_closing():
                self._transport.write_eof()

    def eof_received(self) -> bool:
        return self._is_agreed and self._peer.eof_received()

    def pause_writing(self) -> None:
        self._peer.pause_writing()

    def resume_writing(self) -> None:
        self._peer.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._peer.connection_lost(exc)

    def write(self, clear: bytes) -> None:
        """Nobody can be told anything before the handshake is done."""
        if self._is_agreed and not self._has_ended:
            self._tls.write(clear)
            self._send()

    def say_goodbye(self) -> None:
        """Nothing is written after it, and what still comes is passed over."""
        if self._is_agreed and not self._has_ended:
            with suppress(ssl.SSLError):  # the answer is not waited for
                self._tls.unwrap()
            self._send()
        self._has_ended = True

    def _shake(self) -> bool:
        try:
            self._tls.do_handshake()
            self._is_agreed = True
            self._disarm()
        except ssl.SSLWantReadError:
            pass
        self._send()
        return self._is_agreed

    def _read(self) -> None:
        try:
            while not self._has_ended and (clear := self._tls.read(_LARGEST_RECORD)):
                self._peer.data_received(clear)
        except ssl.SSLWantReadError:
            return
        if not self._has_ended and not self._peer.eof_received():
            self._transport.close()

    def _send(self) -> None:
        if (data := self._leaving.read()) and not self._transport.is_closing():
            self._transport.write(data)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None


class _ClearTransport(asyncio.Transport):
    """What a `HttpPeer` takes for its socket."""

    def __init__(self, tls: TlsPeer, transport: asyncio.Transport) -> None:
        super().__init__()
        self._tls = tls
        self._transport = transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._tls.write(bytes(data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._tls.say_goodbye()
        self._transport.write_eof()

    def close(self) -> None:
        self._tls.say_goodbye()
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()


def _stamp(file: Path | None) -> object:
    """What differs after a renewal, be it in place or by a rename; None where the file is not there."""
    if file is None:
        return None
    try:
        seen = os.stat(file)
    except OSError as error:
        return error.errno
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


def _no_password() -> str:
    raise ValueError("the key has a password")


def _unusable(files: str, error: OSError | ValueError) -> EdgeError:
    """Never without an errno: a wrong file is as much a failure as a missing one."""
    number = errno.EINVAL if isinstance(error, ssl.SSLError | ValueError) else error.errno
    reason = getattr(error, "reason", "") or str(error)
    detail = f" ({reason.replace('_', ' ').lower()})" if number == errno.EINVAL else ""
    return EdgeError(f"use {files} for HTTPS{detail}", OSError(number, ""), remedy=_SEE)
