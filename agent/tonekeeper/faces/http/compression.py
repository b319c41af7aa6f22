"""Bodies by gzip, for who says that they take it (RFC 9110 section 12.5.3)."""

from __future__ import annotations

import zlib
from dataclasses import replace

from tonekeeper.faces.http.message import Headers, HttpRequest, HttpResponse

WORTH_IT = 1000
"""Bytes of body; a shorter answer fits into a packet or two as it is."""
LEVEL = 3
"""Of zlib: as quick as 1 for the report and the metrics, while 6 takes three times as long to save a tenth more."""
_GZIP = 16 + 15
"""zlib's window, with gzip's header around it."""


def compressed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """`response`, as short as `request` lets it be."""
    if len(response.body) <= WORTH_IT:
        return response
    headers = _varying(response.headers)
    if not takes_gzip(request.headers.get("accept-encoding", "")):
        return replace(response, headers=headers)
    return replace(response, body=gzip(response.body), headers=(*headers, ("Content-Encoding", "gzip")))


class Squeezer:
    """A body that comes in pieces."""

    def __init__(self) -> None:
        self._object = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)

    def squeeze(self, piece: bytes) -> bytes:
        """May be empty: what is in it comes later."""
        return self._object.compress(piece)

    def finish(self) -> bytes:
        return self._object.flush()


def gzip(body: bytes) -> bytes:
    squeezer = Squeezer()
    return squeezer.squeeze(body) + squeezer.finish()


def takes_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding field lets the answer be by gzip; who says nothing may not know it."""
    qualities: dict[str, float] = {}
    for part in accept_encoding.split(","):
        coding, _, parameters = part.partition(";")
        qualities[coding.strip().lower()] = _quality(parameters)
    return qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0))) > 0.0


def _quality(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _varying(headers: Headers) -> Headers:
    """A cache must ask again for who takes another coding."""
    vary = ", ".join((*(value for name, value in headers if name == "Vary"), "Accept-Encoding"))
    return (*((name, value) for name, value in headers if name != "Vary"), ("Vary", vary))
