"""packaging/provider with the real programs: promtool and amtool accept it, Prometheus scrapes a real agent by it, the
alert of a real incident arrives at Alertmanager, and VictoriaMetrics is given the same series as Prometheus has.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.lab.agent import Agent
from tests.lab.namespace import run, until
from tests.lab.provider_kit import KIT, PATIENCE, PLAYBOOK, PROMETHEUS, SHARDS, STORE, Provider, Series
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

FIRST_PORT = 20000


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A copy with the files that a provider adds."""
    shutil.copytree(KIT, tmp_path / "kit")
    for file in ("tonekeeper.token", "tonekeeper-ca.pem"):
        (tmp_path / "kit" / "prometheus" / file).touch()
    return tmp_path / "kit"


# --- what the programs say of the files


def test_promtool_accepts_the_configurations_and_the_rules(kit: Path):
    run("promtool", "check", "config", str(kit / "prometheus/prometheus.yml"))
    run("promtool", "check", "config", "--agent", str(kit / "prometheus/agent.yml"))


def test_each_alert_fires_where_it_should_and_nowhere_else(kit: Path):
    run("promtool", "test", "rules", str(kit / "prometheus/tests/alerts.test.yml"), within=60)


def test_every_query_of_the_dashboard_is_promql(tmp_path: Path):
    dashboard = json.loads((KIT / "grafana/tonekeeper.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    rules = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "dashboard.rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(queries)} rules found" in run("promtool", "check", "rules", str(file))


def test_amtool_accepts_the_example_and_wakes_only_for_what_is_critical():
    file = str(KIT / "alertmanager/alertmanager.yml")
    run("amtool", "check-config", file)
    for severity, receiver in (("critical", "on-call"), ("warning", "morning")):
        route = ("amtool", "config", "routes", "test", f"--config.file={file}", f"severity={severity}")
        assert run(*route).strip() == receiver


def test_one_broken_sbc_is_one_message_and_what_follows_from_it_none(provider: Provider):
    finding = {"alertname": "SiteHasCriticalFinding", "severity": "warning"}
    of_primary = [
        {**finding, "site": site, "code": "sbc-down", "subject": "primary", "sbc": "primary"}
        for site in ("one", "two", "three")
    ]
    of_others = [
        {**finding, "site": "four", "code": "sbc-down", "subject": "alternate", "sbc": "alternate"},
        {**finding, "site": "five", "code": "firewall-blocks-alternate", "subject": "alternate"},
    ]
    provider.start_alertmanager()

    provider.raise_alerts(*of_primary, *of_others)

    groups = [[alert["labels"]["site"] for alert in group["alerts"]] for group in provider.groups_of_alerts()]
    assert sorted(map(sorted, groups)) == [["five"], ["four"], ["one", "three", "two"]]

    provider.raise_alerts({"alertname": "SbcDownAtManySites", "severity": "critical", "sbc": "primary"})

    held_back = until(
        lambda: {alert["labels"]["site"] for alert in provider.alerts() if alert["status"]["inhibitedBy"]},
        within=PATIENCE,
        what="nothing is held back",
    )
    assert held_back == {"one", "two", "three"}


# --- one Prometheus, and an agent


def test_an_agent_is_discovered_and_scraped_and_its_incident_arrives_at_alertmanager(
    lab: Lab, provider: Provider, make_agent: Callable[..., Agent]
):
    shown = lab.authority.issue("127.0.0.1")
    http = {"token_file": str(provider.token), "tls_cert": str(shown.certificate), "tls_key": str(shown.key)}
    make_agent(http=http).launch()
    provider.serve_targets("name,address,region\nlab-site,https://127.0.0.1:8642,north\n")
    provider.start_alertmanager()
    provider.start_store()
    provider.start_prometheus(store=True)

    provider.wait_for('up{job="tonekeeper",site="lab-site",instance="lab-site",region="north"}', 1)
    provider.wait_for("fleet:tonekeeper_path_up:avg", 1)
    of_agent = '{job="tonekeeper",__name__=~"tonekeeper_.+"}'
    (scraped,) = provider.query("scrape_samples_scraped").values()
    assert len(provider.query(of_agent)) == scraped > 90
    until(
        lambda: names_of(provider.query(of_agent, port=STORE)) == names_of(provider.query(of_agent)),
        within=PATIENCE,
        every=0.5,
        what="the store has other series than Prometheus",
    )

    with lab.silence(lab.sbc("primary")), lab.silence(lab.sbc("alternate")):
        alert = provider.wait_for_alert("SiteCannotCall")
        assert alert["labels"] == {"alertname": "SiteCannotCall", "severity": "critical", "site": "lab-site"}
        assert alert["annotations"]["runbook_url"] == f"{PLAYBOOK}#site-offline"
        assert alert["receivers"] == [{"name": "on-call"}]
        provider.wait_for("site:tonekeeper_state:worst", 2)
    provider.wait_for('count(ALERTS{alertname="SiteCannotCall"}) or vector(0)', 0)


def test_a_token_that_is_replaced_needs_no_reload_of_prometheus(provider: Provider, make_agent: Callable[..., Agent]):
    right = provider.directory / "right.token"
    right.write_text(provider.token.read_text())
    make_agent(http={"token_file": str(right)}).launch()
    provider.serve_targets("name,address\nlab-site,127.0.0.1:8642\n")
    provider.token.write_text("another token\n")
    provider.start_prometheus()
    until(
        lambda: (
            [one["lastError"] for one in provider.targets(PROMETHEUS)]
            == ["server returned HTTP status 401 Unauthorized"]
        ),
        within=PATIENCE,
        every=0.2,
        what=provider.output,
    )

    provider.token.write_text(right.read_text())

    provider.wait_for('up{job="tonekeeper"}', 1)


# --- beyond one Prometheus


def test_shards_share_a_fleet_and_the_rules_are_evaluated_where_its_series_meet(provider: Provider):
    agents, shards = 12, 2
    provider.serve_targets(provider.simulate(agents, broken=0.5))
    provider.start_alertmanager()
    provider.start_store()
    for number in range(shards):
        provider.start_shard(number, shards)

    provider.wait_for('count(up{job="tonekeeper"} == 1)', agents, port=STORE)
    scraped = [{one["labels"]["site"] for one in provider.targets(SHARDS + number)} for number in range(shards)]
    assert all(scraped)
    assert sum(map(len, scraped)) == len(set().union(*scraped)) == agents
    written = provider.query('{site="site-00001",__name__=~"tonekeeper_.+"}', port=STORE)
    assert names_of(written) == told_by(provider, 1)

    provider.start_rules_of_store()
    alert = provider.wait_for_alert("SbcDownAtManySites")
    assert alert["labels"]["sbc"] == "sbc1"
    assert alert["annotations"]["summary"] == "SBC sbc1 is down for 50% of its sites"
    assert alert["annotations"]["runbook_url"] == f"{PLAYBOOK}#sbc-down"


def names_of(series: dict[Series, float]) -> set[Series]:
    return set(series)


def told_by(provider: Provider, number: int) -> set[Series]:
    """The series of a simulated agent as they are after scraping."""
    site = f"site-{number:05}"
    body = provider.get(FIRST_PORT + number, "/metrics")[1].decode()
    of_target = {"site": site, "instance": site, "job": "tonekeeper"}
    return {
        frozenset(({"__name__": sample.name} | sample.labels | of_target).items())
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
