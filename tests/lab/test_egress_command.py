"""`tonekeeper firewall` with its real packets, and a daemon that sends them by itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.agent import configuration, toml
from tests.lab.examining import CORE_ROUTER, FIBRE_ROUTER, narrow, rules, talkative_routers
from tests.lab.test_firewall_command import AS_NOBODY

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("talkative")]


@pytest.fixture
def talkative(lab) -> Iterator[None]:
    with talkative_routers(lab):
        yield


@pytest.fixture
def config(lab, tmp_path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(toml({**configuration(lab, tmp_path), "lan": {"interfaces": ["lan0"]}}))
    tmp_path.chmod(0o755)
    return path


def firewall(lab, config: Path, *arguments: str, through: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*through, sys.executable, "-m", "tonekeeper", "firewall", "-c", str(config), *arguments]
    return lab.cpe.namespace.inside(
        lambda: subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    )


def test_rules_and_real_packets_stand_side_by_side(lab, config):
    done = firewall(lab, config, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert {row["cause"] for row in said["egress"]} == {"fine"}
    assert {row["largest"] for row in said["egress"]} == {1500}
    assert len(said["egress"]) == 4
    assert said["firewall"]
    assert said["findings"] == []
    assert {"firewall", "findings", "elapsed_ms"} <= set(said)


def test_without_probes_no_real_packet_leaves(lab, config):
    with rules(lab.cpe.namespace, "output", "udp dport 5060 counter", priority=0):
        done = firewall(lab, config, "--json", "--no-probe")
        listed = lab.cpe.namespace.run("nft", "list", "table", "inet", "meddling")
    assert json.loads(done.stdout)["egress"] == []
    assert "packets 0 bytes 0" in listed


def test_a_block_upstream_is_told_with_its_router(lab, config):
    with lab.provider("fibre").reject(lab.sbc("alternate").address):
        done = firewall(lab, config)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("PROBLEM")
    assert "upstream-blocks alternate over fibre" in done.stdout
    assert f"administratively prohibited, says {FIBRE_ROUTER}" in done.stdout


def test_a_rule_of_this_host_is_named_by_its_copy_and_no_one_upstream_is_blamed(lab, config):
    drop = f"ip daddr {lab.sbc('alternate').address} udp dport 5060 drop"
    with rules(lab.cpe.namespace, "output", drop, priority=0):
        done = firewall(lab, config, "--json")
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    assert [finding["code"] for finding in said["findings"]] == ["firewall-blocks-alternate"]
    rows = [row for row in said["egress"] if row["sbc"] == "alternate"]
    assert {(row["outcome"], row["cause"]) for row in rows} == {("forbidden here", "local rule")}
    assert all(drop in row["detail"] for row in rows)


def test_answers_that_this_host_drops_are_its_own_rule(lab, config):
    drop = f"ip saddr {lab.sbc('alternate').address} udp sport 5060 drop"
    with rules(lab.cpe.namespace, "input", drop, priority=0):
        done = firewall(lab, config, "--json")
    assert done.returncode == 1, done.stderr
    rows = [row for row in json.loads(done.stdout)["egress"] if row["sbc"] == "alternate"]
    assert {(row["outcome"], row["cause"]) for row in rows} == {("silent", "local rule")}


def test_an_ordinary_user_is_told_what_is_missing_and_probes_all_the_same(lab, config):
    done = firewall(lab, config, "--json", through=AS_NOBODY)
    assert done.returncode == 4, done.stderr
    assert "root" in done.stderr
    said = json.loads(done.stdout)
    assert said["firewall"] == []
    assert {row["cause"] for row in said["egress"]} == {"fine"}
    assert any(note.startswith("the rules of this host: cannot") for note in said["notes"])


def test_what_an_ordinary_user_finds_critical_outweighs_what_was_missing(lab, config):
    drop = f"ip daddr {lab.sbc('alternate').address} udp dport 5060 drop"
    with rules(lab.cpe.namespace, "output", drop, priority=0):
        done = firewall(lab, config, "--json", through=AS_NOBODY)
    assert done.returncode == 1, done.stderr
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["code"], finding["severity"]) == ("firewall-blocks-sip", "critical")


def test_a_kernel_that_gives_no_namespace_is_told_and_the_probes_are_sent(lab, config):
    without = ("setpriv", "--bounding-set", "-sys_admin")
    done = firewall(lab, config, "--json", through=without)
    assert done.returncode == 4, (done.stdout, done.stderr)
    assert "cannot make a network namespace" in done.stderr
    assert {row["cause"] for row in json.loads(done.stdout)["egress"]} == {"fine"}


def test_without_the_tool_that_reads_the_rules_the_probes_are_sent_as_well(lab, config):
    done = firewall(lab, config, "--json", through=("env", "PATH=/nowhere"))
    assert done.returncode == 4, (done.stdout, done.stderr)
    assert "nft" in done.stderr
    assert {row["cause"] for row in json.loads(done.stdout)["egress"]} == {"fine"}


# --- the daemon


def test_a_daemon_finds_out_by_itself_where_a_path_is_stopped(lab, agent):
    block = f"iifname fibre ip daddr {lab.sbc('alternate').address} drop"
    with rules(lab.core, "forward", block):
        status = agent.wait_for(lambda now: now.has("upstream-blocks", "alternate over fibre"), within=40)
        assert not status.has("path-down")
        (row,) = [row for row in status["egress"] if (row["wan"], row["sbc"]) == ("fibre", "alternate")]
        assert (row["outcome"], row["last_hop"], row["cause"]) == ("silent", CORE_ROUTER, "upstream filter")
    status = agent.wait_for(lambda now: now["findings"] == [], within=20)
    assert status["egress"] == []


def test_a_daemon_measures_how_long_packets_may_be(lab, make_agent):
    agent = make_agent()
    with narrow(lab, 1400, tells=False):
        agent.start()
        status = agent.wait_for(lambda now: now.has("path-mtu"), within=150)
    (finding,) = [finding for finding in status["findings"] if finding["code"] == "path-mtu"]
    assert finding["evidence"]["largest"] == "1400"
