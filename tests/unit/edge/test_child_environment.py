from __future__ import annotations

import os

from tonekeeper.edge.child_environment import child_environment

LAUNCHED = {"_PYI_ARCHIVE_FILE": "/opt/tonekeeper/tonekeeper", "LD_LIBRARY_PATH": "/opt/tonekeeper/_internal"}


def test_without_a_launcher_a_program_sees_what_we_see():
    ours = {"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/opt/lib"}
    assert child_environment(ours) == ours


def test_a_bundles_libraries_are_its_own_affair():
    assert child_environment({"PATH": "/usr/bin", **LAUNCHED}) == {"PATH": "/usr/bin"}


def test_what_somebody_set_before_the_launcher_came_is_put_back():
    launched = {**LAUNCHED, "LD_LIBRARY_PATH": "/opt/tonekeeper/_internal:/x", "LD_LIBRARY_PATH_ORIG": "/x"}
    assert child_environment(launched) == {"LD_LIBRARY_PATH": "/x"}


def test_it_is_our_own_unless_another_is_told(monkeypatch):
    monkeypatch.setenv("TONEKEEPER_TRIAL", "seen")
    assert child_environment()["TONEKEEPER_TRIAL"] == "seen"
    assert child_environment() is not os.environ
