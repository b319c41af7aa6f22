"""What OpenWrt runs, as far as it can be run without OpenWrt: with stand-ins for its own shell functions."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.lab.built_packages import PACKAGING
from tests.lab.namespace import run
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

FILES = PACKAGING / "openwrt/tonekeeper/files"
NOT_POSIX = "SC3043"
"""`local`, which every shell of OpenWrt has."""
STAND_INS = """
config_load() { :; }
config_get_bool() { eval "$1=$ENABLED"; }
procd_send_signal() { echo "signal $3"; }
procd_open_instance() { :; }
procd_set_param() { echo "set $*"; }
procd_close_instance() { :; }
procd_add_reload_trigger() { :; }
running() { [ "$RUNNING" = 1 ]; }
start() { start_service; }
stop() { echo stopped; }
"""


@pytest.mark.parametrize("name", ["tonekeeper-toml", "tonekeeper.hotplug", "tonekeeper.init"])
def test_a_script_is_sound(standing_lab: Lab, name: str):
    run("shellcheck", "--shell=dash", f"--exclude={NOT_POSIX}", str(FILES / name), within=60.0)


def asked(directory: Path, verb: str, *, enabled: int = 1, running: int = 1, site: str = "a") -> str:
    """What the init script does when it is told `verb`, with a translator that prints `site`."""
    translator = directory / "translator"
    translator.write_text(f"#!/bin/sh\necho '{site}'\n")
    translator.chmod(0o755)
    script = (FILES / "tonekeeper.init").read_text()
    script = script.replace("/usr/libexec/tonekeeper-toml", str(translator))
    script = script.replace("/var/run/tonekeeper", str(directory / "run"))
    given = f"ENABLED={enabled} RUNNING={running}\n{STAND_INS}\n{script}\n{verb}_service"
    return subprocess.run(["sh", "-e"], input=given, capture_output=True, text=True, timeout=20, check=True).stdout


def test_it_is_started_with_the_translated_site_and_started_anew_whenever_it_ends(tmp_path: Path):
    said = asked(tmp_path, "start")
    assert f"set command /usr/bin/tonekeeper run -c {tmp_path}/run/site.toml" in said
    assert "set respawn 3600 10 0" in said
    assert (tmp_path / "run/site.toml").read_text() == "a\n"
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


def test_a_service_that_is_not_enabled_does_not_start(tmp_path: Path):
    assert asked(tmp_path, "start", enabled=0) == ""


def test_a_reload_signals_only_where_the_site_says_something_else(tmp_path: Path):
    asked(tmp_path, "start", site="a")
    assert asked(tmp_path, "reload", site="a") == ""
    assert asked(tmp_path, "reload", site="b") == "signal HUP\n"
    assert (tmp_path / "run/site.toml").read_text() == "b\n"


def test_a_reload_starts_what_was_enabled_and_stops_what_is_not_any_more(tmp_path: Path):
    assert "set command" in asked(tmp_path, "reload", running=0)
    assert asked(tmp_path, "reload", enabled=0) == "stopped\n"
