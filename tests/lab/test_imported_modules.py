"""The modules that a running daemon has imported are those that it is known to need: see imported_modules.py."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.bench.consumption import memory_of
from tests.lab.agent import Agent
from tests.lab.imported_modules import LIBRARIES, OURS, STANDARD
from tests.lab.namespace import until

pytestmark = pytest.mark.lab

MOST_MIB = 40
"""The promise; `make footprint` notices much less."""
KNOWN = {"tonekeeper", *(f"tonekeeper.{name}" for names in OURS.values() for name in names)}


@pytest.fixture
def imported(make_agent: Callable[..., Agent]) -> set[str]:
    """By a daemon that is ready and has been asked for everything but its page."""
    agent = make_agent()
    told = agent.state_dir / "modules"
    tell = f"open({str(told)!r}, 'w').write(' '.join(sys.modules) + ' ')"
    agent.launch(prelude=f"import signal, sys\nsignal.signal(signal.SIGUSR1, lambda *_: {tell})")
    agent.wait_ready()
    agent.status()
    assert agent.get("/metrics")[0] == 200
    agent.process.signal(signal.SIGUSR1)
    until(lambda: told.exists() and told.read_text().endswith(" "), within=10, what="it does not tell its modules")
    return set(told.read_text().split())


def test_a_plain_daemon_stays_below_40_mib(agent: Agent):
    assert agent.get("/")[0] == agent.get("/metrics")[0] == 200
    assert memory_of(agent.process.pid).resident <= MOST_MIB


def test_a_plain_daemon_has_imported_nothing_that_is_not_known_to_be_needed(imported: set[str]):
    ours = {name for name in imported if name.split(".")[0] == "tonekeeper"}
    assert sorted(ours - KNOWN) == [], (
        "a plain site pays for these modules, for as long as it runs: import them in the function that needs them; "
        "or list them in tests/lab/imported_modules.py, below the reason"
    )


def test_it_has_imported_no_library_and_nothing_standard_that_is_not_known_to_be_needed(imported: set[str]):
    named = sorted({name for names in STANDARD.values() for name in names} | {"signal", "sys"})
    program = f"import {', '.join(named)}, sys; print(*sys.modules)"
    dragged = set(subprocess.check_output([sys.executable, "-c", program], text=True).split())
    others = {name for name in imported - dragged if name.split(".")[0] not in {"tonekeeper", *LIBRARIES}}
    assert sorted(others) == [], "say in tests/lab/imported_modules.py why a plain site needs them, or import them late"


def test_every_module_on_the_list_is_imported_or_else_it_leaves_the_list(imported: set[str]):
    assert sorted(KNOWN - imported) == [], "a plain daemon does without these by now: take them off the list"
