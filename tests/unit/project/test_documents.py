"""What the documents tell a newcomer to type exists, and what they link to is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tonekeeper.faces.cli.parser import build_parser

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")])
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def commands(of: Path) -> list[list[str]]:
    lines = [line for block in BLOCK.findall(of.read_text()) for line in block.splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_leads_to_a_file(document):
    for target in LINK.findall(document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_make_target_exists(document):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for words in commands(document):
        if words[0] == "make":
            assert set(words[1:]) <= set(targets), words


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_tonekeeper_command_can_be_typed_as_it_stands(document):
    for words in commands(document):
        if words[0] == "tonekeeper":
            assert build_parser().parse_args(words[1:])


def test_the_readme_shows_the_two_commands_of_a_newcomer_first():
    assert commands(ROOT / "README.md")[:2] == [["make", "demo"], ["make", "test"]]


def test_no_document_and_no_source_names_a_path_of_somebodys_machine():
    private = re.compile(r"(?<![\w.])/(?:root|home|work)/")
    for file in [*DOCUMENTS, *ROOT.glob("agent/**/*.py"), *ROOT.glob("tests/**/*.py"), ROOT / "Makefile"]:
        if file != Path(__file__):
            assert not private.search(file.read_text()), named(file)
