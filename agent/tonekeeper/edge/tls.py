"""TLS by OpenSSL through memory, and what is said about the certificate that it meets.

The chain and the dates are OpenSSL's to judge, the name is judged as SIP wants it (RFC 5922 section 7; wire/x509.py).
OpenSSL does not hand out a certificate that it refused. So what a technician must know of that one is read in a second
handshake, on a connection of its own, which trusts anybody, shows no certificate of ours and carries nothing.

This module brings OpenSSL: it is loaded with the first TLS path and not before.
"""

from __future__ import annotations

import errno
import os
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from tonekeeper.core.events import TlsFacts
from tonekeeper.core.site import TlsPolicy
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.x509 import Certificate, decode_certificate

_LARGEST_RECORD = 16384
_CONTEXTS_KEPT = 8

# The numbers of x509_vfy.h.
_NOT_YET_VALID, _EXPIRED = 9, 10
_NO_ISSUER = (2, 20, 21)
_SELF_SIGNED, _SELF_SIGNED_IN_CHAIN = 18, 19

_REMEDIES = {
    "wrong version number": "what listens there speaks no TLS: check the port",
    "http request": "what listens there speaks no TLS: check the port",
    "certificate required": "it asks for a client certificate: set cert_file and key_file",
    "handshake failure": "it wants another cipher, or a client certificate: set cert_file and key_file",
    "protocol": "it speaks no TLS 1.2 or later",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What OpenSSL has against a certificate."""

    code: int
    """X509_V_ERR_... of x509_vfy.h"""
    message: str


class TlsSession:
    """The client's end of one TLS connection: what arrives is handed in, what is to be sent is taken out."""

    def __init__(self, policy: TlsPolicy, host: str, *, trusting: bool = False) -> None:
        """`trusting` takes any certificate, to look at it. `EdgeError` where a file of `policy` cannot be used."""
        self._host = host = host.rstrip(".")
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = _trusting_context() if trusting else _context(policy, _stamps(policy))
        try:
            self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=host)
        except ValueError as error:
            raise EdgeError(f"ask for a certificate of '{host}'", OSError(errno.EINVAL, str(error))) from None
        self._done = False
        self.refusal: Refusal | None = None
        """Of the certificate that this handshake met."""
        self.ended = ""
        """Why nothing more will come, a sentence; empty while more may come."""

    def shake(self, data: bytes) -> bool:
        """Go on with the handshake; whether it is done. `EdgeError` where the two cannot come to terms.

        Where the certificate is not acceptable `refusal` is set, and nothing follows.
        """
        self._arrived.write(data)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLCertVerificationError as error:
            self.refusal = Refusal(error.verify_code, error.verify_message)
            return False
        except ssl.SSLError as error:
            raise self._alert("agree on TLS", error) from None
        self._done = True
        return True

    def decrypt(self, data: bytes) -> bytes:
        """What is complete of `data` and of what came before it. `ended` may be set after it."""
        self._arrived.write(data)
        clear = bytearray()
        try:
            while piece := self._tls.read(_LARGEST_RECORD):
                clear += piece
            self.ended = f"{self._host} closed the connection"
        except ssl.SSLWantReadError:
            return bytes(clear)
        except ssl.SSLError as error:
            self.ended = str(self._alert("go on in TLS", error))
        return bytes(clear)

    def encrypt(self, data: bytes) -> None:
        """Nothing of it is sent before it is taken out. After the handshake only; `ended` may be set after it."""
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            self.ended = str(self._alert("go on in TLS", error))

    def leaving(self) -> bytes:
        """Take out what is to be sent now; empty where nothing is."""
        return self._leaving.read()

    def close(self) -> None:
        """Say goodbye, which is then to be taken out; nobody waits for the answer."""
        with suppress(ssl.SSLError):
            self._tls.unwrap()

    def facts(self, refusal: Refusal | None = None) -> TlsFacts:
        """Of the handshake as far as it came; `refusal` is that of the one before it, where this one is trusting."""
        der = self._tls.getpeercert(binary_form=True) if self._done else None
        cipher = self._tls.cipher()
        certificate, unreadable = _decoded(der) if der else (None, "")
        now = time.time()
        return TlsFacts(
            problem=unreadable or problem_of(certificate, self._host, refusal, now),
            version=self._tls.version() or "",
            cipher=cipher[0] if cipher else "",
            subject=certificate.subject if certificate else "",
            issuer=certificate.issuer if certificate else "",
            expires_in_s=certificate.not_after - now if certificate else None,
            begins_in_s=certificate.not_before - now if certificate else None,
        )

    def _alert(self, doing: str, error: ssl.SSLError) -> EdgeError:
        said = (error.reason or str(error)).replace("_", " ").lower()
        remedy = next((remedy for sign, remedy in _REMEDIES.items() if sign in said), "")
        return EdgeError(f"{doing} with {self._host}", OSError(said), remedy=remedy)


