"""Answers to Digest challenges (RFC 3261 section 22, RFC 7616, RFC 8760; RFC 2617 for servers without qop).

An answer proves that the password is known and does not contain it. The nonce of the client comes from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tonekeeper.wire.secret import Secret
from tonekeeper.wire.sip.challenge import Challenge

ALGORITHMS = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
"""Strongest first; each also as -sess. The name of the hash in hashlib."""

_SESS = "-SESS"


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: Secret


def strongest(challenges: Sequence[Challenge]) -> Challenge | None:
    """The one to answer: of the best algorithm that we know, the first; None if there is none.

    RFC 8760 section 2.4 takes the topmost one unless a policy says otherwise. This is ours: who puts a weaker one above
    it, server or forger, does not get an answer that is easier to break.
    """
    known = [challenge for challenge in challenges if can_answer(challenge)]
    order = list(ALGORITHMS)
    return min(known, key=lambda challenge: order.index(_hash_of(challenge)), default=None)


def can_answer(challenge: Challenge) -> bool:
    """Whether both its algorithm and its qop are known here."""
    return _hash_of(challenge) in _available() and (not challenge.qop or _qop(challenge) != "")


def answer(
    challenge: Challenge,
    credentials: Credentials,
    *,
    method: str,
    uri: str,
    cnonce: str,
    nonce_count: int = 1,
    body: bytes = b"",
) -> str:
    """The value of Authorization or Proxy-Authorization for a request whose Request-URI is `uri`.

    `nonce_count`: 1 for the first request with this nonce, then one more each time. `ValueError` for a challenge that
    `can_answer` denies.
    """
    if not can_answer(challenge):
        raise ValueError(f"cannot answer a challenge of algorithm {challenge.algorithm!r}, qop {challenge.qop!r}")
    digest = _digest_with(ALGORITHMS[_hash_of(challenge)])
    qop, is_session = _qop(challenge), challenge.algorithm.upper().endswith(_SESS)
    secret = digest(f"{credentials.user}:{challenge.realm}:{credentials.password.reveal()}".encode())
    if is_session:
        secret = digest(f"{secret}:{challenge.nonce}:{cnonce}".encode())
    asked = f"{method}:{uri}" + (f":{digest(body)}" if qop == "auth-int" else "")
    counted = f"{nonce_count:08x}:{cnonce}:{qop}:" if qop else ""
    response = digest(f"{secret}:{challenge.nonce}:{counted}{digest(asked.encode())}".encode())
    return "Digest " + ", ".join(
        (
            f'username="{_quoted(credentials.user)}"',
            f'realm="{challenge.realm}"',
            f'nonce="{challenge.nonce}"',
            f'uri="{uri}"',
            f'response="{response}"',
            f"algorithm={challenge.algorithm}",
            *([f'cnonce="{cnonce}"'] if qop or is_session else []),
            *([] if challenge.opaque is None else [f'opaque="{challenge.opaque}"']),
            *([f"qop={qop}", f"nc={nonce_count:08x}"] if qop else []),
        )
    )


def _hash_of(challenge: Challenge) -> str:
    return challenge.algorithm.upper().removesuffix(_SESS)


def _qop(challenge: Challenge) -> str:
    """The protection that is answered with; empty where the server names none, or none that we know."""
    offered = [option.lower() for option in challenge.qop]
    return next((option for option in ("auth", "auth-int") if option in offered), "")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _digest_with(name: str) -> Callable[[bytes], str]:
    import hashlib  # noqa: PLC0415 - loads OpenSSL, rarely needed

    def digest(data: bytes) -> str:
        return hashlib.new(name, data, usedforsecurity=False).hexdigest()

    return digest


def _available() -> frozenset[str]:
    import hashlib  # noqa: PLC0415 - as above

    return frozenset(known for known, name in ALGORITHMS.items() if name in hashlib.algorithms_available)
