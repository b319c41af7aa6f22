"""`tonekeeper check --self`: what is missing is said, and counts where the site needs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tonekeeper.app import main, self_check
from tonekeeper.edge import host_abilities
from tonekeeper.settings.model import PROFILES_DIR

SITE = """
[agent]
role = "{role}"
state_dir = "{directory}"
profiles_dir = "{profiles}"

[[wan]]
name = "loopback"
interface = "lo"

[[sbc]]
name = "primary"
uri = "{uri}"
{more}
"""


class Answer:
    def __init__(self, code: int, document: dict) -> None:
        self.code = code
        self.complete = document["complete"]
        self._parts = {part["name"]: part for part in document["parts"]}

    def missing(self, name: str) -> str:
        return self._parts[name]["missing"]

    def needs(self, name: str) -> bool:
        return self._parts[name]["is_needed"]


@pytest.fixture(autouse=True)
def able_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lacks nothing, whoever runs these tests."""
    for name in ("missing_packet_sockets", "missing_device_binding"):
        monkeypatch.setattr(host_abilities, name, lambda: "")
    for name in ("_netlink", "_net_admin", "_shadow"):
        monkeypatch.setattr(self_check, name, lambda: "")
    monkeypatch.setattr(self_check, "missing_for_steering", lambda: ())
    monkeypatch.setattr(self_check, "missing_for_flows", lambda: ())


@pytest.fixture
def ask(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    def run(
        *, role: str = "router", uri: str = "sip:192.0.2.1", more: str = "", profiles: Path = PROFILES_DIR
    ) -> Answer:
        file = tmp_path / "site.toml"
        file.write_text(SITE.format(directory=tmp_path / "state", role=role, uri=uri, more=more, profiles=profiles))
        code = main(["check", "--self", "--json", str(file)])
        return Answer(code, json.loads(capfd.readouterr().out))

    return run


def test_a_whole_build_on_an_able_host_lacks_nothing(ask):
    answer = ask()
    assert (answer.code, answer.complete) == (0, True)


def test_it_leaves_nothing_in_the_state_directory(ask, tmp_path):
    (tmp_path / "state").mkdir()
    assert ask().code == 0
    assert list((tmp_path / "state").iterdir()) == []


def test_without_a_configuration_it_says_one_line_for_each_part(capfd, monkeypatch, tmp_path):
    monkeypatch.setattr(self_check, "STATE_DIR", tmp_path)
    assert main(["check", "--self"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} == {"ok"}
    assert "ok       status page" in lines


@pytest.mark.parametrize(
    ("module", "part", "uri"),
    [
        ("tonekeeper.edge.tls", "TLS", "sips:192.0.2.1"),
        ("tonekeeper.edge.dns_exchange", "names", "sip:sbc1.example.net"),
    ],
)
def test_a_part_that_was_left_out_of_the_bundle_matters_to_a_site_that_uses_it(ask, monkeypatch, module, part, uri):
    monkeypatch.setitem(sys.modules, module, None)
    without = ask()
    assert (without.code, without.needs(part)) == (0, False)
    assert module in without.missing(part)
    using = ask(uri=uri)
    assert (using.code, using.complete, using.needs(part)) == (4, False, True)


def test_a_module_of_the_daemon_that_is_missing_matters_to_every_site(ask, monkeypatch):
    monkeypatch.setitem(sys.modules, "tonekeeper.app.depth_background", None)
    answer = ask(role="endpoint")
    assert (answer.code, bool(answer.missing("deep probes"))) == (4, True)


def test_profiles_matter_to_a_site_with_a_lan(ask, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    without = ask(profiles=empty)
    assert "there is no <vendor>/<model>.yaml" in without.missing("firmware profiles")
    assert without.code == 0
    assert ask(profiles=empty, more='[lan]\ninterfaces = ["lan0"]').code == 4


def test_a_missing_capability_matters_where_it_is_used(ask, monkeypatch):
    monkeypatch.setattr(self_check, "_net_admin", lambda: "the process does not have it")
    assert ask(role="endpoint").code == 0
    assert ask(role="router").code == 4


def test_what_is_missing_is_said_with_what_does_not_work_then(capfd, monkeypatch, tmp_path):
    monkeypatch.setattr(self_check, "STATE_DIR", tmp_path)
    monkeypatch.setattr(self_check, "_net_admin", lambda: "the process does not have it")
    assert main(["check", "--self"]) == 0
    [line] = [line for line in capfd.readouterr().out.splitlines() if line.startswith("missing")]
    assert line == (
        "missing  CAP_NET_ADMIN (not needed here): the process does not have it; "
        "without it nothing is steered and the firewall is not examined"
    )


def test_a_wrong_configuration_ends_it_with_2_before_anything_is_tried(tmp_path, capfd):
    assert main(["check", "--self", str(tmp_path / "nowhere.toml")]) == 2
    assert "cannot read it" in capfd.readouterr().err


def test_check_asks_for_a_file_or_for_self(capfd):
    with pytest.raises(SystemExit) as ended:
        main(["check"])
    assert ended.value.code == 2
    assert "give FILE, --self, or both" in capfd.readouterr().err
