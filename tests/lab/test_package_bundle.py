"""The bundles do the main job: not the checkout, nothing of this machine's Python."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.agent import configuration, toml
from tests.lab.built_packages import PACKAGING, ROOT, bundles
from tests.lab.namespace import Process, run, until
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

LARGEST_DIRECTORY = 30_000_000
"""Bytes."""
PLAIN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "NO_COLOR": "1"}
KINDS = ("tonekeeper/tonekeeper", "tonekeeper-one-file")


@pytest.fixture(params=KINDS)
def command(request: pytest.FixtureRequest, standing_lab: Lab) -> str:
    return str(bundles() / request.param)


@pytest.fixture
def site(lab: Lab, tmp_path: Path) -> Path:
    file = tmp_path / "site.toml"
    file.write_text(toml(configuration(lab, tmp_path / "state") | {"lan": {"interfaces": ["lan0"]}}))
    return file


@pytest.fixture
def running(lab: Lab, site: Path, command: str) -> Iterator[Process]:
    (site.parent / "state").mkdir()
    unpacks_into = PLAIN | {"TMPDIR": str(site.parent)}
    name = f"bundle-{os.urandom(3).hex()}"
    process = lab.cpe.namespace.popen(command, "run", "-c", str(site), log=name, env=unpacks_into)
    yield process
    print(process.output)
    process.kill()


def test_it_watches_every_path_to_the_real_servers_and_diagnoses(lab: Lab, running: Process, command: str):
    def inside(*arguments: str) -> str:
        return lab.cpe.namespace.run(
            "env", "-i", *(f"{k}={v}" for k, v in PLAIN.items()), command, *arguments, within=60
        )

    until(lambda: "primary over fibre" in running.output, within=20.0, what=f"no SBC answers\n{running.output}")
    until(lambda: "phone-search-begun" in running.output, within=20.0, what="nobody looks for phones")
    report = json.loads(inside("status", "--json"))
    assert {path["state"] for sbc in report["sbcs"] for path in sbc["paths"]} == {"up"}
    assert "primary" in inside("diagnose", "--quick")
    assert "not-compiled" not in running.output


def test_the_tools_of_the_system_find_the_libraries_of_the_system(lab: Lab, site: Path, command: str, tmp_path: Path):
    """nft, asked by the bundle, tells with which LD_LIBRARY_PATH it was started."""
    told = tmp_path / "told"
    stand_in = tmp_path / "bin/nft"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\necho "[$LD_LIBRARY_PATH]" >> {told}\nexec /usr/sbin/nft "$@"\n')
    stand_in.chmod(0o755)
    environment = PLAIN | {"PATH": f"{stand_in.parent}:{PLAIN['PATH']}"}
    given = [f"{key}={value}" for key, value in environment.items()]
    lab.cpe.namespace.run("env", "-i", *given, command, "firewall", "--no-probe", "-c", str(site), within=60)
    assert set(told.read_text().split()) == {"[]"}


def test_it_says_of_which_commit_it_is(command: str):
    commit = run("git", "-C", str(ROOT), "log", "--format=%H", "-n", "200").split()
    said = run("env", "-i", command, "--version")
    named = said.partition("(commit ")[2].split(";")[0].split(",")[0]
    assert named == "unknown" or any(one.startswith(named) for one in commit)


def test_a_directory_is_no_larger_than_promised(standing_lab: Lab):
    files = [path for path in (bundles() / "tonekeeper").rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in files) <= LARGEST_DIRECTORY


def test_the_same_sources_give_the_same_files(standing_lab: Lab, tmp_path: Path):
    """In two places, at two times."""
    made = []
    for name in ("one", "two"):
        source = tmp_path / name
        run("git", "clone", "--quiet", "--shared", "--no-tags", str(ROOT), str(source), within=60.0)
        if made:
            run("git", "-C", str(source), "checkout", "--quiet", made[0][0], within=60.0)
        commit = run("git", "-C", str(source), "rev-parse", "HEAD").strip()
        built = tmp_path / f"built-{name}"
        (built / "pyinstaller").mkdir(parents=True)
        for shared in ("venv", "installed"):
            (built / "pyinstaller" / shared).symlink_to(ROOT / "build/pyinstaller" / shared)
        build = str(source / "packaging/pyinstaller/build")
        run("env", f"BUILD_DIR={built}", build, str(tmp_path / f"out-{name}"), within=300.0)
        made.append((commit, hashes(tmp_path / f"out-{name}")))
    assert made[0] == made[1]


def hashes(directory: Path) -> dict[str, str]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_script_that_builds_is_sound(standing_lab: Lab):
    run("shellcheck", str(PACKAGING / "pyinstaller/build"), within=60.0)
