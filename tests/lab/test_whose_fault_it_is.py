"""Every path is watched from its own WAN, and what goes wrong is blamed on whom it should be."""

from __future__ import annotations

import pytest

from tests.lab.agent import Agent, Status
from tests.lab.topology import Lab
from tests.lab.wiretap import Wiretap

pytestmark = pytest.mark.lab


def states(status: Status) -> dict[str, str]:
    """State of each path: {"fibre/primary": "up", ...}"""
    return {f"{path['wan']}/{sbc['name']}": path["state"] for sbc in status["sbcs"] for path in sbc["paths"]}


def blamed(status: Status) -> set[str]:
    """The WANs that are blamed and the SBCs that are down."""
    wans = {wan["name"] for wan in status["wans"] if wan["blamed"]}
    return wans | {sbc["name"] for sbc in status["sbcs"] if sbc["state"] == "down"}


ALL_UP = {"fibre/primary": "up", "lte/primary": "up", "fibre/alternate": "up", "lte/alternate": "up"}


def test_every_path_comes_up_over_the_default_wan_and_over_the_other(agent: Agent):
    status = agent.status()
    assert states(status) == ALL_UP
    assert {wan["state"] for wan in status["wans"]} == {"up"}
    assert {sbc["state"] for sbc in status["sbcs"]} == {"healthy"}
    assert status.active == ("fibre", "primary")
    assert status["findings"] == []


def test_each_path_is_probed_out_of_its_own_wan(lab: Lab, agent: Agent):
    for provider in lab.providers:
        with Wiretap(provider.namespace, "access") as tap:
            for sbc in lab.sbcs:
                probe = tap.next_probe(sbc.endpoint)
                assert probe.source[0] == provider.wan_address
                assert f"Via: SIP/2.0/UDP {provider.wan_address}:".encode() in probe.payload


def test_a_silent_sbc_is_the_sbc_and_the_site_goes_to_the_other(lab: Lab, agent: Agent):
    with lab.silence(lab.sbc("primary")):
        status = agent.wait_for(lambda now: blamed(now) == {"primary"}, within=15)
        assert status.active == ("fibre", "alternate")
        assert states(status) == {**ALL_UP, "fibre/primary": "down", "lte/primary": "down"}
        assert status.has("sbc-down", "primary")
        assert not status.has("path-down")
        assert {wan["state"] for wan in status["wans"]} == {"up"}


def test_a_stopped_sbc_is_seen_through_icmp_without_a_doubt(lab: Lab, agent: Agent):
    lab.sbc("primary").stop()
    status = agent.wait_for(lambda now: blamed(now) == {"primary"}, within=10)
    for wan in ("fibre", "lte"):
        assert "port unreachable" in status.path(wan, "primary")["reason"]
        (change,) = status.history(f"path {wan}/primary/udp")[-1:]
        assert (change["before"], change["after"]) == ("up", "down")
    assert status.active == ("fibre", "alternate")


def test_a_frozen_sbc_is_as_good_as_a_silent_one(lab: Lab, agent: Agent):
    lab.sbc("primary").freeze()
    agent.wait_for(lambda now: blamed(now) == {"primary"} and now.active == ("fibre", "alternate"), within=15)
    lab.sbc("primary").thaw()
    agent.wait_for(lambda now: states(now) == ALL_UP, within=15)


def test_a_silent_wan_is_the_wan_and_both_sbcs_stay_innocent(lab: Lab, agent: Agent):
    with lab.provider("fibre").silence():
        status = agent.wait_for(lambda now: blamed(now) == {"fibre"}, within=15)
        assert status.active == ("lte", "primary")
        assert status.has("wan-down", "fibre")
        assert not status.has("sbc-down")
        assert {sbc["state"] for sbc in status["sbcs"]} == {"healthy"}
    agent.wait_for(lambda now: states(now) == ALL_UP and not blamed(now), within=15)


@pytest.mark.parametrize("wan", ["fibre", "lte"])
def test_one_blocked_cell_is_the_path(lab: Lab, agent: Agent, wan: str):
    with lab.provider(wan).silence(lab.sbc("primary").address):
        status = agent.wait_for(lambda now: now.has("path-down"), within=15)
        assert states(status) == {**ALL_UP, f"{wan}/primary": "down"}
        assert blamed(status) == set()
        assert not status.has("sbc-down")
        assert not status.has("wan-down")


