"""The password of a test account, and whatever is as good as it: nowhere in what the agent writes, shows or serves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent
from tests.lab.registrar import PASSWORD, USER, Registrar
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

WRONG = "Tr0ub4dor-and-3"
PAGES = ("/", "/metrics", "/api/v1/status", "/api/v1/journal", "/healthz", "/readyz")


@pytest.fixture
def registrar(lab: Lab) -> Iterator[Registrar]:
    with Registrar(lab) as registrar:
        yield registrar


def as_good_as(password: str) -> list[bytes]:
    """The password, and the hash that answers challenges as well as it does."""
    hashed = hashlib.md5(f"{USER}:example.net:{password}".encode(), usedforsecurity=False).hexdigest()
    return [password.encode(), hashed.encode()]


def proven(agent: Agent, depths: int, verdict: str) -> None:
    """Wait until so many depths have this verdict in the journal."""

    def found() -> set[str]:
        seen: set[str] = set()
        for line in agent.journal_lines():
            entry = json.loads(line)
            if entry.get("event") == "DepthProbed" and entry["data"]["result"]["verdict"] == verdict:
                seen.add(entry["data"]["depth"])
        return seen

    agent.wait_for(lambda status: len(found()) >= depths, within=60.0, every=0.5)


@pytest.mark.parametrize(("password", "verdict", "depths"), [(PASSWORD, "passed", 3), (WRONG, "denied", 1)])
def test_no_password_is_in_journal_log_status_metrics_or_page(
    lab: Lab, registrar: Registrar, make_agent: Callable[..., Agent], password: str, verdict: str, depths: int
):
    file = lab.directory / "account-password"
    file.write_text(password)
    file.chmod(0o600)
    sbc = {
        "name": "primary",
        "uri": f"sip:{registrar.address}:{registrar.port};transport=udp",
        "account.user": USER,
        "account.password_file": str(file),
        "register.interval": "30s",
        "call.number": "600",
        "voicemail.mailbox": "100",
    }
    agent = make_agent(sbc=[sbc], wan=[{"name": "fibre", "interface": "eth0"}])
    agent.start()
    proven(agent, depths, verdict)
    served = [agent.get(page)[1] for page in PAGES]
    assert any(b"DepthProbed" in text or b"primary" in text for text in served)
    assert agent.stop() == 0

    written = [*agent.journal_lines(), *(file.read_bytes() for file in agent.state_dir.rglob("*") if file.is_file())]
    assert any(b"DepthProbed" in text for text in written)
    for text in (*served, *written, agent.output.encode()):
        for secret in as_good_as(password):
            assert secret not in text
