"""Passwords from a file or a variable, and every reason not to use one."""

import pytest

from tonekeeper.core.site import Account
from tonekeeper.edge.secrets import read_password
from tonekeeper.errors import EdgeError


def account(tmp_path, content=b"", mode=0o600):
    file = tmp_path / "password"
    file.write_bytes(content)
    file.chmod(mode)
    return Account("100", password_file=str(file))


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"opensesame", "opensesame"),
        (b"opensesame\n", "opensesame"),
        (b"opensesame\r\n", "opensesame"),
        (b" spaces stay ", " spaces stay "),
        ("pässwörd\n".encode(), "pässwörd"),
    ],
)
def test_a_file_holds_the_password_and_perhaps_a_line_break(tmp_path, content, password):
    found = read_password(account(tmp_path, content))
    assert found is not None
    assert found.reveal() == password


def test_a_variable_holds_the_password():
    found = read_password(Account("100", password_env="SECRET"), {"SECRET": "opensesame"})
    assert found is not None
    assert found.reveal() == "opensesame"


def test_an_account_without_a_place_has_no_password():
    assert read_password(Account("100"), {}) is None


def test_a_group_may_read_the_file(tmp_path):
    assert read_password(account(tmp_path, b"opensesame", 0o640)) is not None


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (b"", 0o600, "it is empty"),
        (b"\n", 0o600, "it is empty"),
        (b"opensesame", 0o644, "everybody on this host can read it; chmod 600"),
        (b"opensesame\nsecond", 0o600, "more than one line"),
        (b"opensesame\x00", 0o600, "characters that nobody types"),
        (b"opensesame\xff", 0o600, "not UTF-8"),
        (b"opensesame" * 1000, 0o600, "more than 4096 octets"),
    ],
)
def test_what_cannot_be_a_password_is_refused_without_being_shown(tmp_path, content, mode, reason):
    with pytest.raises(EdgeError, match=reason) as refused:
        read_password(account(tmp_path, content, mode))
    assert "opensesame" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_file_that_is_not_there_is_named_with_the_key_that_names_it(tmp_path):
    with pytest.raises(EdgeError, match=r"cannot read the password in '.*missing': No such file.*password_file"):
        read_password(Account("100", password_file=str(tmp_path / "missing")))


@pytest.mark.parametrize(
    ("environment", "reason"),
    [({}, "set the variable SECRET"), ({"SECRET": ""}, "it is empty"), ({"SECRET": "a\nb"}, "more than one line")],
)
def test_a_variable_that_holds_none_is_named(environment, reason):
    with pytest.raises(EdgeError, match=reason):
        read_password(Account("100", password_env="SECRET"), environment)
