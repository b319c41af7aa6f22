"""Who gets a body by gzip, and that it is the same body."""

from __future__ import annotations

import gzip
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.faces.http.compression import WORTH_IT, compressed, takes_gzip
from tonekeeper.faces.http.message import HttpRequest, HttpResponse

LONG = b"tonekeeper " * 1000


def answered(accept_encoding: str | None, body: bytes = LONG, vary: str = "") -> HttpResponse:
    headers = {} if accept_encoding is None else {"accept-encoding": accept_encoding}
    response = HttpResponse(HTTPStatus.OK, "text/plain", body, (("Vary", vary),) if vary else ())
    return compressed(HttpRequest("GET", "/", headers=headers), response)


@pytest.mark.parametrize(
    "field",
    ["gzip", "GZIP", "x-gzip", "*", "br, gzip", "gzip;q=0.1", "identity, gzip ; q=1.0", "*;q=0.5", "gzip, *;q=0"],
)
def test_who_takes_gzip_gets_gzip(field):
    response = answered(field)

    assert ("Content-Encoding", "gzip") in response.headers
    assert gzip.decompress(response.body) == LONG
    assert len(response.body) < len(LONG) / 10


@pytest.mark.parametrize("field", [None, "", "identity", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=much"])
def test_who_does_not_gets_it_as_it_is(field):
    response = answered(field)

    assert response.body == LONG
    assert "Content-Encoding" not in dict(response.headers)


@pytest.mark.parametrize("field", ["gzip", "identity"])
def test_a_cache_is_told_that_the_coding_decides_whichever_was_sent(field):
    assert dict(answered(field).headers)["Vary"] == "Accept-Encoding"
    assert [value for name, value in answered(field, vary="Accept").headers if name == "Vary"] == [
        "Accept, Accept-Encoding"
    ]


def test_a_short_body_stays_as_it_is():
    response = answered("gzip", LONG[:WORTH_IT])
    assert (response.body, response.headers) == (LONG[:WORTH_IT], ())


@given(st.text(max_size=60))
def test_any_field_is_understood_or_passed_over(field):
    assert takes_gzip(field) in (True, False)
