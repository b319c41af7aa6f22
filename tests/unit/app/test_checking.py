"""`tonekeeper check` on the host where the agent will run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tonekeeper.app import main

SITE = """
[agent]
state_dir = "{directory}"

[[wan]]
name = "loopback"
interface = "lo"

[[sbc]]
name = "primary"
uri = "sips:sbc1.example.net"
[sbc.tls]
{tls}
[sbc.account]
user = "tonekeeper-0042"
{account}
[sbc.register]
"""


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("correct-horse\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def check(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """Exit code and everything that is said of a site with these lines in it."""

    def run(*, account: str = 'password_env = "PASSWORD"', tls: str = "") -> tuple[int, str]:
        file = tmp_path / "site.toml"
        file.write_text(SITE.format(directory=tmp_path, account=account, tls=tls))
        code = main(["check", str(file)])
        said = capfd.readouterr()
        return code, said.out + said.err

    return run


def test_a_password_that_can_be_read_is_fine_and_not_shown(check, password):
    code, said = check(account=f'password_file = "{password}"')
    assert (code, "correct-horse" in said) == (0, False)


def test_a_password_file_that_is_missing_is_a_mistake_with_its_key(check, password):
    missing = password.with_name("nowhere")
    code, said = check(account=f'password_file = "{missing}"')
    assert code == 2
    assert f'sbc[0].account.password_file = "{missing}": cannot read the password' in said
    assert "No such file or directory; see password_file of the account" in said


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        ("correct-horse\n", 0o644, "everybody on this host can read it"),
        ("", 0o600, "it is empty"),
        ("correct-horse\nbattery\n", 0o600, "it has more than one line"),
    ],
)
def test_a_password_file_that_the_daemon_would_refuse_is_a_mistake_without_what_is_in_it(
    check, password, content, mode, reason
):
    password.write_text(content)
    password.chmod(mode)
    code, said = check(account=f'password_file = "{password}"')
    assert (code, reason in said, "horse" in said) == (2, True, False)


def test_a_password_in_the_environment_is_the_daemons_business(check):
    assert check(account='password_env = "NOT_SET_HERE"')[0] == 0


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "unusable"])
def test_a_ca_file_that_cannot_be_used_is_a_mistake(check, tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    code, said = check(tls=f'ca_file = "{file}"')
    assert code == 2
    assert "sbc[0].tls: cannot" in said
    assert str(file) in said


def test_all_that_is_wrong_is_said_at_once(check, tmp_path):
    nowhere = tmp_path / "nowhere"
    code, said = check(account=f'password_file = "{nowhere}"', tls=f'ca_file = "{nowhere}"')
    assert (code, said.count("sbc[0].")) == (2, 2)
