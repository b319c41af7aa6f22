"""Who may ask: the holder of the one token in `[http] token_file`.

Programs send it as a bearer token (RFC 6750); a browser asks its user, and sends it as the password of any user
name (RFC 7617).
"""

from __future__ import annotations

import binascii

from tonekeeper.faces.http.message import HttpRequest

CHALLENGE = (
    ("WWW-Authenticate", 'Bearer realm="tonekeeper"'),
    ("WWW-Authenticate", 'Basic realm="tonekeeper, any name, the token as password"'),
)


def carries_token(request: HttpRequest, token: str) -> bool:
    """Whether the Authorization field of `request` holds `token`; compared in constant time."""
    import hmac  # noqa: PLC0415 - loads OpenSSL, for those only who use a token

    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    given = credentials.strip().encode("latin-1")
    if scheme.lower() == "basic":
        try:
            given = binascii.a2b_base64(given).partition(b":")[2]
        except binascii.Error:
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given, token.encode())
