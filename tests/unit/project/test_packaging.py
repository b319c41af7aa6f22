"""What packages are made of: versions that agree, and the translation of OpenWrt's configuration."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.unit.settings.test_configuration_document import ROWS
from tonekeeper import __version__
from tonekeeper.errors import ConfigError
from tonekeeper.settings.load import parse_settings

ROOT = Path(__file__).parents[3]
OPENWRT = ROOT / "packaging/openwrt"
TRANSLATOR = OPENWRT / "tonekeeper/files/tonekeeper-toml"
STAND_IN = Path(__file__).with_name("uci_functions.sh")
PARTS = ("tls", "account", "register", "call", "voicemail")

SITE = r"""
config service 'service'
	option enabled '1'
config agent 'agent'
	option name 'site-0042'
config wan 'fibre'
	option network 'wan'
config wan
	option name 'lte'
	option network 'wwan'
	option metered 'on'
	list resolvers '192.0.2.53'
	list resolvers '192.0.2.54'
config sbc 'primary'
	option uri 'sip:sbc1.example.net'
config sbc_account
	option sbc 'primary'
	option user 'probe'
	option password_file '/etc/tonekeeper.password'
config sbc 'second'
	option uri 'sip:198.51.100.20;transport=udp'
config damping
	option suppress '2500'
config lan
	list networks 'lan'
	list networks 'guest'
config snmp
	option enterprise '32473'
	list allow '192.0.2.0/24'
config snmp_user 'noc'
	option auth_protocol 'sha256'
	option auth_key 'a "quoted" \key'
"""


def translated(uci: str, directory: Path) -> str:
    file = directory / "tonekeeper"
    file.write_text(uci)
    stand_in = {"FUNCTIONS": str(STAND_IN), "NETWORK_FUNCTIONS": os.devnull, "CONFIGURATION": str(file)}
    done = subprocess.run(
        ["sh", str(TRANSLATOR)], env={**os.environ, **stand_in}, capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stderr == ""
    return done.stdout


def test_a_site_of_uci_is_the_same_site_in_toml(tmp_path):
    settings = parse_settings(translated(SITE, tmp_path), "site.toml")
    site = settings.site
    assert [(wan.name, wan.interface, wan.metered) for wan in site.wans] == [
        ("fibre", "pppoe-wan", False),
        ("lte", "wwan", True),
    ]
    assert site.wans[1].resolvers == ("192.0.2.53", "192.0.2.54")
    assert [sbc.name for sbc in site.sbcs] == ["primary", "second"]
    assert site.sbcs[0].account is not None
    assert site.sbcs[0].account.user == "probe"
    assert site.sbcs[1].account is None
    assert site.damping.suppress == 2500
    assert site.lan.interfaces == ("br-lan", "guest")
    assert settings.snmp is not None
    assert settings.snmp.users[0].name == "noc"


def test_what_is_in_quotes_stays_what_it_was(tmp_path):
    (user,) = tomllib.loads(translated(SITE, tmp_path))["snmp"]["user"]
    assert user["auth_key"] == 'a "quoted" \\key'


def test_what_ships_is_a_site_that_only_lacks_its_addresses(tmp_path):
    shipped = (OPENWRT / "tonekeeper/files/tonekeeper.config").read_text()
    assert parse_settings(translated(shipped, tmp_path), "site.toml").site.sbcs[0].name == "primary"
    assert "option enabled '0'" in shipped


@pytest.mark.parametrize(
    ("option", "key_path"),
    [
        ("config wan 'x'\n\toption interface 'eth0'\n\toption metered 'perhaps'", "wan[2].metered"),
        ("config probe\n\toption packets_per_second 'many'", "probe.packets_per_second"),
        ("config probe\n\toption interval '5'", "probe.interval"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(tmp_path, option, key_path):
    with pytest.raises(ConfigError) as refused:
        parse_settings(translated(f"{SITE}\n{option}", tmp_path), "site.toml")
    assert key_path in [mistake.key_path for mistake in refused.value.mistakes]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section}.{row.key}")
def test_every_key_of_the_configuration_can_be_written_in_uci(tmp_path, row):
    """With the kind that it has in TOML."""
    section, _, part = row.section.partition(".")
    owner = f"config {section} 'one'\n"
    kind = f"{section}_{part}" if part else section
    text = f"config {kind} 'it'\n\toption sbc 'one'\n" if part in PARTS else f"config {kind} 'it'\n"
    word, wanted = example(row.type)
    verb = "list" if isinstance(wanted, list) else "option"
    if part or row.section != section:
        text = owner + text
    found = tomllib.loads(translated(f"{text}\t{verb} {row.key} '{word}'\n", tmp_path))
    for step in row.section.split("."):
        found = found[step][-1] if isinstance(found[step], list) else found[step]
    assert found[row.key] == wanted


def example(kind: str) -> tuple[str, object]:
    if kind.startswith("list"):
        return "word", ["word"]
    if kind == "boolean":
        return "yes", True
    if "number" in kind:
        return "17", 17
    return "17s", "17s"


def test_the_bundle_carries_versions_that_the_project_allows():
    """Of exactly what it depends on; a version of a library is raised in both."""
    pinned = dict(
        line.split("==")
        for line in (ROOT / "packaging/pyinstaller/requirements.txt").read_text().splitlines()
        if "==" in line
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for wanted in [*project["dependencies"], *project["optional-dependencies"]["snmp"]]:
        name, lowest = re.match(r"([\w.]+)>=([\d.]+)", wanted).groups()
        highest = re.search(r"<([\d.]+)", wanted)
        assert numbers(lowest) <= numbers(pinned[name])
        assert highest is None or numbers(pinned[name]) < numbers(highest[1])


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_the_feed_of_openwrt_has_the_version_of_the_project_and_of_the_bundle():
    made = (OPENWRT / "tonekeeper/Makefile").read_text()
    assert f"PKG_VERSION:={__version__}\n" in made
    pinned = (ROOT / "packaging/pyinstaller/requirements.txt").read_text()
    for feed in sorted(OPENWRT.glob("python-*/Makefile")):
        fields = dict(re.findall(r"^(\w+):=(.*)$", feed.read_text(), re.MULTILINE))
        assert f"{fields['PYPI_NAME']}=={fields['PKG_VERSION']}\n" in pinned
        assert f"+python3-{feed.parent.name.removeprefix('python-')} " in made
