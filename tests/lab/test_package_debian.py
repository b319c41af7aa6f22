"""The Debian package in a Debian of its own: what it leaves, what it keeps, and that it works behind its sandbox."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.agent import configuration, toml
from tests.lab.built_packages import PACKAGING, debian_package, debian_root
from tests.lab.debian_root import BootedRoot, DebianRoot
from tests.lab.namespace import run, until
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

SITE = "etc/tonekeeper/site.toml"
PROFILES = "usr/share/tonekeeper/firmware-profiles/profiles.json"
STARTED = 20.0
LOOPBACK = """
[[wan]]
name = "loopback"
interface = "lo"
[[sbc]]
name = "primary"
uri = "sip:127.0.0.1;transport=udp"
"""
NOT_OURS = ("var/log/", "var/lib/dpkg/", "var/cache/", "run/", "tmp/")
NOT_OURS_EXACTLY = {f"etc/{name}" for name in ("passwd-", "group-", "shadow-", "gshadow-", "subuid-", "subgid-")}


@pytest.fixture
def root(standing_lab: Lab, tmp_path: Path) -> Iterator[DebianRoot]:
    made = debian_root(tmp_path / "root")
    yield made
    made.remove()


def install(root: DebianRoot, revision: str = "1") -> str:
    package = debian_package(revision)
    (root.directory / package.name).write_bytes(package.read_bytes())
    try:
        return root.run("dpkg", "--install", f"/{package.name}")
    finally:
        (root.directory / package.name).unlink()


@pytest.fixture
def installed(root: DebianRoot) -> DebianRoot:
    install(root)
    return root


def ours(root: DebianRoot) -> dict[str, str]:
    return {
        path: what
        for path, what in root.files().items()
        if path and not path.startswith(NOT_OURS) and path not in NOT_OURS_EXACTLY
    }


def test_purge_leaves_nothing_of_what_was_installed(root: DebianRoot):
    before, users = ours(root), (root.directory / "etc/passwd").read_text()
    install(root)
    assert len(ours(root)) > len(before) + 100
    root.run("install", "--directory", "--owner=tonekeeper", "/var/lib/tonekeeper")
    root.run("touch", "/var/lib/tonekeeper/journal-00000001.jsonl")
    root.run("dpkg", "--purge", "tonekeeper")
    assert ours(root) == before
    assert (root.directory / "etc/passwd").read_text() == users


def test_remove_keeps_the_configuration_and_the_history_and_nothing_else(installed: DebianRoot):
    installed.run("install", "--directory", "--owner=tonekeeper", "/var/lib/tonekeeper")
    (installed.directory / SITE).write_text("# mine\n")
    installed.run("dpkg", "--remove", "tonekeeper")
    assert (installed.directory / SITE).read_text() == "# mine\n"
    left = [path for path in installed.files() if "tonekeeper" in path and not path.startswith("var/lib/dpkg/")]
    helper = [path for path in left if path.startswith(("etc/systemd/", "var/lib/systemd/"))]
    assert set(left) - set(helper) == {"etc/tonekeeper", SITE, "var/lib/tonekeeper"}


def test_an_upgrade_keeps_a_configuration_and_its_rights(installed: DebianRoot):
    site = installed.directory / SITE
    site.write_text('[[sbc]]\nname = "primary"\nuri = "sip:192.0.2.1"\n')
    site.chmod(0o600)
    (installed.directory / PROFILES).unlink()
    install(installed, "2")
    assert 'uri = "sip:192.0.2.1"' in site.read_text()
    assert installed.files()[SITE].startswith("-rw-------")
    assert "0.1.0-2" in installed.run("dpkg-query", "--show", "tonekeeper")
    assert (installed.directory / PROFILES).exists()


def test_profiles_of_others_are_compiled_when_they_are_installed(installed: DebianRoot, tmp_path: Path):
    tree = tmp_path / "extra"
    own = tree / "usr/share/tonekeeper/firmware-profiles/example/one.yaml"
    own.parent.mkdir(parents=True)
    shipped = (installed.directory / "usr/share/tonekeeper/firmware-profiles/baresip/baresip.yaml").read_text()
    renamed = shipped.replace("id: baresip-baresip", "id: example-one").replace("aresip", "xample")
    own.write_text(renamed.replace("bxample-accounts", "baresip-accounts"))
    (tree / "DEBIAN").mkdir()
    fields = "Package: extra-profiles\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: x\n"
    (tree / "DEBIAN/control").write_text(fields)
    run("dpkg-deb", "--root-owner-group", "--build", str(tree), str(installed.directory / "extra.deb"))
    compiled_before = (installed.directory / PROFILES).read_bytes()
    assert b"example-one" not in compiled_before
    installed.run("dpkg", "--install", "/extra.deb")
    assert b"example-one" in (installed.directory / PROFILES).read_bytes()


def test_the_installed_command_tells_its_commit_checks_a_file_and_diagnoses(installed: DebianRoot):
    assert "(commit " in installed.run("tonekeeper", "--version")
    (installed.directory / "site.toml").write_text(LOOPBACK)
    assert "1 SBC" in installed.run("tonekeeper", "check", "/site.toml")
    looked = installed.run("sh", "-c", "tonekeeper diagnose --quick -c /site.toml || echo code $?")
    assert "No SBC answers over any WAN" in looked
    assert looked.rstrip().endswith("code 1")


def test_the_example_is_no_site_and_says_so(installed: DebianRoot):
    said = installed.run("sh", "-c", f"tonekeeper check /{SITE} 2>&1 || echo code $?")
    assert "sbc" in said
    assert said.rstrip().endswith("code 2")


def test_the_sandbox_is_as_tight_as_promised(installed: DebianRoot):
    asked = ("systemd-analyze", "security", "--offline=true", f"--root={installed.directory}", "--threshold=30")
    done = subprocess.run([*asked, "tonekeeper.service"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_lintian_finds_no_error(standing_lab: Lab):
    lintian = ("lintian", "--allow-root", "--fail-on", "error", str(debian_package()))
    done = subprocess.run(lintian, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scripts_of_the_package_are_sound(standing_lab: Lab):
    scripts = [path for path in sorted(PACKAGING.glob("debian/*")) if path.read_text().startswith("#!/bin/sh")]
    assert len(scripts) == 4
    run("shellcheck", *map(str, scripts), within=60.0)


@pytest.fixture
def serving(lab: Lab, installed: DebianRoot) -> Iterator[Callable[..., BootedRoot]]:
    """The package as the router of the lab, its service begun by its systemd."""
    stack = []

    def serve(**sections: object) -> BootedRoot:
        settings = {**configuration(lab, Path("/var/lib/tonekeeper")), **sections}
        (installed.directory / SITE).write_text(toml(settings))
        stack.append(installed.booted(lab.cpe.namespace))
        return stack[-1].__enter__()

    yield serve
    for booted in reversed(stack):
        booted.__exit__(None, None, None)


def said(booted: BootedRoot) -> str:
    return booted.run("journalctl", "--no-pager", "--unit=tonekeeper", "--output=cat")


def test_behind_its_sandbox_it_steers_sees_the_firewall_and_reloads(lab: Lab, serving: Callable[..., BootedRoot]):
    booted = serving(failover={"mode": "steer"}, lan={"interfaces": ["lan0"]})
    until(lambda: "primary over fibre" in said(booted), within=STARTED, what=f"no SBC answers\n{said(booted)}")
    shown = booted.show("tonekeeper", "ActiveState", "NRestarts", "MainPID", "WatchdogUSec", "User")
    assert (shown["ActiveState"], shown["NRestarts"], shown["User"]) == ("active", "0", "tonekeeper")

    def flows() -> str:
        return booted.run("sh", "-c", "tonekeeper diagnose --quick | grep '^firewall' || true")

    assert "flows may pass" in flows(), said(booted)
    assert "proto 106" in lab.cpe.namespace.run("ip", "rule") + lab.cpe.namespace.run(
        "ip", "route", "show", "table", "all"
    )
    booted.run("systemctl", "reload", "tonekeeper")
    until(lambda: "reloaded" in said(booted), within=STARTED, what=f"it does not reload\n{said(booted)}")
    assert booted.show("tonekeeper", "MainPID")["MainPID"] == shown["MainPID"]
    assert "Operation not permitted" not in said(booted)


def test_a_daemon_that_is_stuck_is_started_anew(lab: Lab, serving: Callable[..., BootedRoot]):
    booted = serving()
    pid = until(lambda: booted.show("tonekeeper", "MainPID")["MainPID"].lstrip("0"), within=STARTED, what="not started")
    until(lambda: "listening" in said(booted), within=STARTED, what="it does not listen")
    booted.run("systemctl", "kill", "--signal=STOP", "tonekeeper")
    until(
        lambda: booted.show("tonekeeper", "MainPID")["MainPID"] not in ("0", pid),
        within=90.0,
        what=said(booted),
        every=1.0,
    )
    assert "Watchdog timeout" in booted.run("journalctl", "--no-pager", "--unit=init.scope", "--unit=tonekeeper")


def test_until_a_site_is_described_the_service_waits_without_failing(lab: Lab, installed: DebianRoot):
    with installed.booted(lab.cpe.namespace) as booted:
        shown = booted.show("tonekeeper", "ActiveState", "Result", "NRestarts")
    assert (shown["ActiveState"], shown["NRestarts"]) == ("inactive", "0")
