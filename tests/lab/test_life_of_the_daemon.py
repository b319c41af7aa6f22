"""Start, reload, end, and the ground the daemon stands on: its files, its port, its interfaces."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.agent import HTTP, Agent
from tests.lab.namespace import until
from tests.lab.topology import Lab
from tests.lab.wiretap import Wiretap

pytestmark = pytest.mark.lab


def test_sigterm_ends_it_within_a_second_and_leaves_the_kernel_as_it_was(lab: Lab, make_agent: Callable[..., Agent]):
    def kernel() -> list[str]:
        asked = (
            ("ip", "route", "show", "table", "all"),
            ("ip", "rule"),
            ("ip", "-o", "address"),
            ("nft", "list", "ruleset"),
        )
        return [line for command in asked for line in lab.cpe.namespace.run(*command).splitlines()]

    before = kernel()
    agent = make_agent()
    agent.start()
    assert agent.stop() == 0
    assert kernel() == before
    assert lab.cpe.namespace.udp_ports() == set()


def test_sigterm_in_the_middle_of_an_outage_is_as_quick(lab: Lab, agent: Agent):
    with lab.provider("fibre").cut(), lab.silence(lab.sbc("primary")):
        agent.wait_for(lambda now: now.wan("fibre")["state"] == "down", within=10)
        assert agent.stop() == 0


def test_sighup_takes_the_new_configuration_and_keeps_the_history(lab: Lab, agent: Agent):
    with lab.provider("lte").silence(lab.sbc("alternate").address):
        before = agent.wait_for(lambda now: now.path("lte", "alternate")["state"] == "down", within=15)
    agent.configure(agent={"name": "renamed-site"})
    agent.reload()
    after = agent.wait_for(lambda now: now["agent"]["name"] == "renamed-site", within=5)
    for path in before.paths:
        (same,) = (one for one in after.paths if (one["wan"], one["address"]) == (path["wan"], path["address"]))
        assert same["sent"] >= path["sent"] > 0
        assert same["received"] >= path["received"]
    assert after.path("fibre", "primary")["since_s"] >= before.path("fibre", "primary")["since_s"]
    assert after["agent"]["uptime_s"] >= before["agent"]["uptime_s"]
    assert after.active == before.active
    assert after["active"]["since_s"] >= before["active"]["since_s"]


def test_sighup_with_a_third_sbc_probes_it_too_and_without_it_stops(lab: Lab, agent: Agent):
    known = [{"name": sbc.name, "uri": sbc.uri} for sbc in lab.sbcs]
    agent.configure(sbc=[*known, {"name": "third", "uri": "sip:203.0.113.18:5060"}])
    agent.reload()
    agent.wait_for(lambda now: len(now["sbcs"]) == 3 and now.sbc("third")["state"] == "down", within=15)
    agent.configure(sbc=known)
    agent.reload()
    status = agent.wait_for(lambda now: len(now["sbcs"]) == 2, within=5)
    assert {path["state"] for path in status.paths} == {"up"}
    assert not status.has("sbc-down")


def test_sighup_with_a_broken_configuration_changes_nothing_and_says_so(agent: Agent):
    good = agent.config.read_text()
    agent.config.write_text(good.replace('interval = "1s"', 'interval = "soon"'))
    agent.reload()
    until(lambda: "probe.interval" in agent.output, within=5, what="the mistake is in the log")
    sent = agent.status().path("fibre", "primary")["sent"]
    agent.wait_for(lambda now: now.path("fibre", "primary")["sent"] > sent, within=5)


def test_the_log_has_a_line_per_change_and_none_per_probe(lab: Lab, agent: Agent):
    quiet = agent.log
    sent = agent.status().path("fibre", "primary")["sent"]
    agent.wait_for(lambda now: now.path("fibre", "primary")["sent"] >= sent + 3, within=10)
    assert agent.log == quiet
    lab.sbc("primary").stop()
    agent.wait_for(lambda now: now.sbc("primary")["state"] == "down", within=10)
    lines = agent.log[len(quiet) :]
    assert sum("sbc primary" in line and "down" in line for line in lines if "finding" not in line) == 1


def test_the_journal_of_an_incident_replays_byte_for_byte_under_any_hash_seed(lab: Lab, agent: Agent):
    with lab.silence(lab.sbc("primary")):
        agent.wait_for(lambda now: now.active == ("fibre", "alternate"), within=15)
    with lab.provider("lte").cut():
        agent.wait_for(lambda now: now.wan("lte")["state"] == "down", within=5)
    agent.configure(probe={"interval": "2s"})
    agent.reload()
    agent.wait_for(lambda now: now.active == ("fibre", "primary"), within=25)
    assert agent.stop() == 0
    outputs = {replay(agent, hash_seed) for hash_seed in ("0", "1")}
    assert len(outputs) == 1, "two hash seeds give two replays"


def test_what_led_to_a_critical_finding_is_on_disk_at_once_and_replays_without_a_torn_end(lab: Lab, agent: Agent):
    with lab.provider("fibre").cut(), lab.provider("lte").cut():
        agent.wait_for(lambda now: any(one["severity"] == "critical" for one in now["findings"]), within=15)
        agent.kill()
    lines = agent.journal_lines()
    assert any(b'["LogChange",{"subject":"finding ' in line for line in lines)
    journal = agent.journals[-1]
    journal.write_bytes(journal.read_bytes()[:-7])
    assert 1 < len(agent.journal_lines()) < len(lines)
    replay(agent, "0")


def replay(agent: Agent, hash_seed: str) -> str:
    """What `replay --verify` says about the agent's journal; it must say yes."""
    done = subprocess.run(
        [sys.executable, "-m", "tonekeeper", "replay", "--verify", str(agent.state_dir)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_bounded_journal_replays_from_the_oldest_segment_that_is_left(make_agent: Callable[..., Agent]):
    agent = make_agent(journal={"max_bytes": "64KiB"})
    agent.start()
    assert agent.stop() == 0
    first = agent.journals[0]
    for number in range(2, 2 + 60 * 1024 // first.stat().st_size):
        shutil.copy(first, first.with_name(f"journal-{number:08}.jsonl.gz"))
    agent.start()
    until(lambda: not first.exists(), within=60, what="the oldest segment is gone", every=0.2)
    assert agent.stop() == 0
    assert len(agent.journals) > 1
    assert sum(path.stat().st_size for path in agent.journals) <= 64 * 1024
    replay(agent, "0")


def test_a_second_daemon_on_the_same_state_directory_ends_and_names_the_first(
    agent: Agent, make_agent: Callable[..., Agent]
):
    second = make_agent(agent={"state_dir": str(agent.state_dir)})
    second.launch()
    assert second.process.wait(10) != 0
    assert f"process {agent.process.pid}" in second.output
    assert agent.process.running


def test_a_restart_goes_on_with_the_journal_it_finds(lab: Lab, make_agent: Callable[..., Agent]):
    agent = make_agent()
    agent.start()
    assert agent.stop() == 0
    agent.start()
    assert agent.stop() == 0
    replay(agent, "0")


def inside(agent: Agent, path: Path) -> Path:
    """The same path as the daemon's own mount namespace has it."""
    return Path(f"/proc/{agent.process.pid}/root{path}")


def test_a_read_only_state_directory_is_a_finding_and_the_probing_goes_on(make_agent: Callable[..., Agent]):
    agent = make_agent(state_mount="ro")
    agent.start()
    status = agent.status()
    assert status.has("journal-unwritable")
    assert {path["state"] for path in status.paths} == {"up"}
    assert agent.stop() == 0


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 1024)


def test_a_disk_that_fills_up_is_a_finding_until_there_is_room_again(make_agent: Callable[..., Agent]):
    agent = make_agent(state_mount="size=256k")
    agent.start()
    assert not agent.status().has("journal-unwritable")
    filler = inside(agent, agent.state_dir) / "somebody-elses-file"
    fill(filler)
    status = agent.wait_for(lambda now: now.has("journal-unwritable"), within=15)
    sent = status.path("fibre", "primary")["sent"]
    agent.wait_for(lambda now: now.path("fibre", "primary")["sent"] >= sent + 2, within=10)
    filler.unlink()
    agent.wait_for(lambda now: not now.has("journal-unwritable"), within=20)
    assert agent.stop() == 0


def test_a_taken_port_keeps_the_page_away_but_not_the_probes(lab: Lab, make_agent: Callable[..., Agent]):
    agent = make_agent()
    with agent.namespace.socket(socket.AF_INET, socket.SOCK_STREAM) as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # earlier tests' connections linger
        squatter.bind(HTTP)
        squatter.listen()
        with Wiretap(lab.provider("fibre").namespace, "access") as tap:
            agent.launch()
            for _ in range(2):
                tap.next_probe(lab.sbc("primary").endpoint)
        until(lambda: "http-unavailable" in agent.output, within=5, what="the finding is in the log")
    agent.wait_ready()
    assert not agent.status().has("http-unavailable")


def test_an_interface_that_is_not_there_is_a_wan_that_is_down_until_it_comes(
    lab: Lab, make_agent: Callable[..., Agent]
):
    agent = make_agent(wan=[{"name": "fibre", "interface": "eth0"}, {"name": "dsl", "interface": "ppp9"}])
    agent.launch()
    agent.wait_served()
    status = agent.wait_for(lambda now: now.wan("dsl")["state"] == "down", within=5)
    assert status.has("wan-down", "dsl")
    agent.wait_for(lambda now: now.path("fibre", "primary")["state"] == "up", within=5)
    lab.cpe.namespace.run("ip", "link", "add", "ppp9", "type", "veth", "peer", "modem")
    try:
        lab.cpe.namespace.run("ip", "-batch", "-", stdin="link set modem up\nlink set ppp9 up\n")
        agent.wait_for(lambda now: now.wan("dsl")["carrier"] == "yes", within=5)
    finally:
        lab.cpe.namespace.run("ip", "link", "del", "ppp9")
    agent.wait_for(lambda now: now.wan("dsl")["carrier"] == "no", within=5)


def test_a_wrong_configuration_ends_it_with_2_before_anything_is_sent(make_agent: Callable[..., Agent]):
    agent = make_agent(probe={"interval": "soon"})
    agent.launch()
    assert agent.process.wait(10) == 2
    assert "probe.interval" in agent.output


def test_sigint_ends_it_like_sigterm(agent: Agent):
    agent.process.signal(signal.SIGINT)
    assert agent.process.wait(1.0) == 0
