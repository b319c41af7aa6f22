"""packaging/provider/snmp_exporter: what the generator makes of our MIB, and the exporter before a real agent."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.lab.agent import Agent
from tests.lab.managers import AUTH_KEY, PRIV_KEY, STANDARD_MIBS, USER, print_mib, with_snmp
from tests.lab.namespace import until
from tests.lab.provider_kit import KIT, SNMP_EXPORTER, Provider

pytestmark = pytest.mark.lab


def test_the_module_is_what_the_generator_makes_of_our_mib(tmp_path: Path):
    mibs = tmp_path / "mibs"
    shutil.copytree(STANDARD_MIBS, mibs, ignore=shutil.ignore_patterns("*.md"))
    print_mib(tmp_path)
    done = subprocess.run(
        ["prometheus-snmp-generator", "--fail-on-parse-errors", "generate", "-o", str(tmp_path / "snmp.yml")],
        cwd=KIT / "snmp_exporter",
        env={**os.environ, "MIBDIRS": str(mibs), "MIBS": "ALL"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "snmp.yml").read_text() == (KIT / "snmp_exporter" / "snmp.yml").read_text()


def test_the_exporter_reads_an_agent_and_keeps_to_what_is_asked_for(
    provider: Provider, make_agent: Callable[..., Agent]
):
    agent = make_agent(**with_snmp())
    agent.start()
    until(lambda: "answering-snmp" in agent.output, within=10, what="SNMP is answered")
    provider.start_snmp_exporter(username=USER, password=AUTH_KEY, priv_password=PRIV_KEY)

    status, body = provider.get(SNMP_EXPORTER, "/snmp?module=tonekeeper&target=127.0.0.1:1161")

    assert status == 200, body
    seen = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }
    path = {
        "tkWanName": "fibre",
        "tkSbcName": "primary",
        "tkPathTransport": "1",
        "tkPathAddress": "203.0.113.2",
        "tkPathPort": "5060",
    }
    assert seen["tkAgentName", frozenset({"tkAgentName": "lab-site"}.items())] == 1
    assert seen["tkWanState", frozenset({"tkWanName": "lte", "tkWanState": "up"}.items())] == 1
    assert seen["tkWanState", frozenset({"tkWanName": "lte", "tkWanState": "down"}.items())] == 0
    assert seen["tkSbcState", frozenset({"tkSbcName": "alternate", "tkSbcState": "healthy"}.items())] == 1
    assert seen["tkPathState", frozenset({**path, "tkPathState": "up"}.items())] == 1
    assert seen["tkPathTimeout", frozenset(path.items())] > 0
    assert not [name for name, _ in seen if name.startswith(("tkPhone", "tkFirewall"))]
    assert not [name for name, _ in seen if name.endswith("Reason")]
