"""`tonekeeper check --self` on a host that allows everything, and as somebody who may do nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.agent import Agent
from tests.lab.kernel_state import kernel_state
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
PRIVILEGES = {"CAP_NET_ADMIN", "CAP_NET_RAW", "policy routing", "conntrack", "nftables, nftrace, namespaces"}


def self_check(lab: Lab, *through: str, file: Path | None = None) -> tuple[int, dict[str, dict[str, object]]]:
    """Exit code, and the parts by name."""
    command = [
        *through,
        sys.executable,
        "-m",
        "tonekeeper",
        "check",
        "--self",
        "--json",
        *([str(file)] if file else []),
    ]
    process = lab.cpe.namespace.popen(*command, log=f"self-check-{os.urandom(3).hex()}")
    code = process.wait(30.0)
    return code, {part["name"]: part for part in json.loads(process.output)["parts"]}


def test_a_host_that_allows_everything_lacks_nothing_and_is_left_as_it_was(
    lab: Lab, make_steerer: Callable[..., Agent]
):
    before = kernel_state(lab.cpe.namespace)
    code, parts = self_check(lab, file=make_steerer().config)
    assert {name: part["missing"] for name, part in parts.items() if part["missing"]} == {}
    assert code == 0
    assert before.differences(kernel_state(lab.cpe.namespace)) == []


def test_without_capabilities_each_that_is_missing_is_said(lab: Lab, make_agent: Callable[..., Agent]):
    code, parts = self_check(lab, *POWERLESS, file=make_agent(agent={"role": "endpoint"}).config)
    assert {name for name, part in parts.items() if part["missing"]} == PRIVILEGES
    assert code == 0


def test_a_site_that_steers_needs_them(lab: Lab, make_steerer: Callable[..., Agent]):
    code, parts = self_check(lab, *POWERLESS, file=make_steerer().config)
    needed = {name for name, part in parts.items() if part["missing"] and part["is_needed"]}
    assert needed == {"CAP_NET_ADMIN", "policy routing", "nftables, nftrace, namespaces"}
    assert code == 4
