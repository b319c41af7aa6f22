"""docs/configuration.md against the program: the same keys, the same defaults, the same limits."""

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tonekeeper.errors import ConfigError
from tonekeeper.settings.load import settings_from

DOCUMENT = Path(__file__).parents[3] / "docs" / "configuration.md"
ROW = re.compile(r"\| `(?P<key>\w+)` \| (?P<type>.+?) \| (?P<default>.+?) \|.*\|")
LIMITS = re.compile(r"`(.+)` to `(.+)`")


class Row(NamedTuple):
    section: str
    key: str
    type: str
    default: str


def documented():
    section = ""
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ").strip("[]")
        elif row := ROW.fullmatch(line):
            yield Row(section, row["key"], row["type"], row["default"])


ROWS = list(documented())
SECTIONS = list(dict.fromkeys(row.section for row in ROWS))


def whole():
    """A configuration in which every section is present with just what it requires."""
    user = {"name": "noc", "auth_protocol": "sha256", "auth_key": "long enough"}
    return {
        "agent": {},
        "wan": [{"name": "fibre", "interface": "eth0"}],
        "sbc": [
            {
                "name": "primary",
                "uri": "sip:sbc1.example.net",
                "tls": {},
                "account": {"user": "tonekeeper", "password_env": "PASSWORD"},
                "register": {},
                "call": {"number": "echo"},
                "voicemail": {},
            }
        ],
        "probe": {},
        "failover": {},
        "damping": {},
        "nat": {"server": "stun.example.net"},
        "lan": {},
        "firewall": {},
        "checks": {},
        "http": {},
        "snmp": {"user": [user], "target": [{"name": "manager", "address": "192.0.2.9:162", "user": "noc"}]},
        "journal": {},
        "log": {},
    }


def section_of(values, section):
    for part in section.split("."):
        values = values[part]
        values = values[0] if isinstance(values, list) else values
    return values


COMPANIONS = {
    "wan.budget": {"metered": True},
    "damping.suppress": {"reuse": 10, "half_life": "1m"},
    "damping.reuse": {"suppress": 100000, "half_life": "1m"},
    "damping.max_suppress": {"half_life": "30s"},
    "damping.half_life": {"reuse": 2400, "max_suppress": "6h"},
}
"""What must stand beside a key so that every value within its limits makes sense."""


def settings_with(row, written):
    values = whole()
    section_of(values, row.section).update(COMPANIONS.get(named(row), {}))
    section_of(values, row.section)[row.key] = tomllib.loads(f"x = {written}")["x"]
    return settings_from(values, "site.toml")


def known_in(section):
    """What the program itself says it knows, asked by a key it cannot know."""
    values = whole()
    section_of(values, section)["zzzzzzzz"] = 1 if section else {}
    with pytest.raises(ConfigError) as refused:
        settings_from(values, "site.toml")
    [mistake] = refused.value.mistakes
    return mistake.remedy.removeprefix("known here: ").split(", ")


def named(row):
    return f"{row.section}.{row.key}"


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_is_documented_with_just_the_keys_it_has(section):
    nested = [other.removeprefix(f"{section}.") for other in SECTIONS if other.startswith(f"{section}.")]
    assert sorted(known_in(section)) == sorted([row.key for row in ROWS if row.section == section] + nested)


def test_every_section_is_documented_in_the_order_of_the_program():
    values = whole() | {"zzzzzzzz": {}}
    with pytest.raises(ConfigError) as refused:
        settings_from(values, "site.toml")
    assert refused.value.mistakes[0].remedy == "known here: " + ", ".join(s for s in SECTIONS if "." not in s)


@pytest.mark.parametrize("row", [row for row in ROWS if row.default.startswith("`")], ids=named)
def test_a_documented_default_is_the_real_one(row):
    beside = COMPANIONS.get(named(row), {})
    values = whole()
    section_of(values, row.section).update(beside)
    assert settings_with(row, row.default.strip("`")) == settings_from(values, "site.toml")


@pytest.mark.parametrize("row", [row for row in ROWS if row.default == "required"], ids=named)
def test_what_is_documented_as_required_is_missed(row):
    values = whole()
    del section_of(values, row.section)[row.key]
    with pytest.raises(ConfigError) as refused:
        settings_from(values, "site.toml")
    assert [mistake.reason for mistake in refused.value.mistakes] == ["is missing"]


def test_every_default_is_a_value_or_required_or_none():
    assert {row.default for row in ROWS if not row.default.startswith("`")} == {"required", "none"}


@pytest.mark.parametrize("row", [row for row in ROWS if LIMITS.search(row.type)], ids=named)
def test_both_documented_limits_are_accepted_and_are_those_of_the_message(row):
    least, most = LIMITS.search(row.type).groups()
    settings_with(row, least)
    settings_with(row, most)
    beyond = {"duration": '"8d"', "size": '"999GiB"', "whole number": "2147483648", "number": "1000001"}
    with pytest.raises(ConfigError, match=re.escape(f"between {least} and {most}")):
        settings_with(row, beyond[row.type.partition(",")[0]])


@pytest.mark.parametrize("row", [row for row in ROWS if row.type.startswith('`"')], ids=named)
def test_every_documented_choice_is_accepted_and_no_other_is_offered(row):
    choices = re.findall(r'`(".+?")`', row.type)
    for choice in choices:
        values = whole()
        section_of(values, row.section)[row.key] = choice.strip('"')
        if row.key == "priv_protocol":
            section_of(values, row.section)["priv_key"] = "long enough"
        settings_from(values, "site.toml")
    with pytest.raises(ConfigError) as refused:
        settings_with(row, '"zzzz"')
    [mistake] = [m for m in refused.value.mistakes if m.reason == "is not one of the choices"]
    assert re.findall(r'".+?"', mistake.remedy) == choices


def test_the_minimal_configuration_in_the_document_is_accepted():
    [block] = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert settings_from(tomllib.loads(block), "site.toml").site.sbcs
