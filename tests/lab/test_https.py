"""A daemon that serves HTTPS: asked by the command, with a certificate that is renewed while it runs."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.lab.agent import HTTP, Agent
from tests.lab.certificates import Authority, Issued
from tests.lab.namespace import LabError, until
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def agent(lab: Lab, authority: Authority, tmp_path):
    install(tmp_path, authority.issue(HTTP[0]))
    files = {"tls_cert": str(tmp_path / "cert.pem"), "tls_key": str(tmp_path / "key.pem")}
    agent = Agent(lab, name=tmp_path.name, http={**files, "client_ca": str(authority.root)})
    agent.launch()
    wait_until_said(agent, "listening")
    yield agent
    agent.kill()


def install(directory, issued: Issued) -> None:
    shutil.copy(issued.key, directory / "key.pem")
    shutil.copy(issued.certificate, directory / "cert.pem")


def wait_until_said(agent: Agent, what: str) -> None:
    try:
        until(lambda: any(f" {what} " in line for line in agent.log), within=10, what=f"it does not say {what}")
    except LabError as error:
        raise LabError(f"{error}:\n{agent.output}") from None


def ask(agent: Agent, *options: str) -> str:
    """What `tonekeeper status` prints, whatever its exit code."""
    command = (sys.executable, "-m", "tonekeeper", "status", "--url", f"https://{HTTP[0]}:{HTTP[1]}", *options)
    return agent.namespace.run("sh", "-c", '"$@" 2>&1 || true', "sh", *command)


def test_who_shows_the_right_certificate_is_told_and_nobody_else(agent, authority):
    ours = authority.issue("noc.example.net")
    known = ("--ca-file", str(authority.root))

    assert "lab-site" in ask(agent, *known, "--client-cert", str(ours.certificate), "--client-key", str(ours.key))
    assert "--client-cert" in ask(agent, *known)
    assert "--ca-file" in ask(agent)


def test_a_renewed_certificate_is_used_and_a_broken_one_is_not(agent, authority, tmp_path):
    (tmp_path / "key.pem").write_text("half a file")
    agent.reload()
    wait_until_said(agent, "certificate-not-renewed")

    install(tmp_path, authority.issue(HTTP[0]))
    wait_until_said(agent, "certificate-renewed")
