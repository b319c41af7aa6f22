from __future__ import annotations

import re
from string import Formatter

import pytest

from tonekeeper.core.findings import CATALOGUE
from tonekeeper.core.report import Severity


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_a_finding_has_a_code_in_kebab_case_a_sentence_and_a_remedy(entry):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.code)
    assert entry.severity in Severity
    assert entry.summary.endswith((".", "not."))
    assert entry.remedy
    assert entry.summary[0].isupper() or entry.summary.startswith("{")


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_what_explains_a_finding_is_in_the_catalogue_and_does_not_go_in_circles(entry):
    for code in entry.depends_on:
        assert entry.code not in CATALOGUE[code].depends_on


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_the_sentences_name_their_blanks(entry):
    for text in (entry.summary, entry.remedy):
        names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
        assert all(re.fullmatch(r"[a-z_]+", name) for name in names), text
