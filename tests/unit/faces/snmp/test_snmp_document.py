"""docs/snmp.md against the MIB and the settings."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tonekeeper.app import snmp_background
from tonekeeper.edge.notification_queue import MOST, NAME, PAUSE
from tonekeeper.faces.snmp.definition import Group
from tonekeeper.faces.snmp.engine import INFORM_RETRIES, INFORM_TIMEOUT, MOST_OCTETS
from tonekeeper.faces.snmp.notifications import AT_ONCE, SPACING
from tonekeeper.faces.snmp.objects.table import NOTIFICATIONS, OBJECTS
from tonekeeper.settings.load import settings_from

DOCUMENT = (Path(__file__).parents[4] / "docs" / "snmp.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
SBC = '[[sbc]]\nname = "primary"\nuri = "sip:sbc1.example.net"\n'
USER = '[[snmp.user]]\nname = "noc"\nauth_protocol = "sha256"\nauth_key_file = "/etc/tonekeeper/snmp-auth"\n'


@pytest.mark.parametrize("part", OBJECTS, ids=lambda part: part.name)
def test_every_group_and_table_is_in_the_document(part):
    assert f"`tk{part.name}`" in DOCUMENT if isinstance(part, Group) else f"`tk{part.name}Table`" in DOCUMENT


@pytest.mark.parametrize("kind", NOTIFICATIONS, ids=lambda kind: kind.name)
def test_every_notification_is_in_the_document(kind):
    assert f"`tk{kind.name}`" in DOCUMENT


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_accepted(example):
    user = USER if "[[snmp.target]]" in example else ""
    assert settings_from(tomllib.loads(SBC + user + example), "site.toml").snmp is not None


def test_the_numbers_are_those_of_the_program():
    text = " ".join(DOCUMENT.split())
    assert MOST_OCTETS == 1200
    assert "1,200 octets" in text
    assert (INFORM_RETRIES, INFORM_TIMEOUT) == (2, 3.0)
    assert "at once three times, 3 s apart" in text
    assert (snmp_background.FIRST_PAUSE, snmp_background.LONGEST_PAUSE) == (5.0, 300.0)
    assert "then after 5 s, doubling to 5 min" in text
    assert (MOST, PAUSE) == (256, 10.0)
    assert f"Up to {MOST} wait" in text
    assert f"`{NAME}`" in text
    assert (AT_ONCE, SPACING) == (20, 3.0)
    assert "Twenty leave at once, then one every 3 s" in text
