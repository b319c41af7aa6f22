"""What the tools of a host say of its rules, where they are not the tools that one expects."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tonekeeper.edge.shadow_ruleset import read_ruleset
from tonekeeper.errors import EdgeError


@pytest.fixture
def nft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a script into the place of nft."""

    def put(script: str) -> None:
        program = tmp_path / "nft"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    return put


def test_a_live_ruleset_of_50_mb_is_cut_off(nft):
    nft('yes "		ip saddr 192.0.2.1 drop # handle 4" | head -c 50000000')
    with pytest.raises(EdgeError, match="cannot use the ruleset: it is longer than 16 MiB; gather"):
        read_ruleset()


def test_words_that_are_not_known_are_said_to_be(nft):
    nft('echo "tables of stone"')
    with pytest.raises(EdgeError, match=r"cannot read the ruleset: .*'tables of stone' is not what 'nft list ruleset'"):
        read_ruleset()
