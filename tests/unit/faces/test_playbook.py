"""The playbook says something about every finding, and what it tells to type can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tonekeeper.core.findings import CATALOGUE, CHAPTERS
from tonekeeper.faces.cli.parser import build_parser
from tonekeeper.faces.playbook.page import ADVICE, all_advice, render_playbook

DOCS = Path(__file__).parents[3] / "docs"
CODE = re.compile(r"`([^`]+)`")


def texts(code: str) -> list[str]:
    advice = all_advice()[code]
    return [advice.means, advice.sureness, *advice.try_first, advice.leave_alone]


def test_every_finding_has_advice_and_no_advice_is_left_over():
    assert sorted(all_advice()) == sorted(CATALOGUE)


def test_advice_stands_in_the_chapter_of_its_finding():
    written = [[code for code in CATALOGUE if code in chapter] for chapter in ADVICE]
    assert written == [[entry.code for entry in entries] for entries in CHAPTERS.values()]


@pytest.mark.parametrize("code", all_advice())
def test_advice_says_what_it_means_how_sure_it_is_what_to_try_and_what_to_leave_alone(code):
    for text in texts(code):
        assert text.endswith((".", "`", "?")), text
        assert text == text.strip()
    assert all_advice()[code].try_first


@pytest.mark.parametrize("code", all_advice())
def test_every_tonekeeper_command_can_be_typed_as_it_stands(code):
    for text in texts(code):
        for command in CODE.findall(text):
            words = shlex.split(command)
            if words[0] == "tonekeeper":
                assert build_parser().parse_args(words[1:])


@pytest.mark.parametrize("code", all_advice())
def test_what_is_linked_to_is_a_finding(code):
    for text in texts(code):
        for shown, anchor in re.findall(r"\[([^]]*)\]\(([^)]*)\)", text):
            assert anchor == f"#{shown}"
            assert shown in CATALOGUE


def test_every_finding_has_a_heading_that_others_can_link_to():
    headings = re.findall(r"^### (.+)$", render_playbook(all_advice()), re.MULTILINE)
    assert headings == list(CATALOGUE)


def test_a_command_is_never_broken_over_two_lines():
    for line in render_playbook(all_advice()).splitlines():
        assert line.count("`") % 2 == 0, line


def test_the_committed_playbook_is_the_one_that_would_be_written_now():
    """`make playbook` writes it."""
    assert (DOCS / "playbook.md").read_text() == render_playbook(all_advice())
