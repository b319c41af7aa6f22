"""The MIB in the hands of others: smilint finds nothing to say about it, and net-snmp reads our names from it.

smilint -l 6      every complaint it has, style included
snmptranslate     numbers to names and back, with the modules of tests/lab/mibs beside it
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.namespace import run
from tonekeeper.faces.snmp.mib import leaves_of, name_of
from tonekeeper.faces.snmp.objects.table import NOTIFICATIONS, OBJECTS

pytestmark = pytest.mark.lab

STANDARD = Path(__file__).parent / "mibs"


@pytest.fixture
def printed(tmp_path: Path) -> Path:
    """What `tonekeeper mib` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tonekeeper", "mib"], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stderr == ""
    file = tmp_path / "TONEKEEPER-MIB"
    file.write_text(done.stdout)
    return file


def test_smilint_has_nothing_to_say_at_its_strictest(printed: Path):
    done = subprocess.run(
        ["smilint", "-l", "6", "-s", str(printed)],
        env={"SMIPATH": str(STANDARD), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def test_smilint_would_have_something_to_say(printed: Path):
    """About the same module with one number given twice."""
    printed.write_text(printed.read_text().replace("{ tkAgent 2 }", "{ tkAgent 1 }"))
    done = subprocess.run(
        ["smilint", "-l", "6", "-s", str(printed)],
        env={"SMIPATH": str(STANDARD), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "tkAgentVersion" in done.stdout + done.stderr


def test_net_snmp_finds_every_object_where_the_agent_serves_it(printed: Path):
    names = [name_of(part, leaf) for part in OBJECTS for leaf in leaves_of(part)]
    names += [f"tk{kind.name}" for kind in NOTIFICATIONS]
    told = run(
        "snmptranslate",
        "-M",
        f"{STANDARD}:{printed.parent}",
        "-m",
        "TONEKEEPER-MIB",
        "-On",
        *(f"TONEKEEPER-MIB::{name}" for name in names),
    ).split()
    given = (Path(__file__).parents[1] / "unit/faces/snmp/numbers-that-were-given.txt").read_text().splitlines()
    expected = {words[1]: words[0] for words in map(str.split, given)}
    assert told == [f".1.3.6.1.4.1.32473.5060.{expected[name]}" for name in names]
