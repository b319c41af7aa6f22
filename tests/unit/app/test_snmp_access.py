"""Keys and communities from the settings and from files: usable, or a sentence that does not show them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tonekeeper.app import main, snmp_access
from tonekeeper.app.snmp_access import community_of, expect_packages, mistakes_in, targets_of, users_of
from tonekeeper.errors import EdgeError
from tonekeeper.faces.snmp.managers import Level, Target
from tonekeeper.settings.model import (
    AuthProtocol,
    NotificationKind,
    PrivProtocol,
    SnmpSettings,
    SnmpTarget,
    SnmpUser,
)
from tonekeeper.wire.endpoint import Endpoint

KEY = "correct-horse"
MANAGER = Endpoint("192.0.2.9", 162)


def file_with(directory: Path, content: str, mode: int = 0o600) -> Path:
    file = directory / "key"
    file.write_text(content)
    file.chmod(mode)
    return file


def user(**keys):
    return SnmpUser("noc", AuthProtocol.SHA256, **keys)


def test_a_key_may_stand_in_the_configuration_or_in_a_file(tmp_path):
    file = file_with(tmp_path, f"{KEY}\n")
    settings = SnmpSettings(users=(user(auth_key=KEY, priv_protocol=PrivProtocol.AES128, priv_key_file=file),))
    [found] = users_of(settings)
    assert (found.name, found.auth, found.priv, found.level) == ("noc", "sha256", "aes128", Level.ENCRYPTED)
    assert found.auth_key.reveal() == found.priv_key.reveal() == KEY
    assert KEY not in repr(found)


def test_a_user_without_privacy_is_authenticated_only():
    [found] = users_of(SnmpSettings(users=(user(auth_key=KEY),)))
    assert (found.priv, found.priv_key, found.level) == ("", None, Level.AUTHENTICATED)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("1234567", 0o600, "it has less than 8 characters"),
        ("", 0o600, "it is empty"),
        ("correct-horse\nbattery", 0o600, "more than one line"),
        (KEY, 0o644, "everybody on this host can read it"),
    ],
)
def test_a_key_that_cannot_be_used_is_named_and_not_shown(tmp_path, content, mode, said):
    settings = SnmpSettings(users=(user(auth_key_file=file_with(tmp_path, content, mode)),))
    with pytest.raises(EdgeError, match=said) as refused:
        users_of(settings)
    assert not content or content not in str(refused.value)
    [(mistake, _)] = mistakes_in(settings)
    assert mistake.key_path == "snmp.user[0].auth_key_file"
    assert mistake.remedy


def test_a_short_key_in_the_configuration_is_named_and_not_shown():
    [(mistake, _)] = mistakes_in(SnmpSettings(users=(user(auth_key="1234567"),)))
    assert mistake.key_path == "snmp.user[0].auth_key"
    assert "1234567" not in str(mistake)


def test_a_file_that_is_missing_names_the_key_to_correct(tmp_path):
    [(mistake, error)] = mistakes_in(SnmpSettings(community_file=tmp_path / "nowhere"))
    assert mistake.key_path == "snmp.community_file"
    assert error.errno
    assert "see snmp.community_file" in mistake.remedy


def test_the_community_may_stand_in_the_configuration_or_in_a_file_or_nowhere(tmp_path):
    assert community_of(SnmpSettings()) is None
    assert community_of(SnmpSettings(community="public")).reveal() == "public"
    assert community_of(SnmpSettings(community_file=file_with(tmp_path, "public\n"))).reveal() == "public"


def test_targets_are_told_by_informs_unless_traps_are_asked_for():
    written = (
        SnmpTarget("one", MANAGER, "noc"),
        SnmpTarget("two", MANAGER, kind=NotificationKind.TRAP),
    )
    assert targets_of(SnmpSettings(targets=written)) == (
        Target("one", MANAGER, "noc", acknowledged=True),
        Target("two", MANAGER, "", acknowledged=False),
    )


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setattr(snmp_access, "find_spec", lambda name: None if name == "pysnmp" else object())
    with pytest.raises(EdgeError, match=r"there is no Python package pysnmp; .*tonekeeper\[snmp\]"):
        expect_packages()
    assert [mistake.key_path for mistake, _ in mistakes_in(SnmpSettings())] == ["snmp"]
    assert list(mistakes_in(SnmpSettings(agentx=Path("/var/agentx/master")))) == []


def test_check_says_what_will_keep_snmp_from_being_answered(tmp_path, capfd):
    site = tmp_path / "site.toml"
    site.write_text(
        f"""
        [agent]
        state_dir = "{tmp_path}"
        [[wan]]
        name = "loopback"
        interface = "lo"
        [[sbc]]
        name = "primary"
        uri = "sip:192.0.2.1"
        [[snmp.user]]
        name = "noc"
        auth_protocol = "sha256"
        auth_key_file = "{file_with(tmp_path, "1234567")}"
        """
    )
    assert main(["check", str(site)]) == 2
    assert "snmp.user[0].auth_key_file: cannot use" in capfd.readouterr().err
    file_with(tmp_path, KEY)
    assert main(["check", str(site)]) == 0