def test_a_firewall_that_rejects_is_the_path_and_says_so(lab: Lab, agent: Agent):
    with lab.provider("lte").reject(lab.sbc("alternate").address, "admin-prohibited"):
        status = agent.wait_for(lambda now: now.has("path-down"), within=10)
        assert blamed(status) == set()
        path = status.path("lte", "alternate")
        assert "prohibited" in path["reason"]
        assert lab.provider("lte").gateway in path["reason"]


def test_a_cut_line_is_the_wan_at_once(lab: Lab, agent: Agent):
    with lab.provider("fibre").cut():
        status = agent.wait_for(lambda now: blamed(now) == {"fibre"}, within=5)
        assert status.wan("fibre")["carrier"] == "no"
        assert status.wan("fibre")["state"] == "down"
        agent.wait_for(lambda now: now.active == ("lte", "primary"), within=5)
    status = agent.wait_for(lambda now: states(now) == ALL_UP, within=20)
    assert status.wan("fibre")["carrier"] == "yes"


@pytest.mark.parametrize("wan", ["fibre", "lte"])
def test_a_wan_without_its_address_is_down_until_it_has_one_again(lab: Lab, agent: Agent, wan: str):
    with lab.cpe.remove_address(lab.provider(wan)):
        status = agent.wait_for(lambda now: now.wan(wan)["state"] == "down", within=5)
        assert status.wan(wan)["addresses"] == []
        assert status.has("wan-down", wan)
    agent.wait_for(lambda now: states(now) == ALL_UP, within=20)


def test_all_silent_is_us_and_nobody_else(lab: Lab, agent: Agent):
    with lab.provider("fibre").silence(), lab.provider("lte").silence():
        status = agent.wait_for(lambda now: now.has("site-offline"), within=15)
        assert blamed(status) == set()
        assert status.active == ("fibre", "primary"), "there is nowhere to go, so it stays"
    agent.wait_for(lambda now: states(now) == ALL_UP and now["findings"] == [], within=20)


def test_an_sbc_that_answers_500_is_degraded_not_down(lab: Lab, agent: Agent):
    lab.sbc("primary").answer(500)
    status = agent.wait_for(lambda now: now.sbc("primary")["state"] == "degraded", within=10)
    assert states(status) == ALL_UP
    assert blamed(status) == set()
    agent.wait_for(lambda now: now.active == ("fibre", "alternate"), within=10)
    lab.sbc("primary").answer_normally()
    agent.wait_for(lambda now: now.sbc("primary")["state"] == "healthy", within=10)


@pytest.mark.parametrize("code", [401, 404, 405])
def test_an_sbc_that_dislikes_the_question_is_healthy(lab: Lab, agent: Agent, code: int):
    lab.sbc("primary").answer(code)
    status = agent.wait_for(lambda now: now.path("fibre", "primary")["last_reply"] == str(code), within=10)
    assert status.sbc("primary")["state"] == "healthy"
    assert status.active == ("fibre", "primary")


def test_an_sbc_that_answers_late_is_not_down(lab: Lab, agent: Agent):
    lab.sbc("primary").answer_late(0.4)
    seen = agent.watch(until=lambda now: (now.path("fibre", "primary")["rtt_ms"] or 0) > 150, within=20)
    assert {status.path("fibre", "primary")["state"] for status in seen} <= {"up", "suspect"}
    assert "down" not in {change["after"] for change in seen[-1].history("path fibre/primary")}
    assert seen[-1].active == ("fibre", "primary")


def test_losing_three_of_every_ten_packets_is_loss_and_no_verdict(lab: Lab, agent: Agent):
    before = agent.status().path("fibre", "primary")
    assert before["confirmations"] >= 3, "a burst of three must not be enough"
    with lab.provider("fibre").lose_bursts(3, of=10, address=lab.sbc("primary").address):
        status = agent.wait_for(lambda now: now.path("fibre", "primary")["sent"] >= before["sent"] + 14, within=30)
    after = status.path("fibre", "primary")
    assert after["sent"] - after["received"] - (before["sent"] - before["received"]) >= 6
    assert after["loss"] > 0.05
    assert "down" not in {change["after"] for change in status.history("path fibre/primary")}
    assert status.active == ("fibre", "primary")