def problem_of(certificate: Certificate | None, host: str, refusal: Refusal | None, now: float) -> str:
    """Why `certificate` is not acceptable for `host`, for a person; empty where it is. `now` is Unix time.

    None: the certificate could not be seen, so only what OpenSSL said is known.
    """
    if certificate is None:
        return refusal.message if refusal else ""
    problems = [_date_problem(certificate, now)]
    if refusal is not None and not (problems[0] and refusal.code in (_EXPIRED, _NOT_YET_VALID)):
        problems.insert(0, _chain_problem(refusal, certificate.issuer))
    if not certificate.is_for(host):
        others = ", ".join((*certificate.identities, *certificate.addresses)) or "nobody"
        problems.append(f"it is for {others}, not for {host}")
    return "; ".join(filter(None, problems))


def _date_problem(certificate: Certificate, now: float) -> str:
    if now > certificate.not_after:
        return f"it expired on {_date(certificate.not_after)}, {_span(now - certificate.not_after)} ago"
    if now < certificate.not_before:
        begins = f"it is valid from {_date(certificate.not_before)}, in {_span(certificate.not_before - now)}"
        return f"{begins}: is the clock of this device right?"
    return ""


def _chain_problem(refusal: Refusal, issuer: str) -> str:
    match refusal.code:
        case code if code in _NO_ISSUER:
            return f"its issuer '{issuer}' is not known: set ca_file, or let the server send the whole chain"
        case code if code == _SELF_SIGNED:
            return "it is self-signed: set ca_file to it, if it is the right one"
        case code if code == _SELF_SIGNED_IN_CHAIN:
            return "its chain ends in a root that is not trusted: set ca_file to that root"
        case code if code == _EXPIRED:
            return "a certificate above it in its chain has expired"
        case code if code == _NOT_YET_VALID:
            return "a certificate above it in its chain is not valid yet"
        case _:
            return refusal.message


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _span(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return "a moment"


def _decoded(der: bytes) -> tuple[Certificate | None, str]:
    """The certificate, or why it cannot be read."""
    try:
        return decode_certificate(der), ""
    except DecodeError as error:
        return None, str(error)


def _stamps(policy: TlsPolicy) -> tuple[int, ...]:
    """When the files of `policy` were written: a certificate that was renewed is used by the next connection."""
    files = [file for file in (policy.ca_file, policy.cert_file, policy.key_file) if file]
    stamps = []
    for file in files:
        try:
            stamps.append(os.stat(file).st_mtime_ns)
        except OSError as error:
            raise EdgeError(f"read '{file}'", error, remedy="it is named in [sbc.tls]") from None
    return tuple(stamps)


@lru_cache(maxsize=_CONTEXTS_KEPT)
def _context(policy: TlsPolicy, stamps: tuple[int, ...]) -> ssl.SSLContext:
    context = _client_context()
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        if policy.ca_file:
            context.load_verify_locations(policy.ca_file)
        else:
            context.load_default_certs()
    except OSError as error:
        raise _unusable(policy.ca_file, error, "it must hold the root's certificate as PEM") from None
    if policy.cert_file:
        try:
            context.load_cert_chain(policy.cert_file, policy.key_file or None, password=_no_password)
        except (OSError, ValueError) as error:
            remedy = "it must hold our certificate and its key, or key_file the key, as PEM without a password"
            raise _unusable(policy.cert_file, error, remedy) from None
    return context


@lru_cache(maxsize=1)
def _trusting_context() -> ssl.SSLContext:
    context = _client_context()
    context.verify_mode = ssl.CERT_NONE
    return context


def _client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # so that sending never has to wait for what arrives
    context.check_hostname = False  # a name is judged by RFC 5922
    return context


def _no_password() -> str:
    raise ValueError("its key has a password")


def _unusable(file: str, error: OSError | ValueError, remedy: str) -> EdgeError:
    """Not the far end's fault, so never without an errno."""
    number = errno.EINVAL if isinstance(error, ssl.SSLError | ValueError) else error.errno
    return EdgeError(f"use '{file}'", OSError(number, str(error)), remedy=remedy)
