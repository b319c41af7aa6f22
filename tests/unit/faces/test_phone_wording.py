"""What a person is told of the phones of a site."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.faces import reports
from tonekeeper.faces.phone_wording import phones
from tonekeeper.faces.text import render_text


def test_phones_are_counted_by_kind_and_those_that_are_refused_are_named():
    assert phones(reports.phones()) == [
        "3 found: 2 Yealink T46U, 1 Snom",
        "refused: 192.168.1.21 (Yealink T46U) by 403",
    ]


def test_a_site_without_phones_says_nothing_of_them():
    assert phones(()) == []
    assert "Phones" not in render_text(reports.healthy())


def test_hundreds_of_phones_still_fit_into_two_lines():
    first = reports.phones()[0]
    many = [replace(first, address=f"192.168.1.{n}", model=f"T{n}", status=503) for n in range(200)]
    found, refused = phones(tuple(many))
    assert found.startswith("200 found: 1 Yealink T0, ")
    assert found.endswith(", 194 others")
    assert refused.endswith(", and 196 more")


def test_what_nobody_knows_is_called_so():
    unknown = replace(reports.phones()[0], vendor="", model="", profile="")
    assert phones((unknown, replace(unknown, user_agent=""))) == [
        "2 found: 1 Yealink SIP-T46U 108.86.0.20, 1 not identified"
    ]


def test_the_status_shows_them_as_a_section_of_its_own():
    text = render_text(replace(reports.healthy(), phones=reports.phones()))
    assert "\n\nPhones\n  3 found: 2 Yealink T46U, 1 Snom\n  refused: 192.168.1.21 (Yealink T46U) by 403\n" in text
