"""The provider's side in a namespace: his real programs, run on the files of packaging/provider, only in a hurry.

    sites <- Prometheus (9090) or its shards (9091, ...) <- tonekeeper fleet targets (8643)
                 |                      |
    Alertmanager (9093) <- vmalert <- VictoriaMetrics (8428)

In a hurry: every 60 s becomes 1 s, or `every`, and what an alert waits for is a second for each minute.
"""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from tests.lab.certificates import Authority
from tests.lab.namespace import LabError, Namespace, Process, until

KIT = Path(__file__).parents[2] / "packaging" / "provider"
HOST = "127.0.0.1"
TARGETS, PROMETHEUS, SHARDS, ALERTMANAGER, SNMP_EXPORTER, STORE = 8643, 9090, 9091, 9093, 9116, 8428
PLAYBOOK = "https://noc.example.net/tonekeeper/docs/playbook.md"
PATIENCE = 60.0
"""Seconds. Prometheus takes 5 to discover, 5 to write; VictoriaMetrics looks for new series every 10."""

Series = frozenset[tuple[str, str]]
"""Labels, the name among them."""


class Provider:
    """His programs; all of them end with `close`. `directory` is for their files."""

    def __init__(self, namespace: Namespace, directory: Path, authority: Authority, *, every: int = 1) -> None:
        self._every = every
        self.namespace = namespace
        self.directory = directory
        self.token = directory / "tonekeeper.token"
        self._processes: dict[str, Process] = {}
        self.token.write_text("a token of the lab\n")
        (directory / "tonekeeper-ca.pem").write_text(authority.root.read_text())

    # --- the programs

    def serve_targets(self, inventory: str) -> None:
        file = self.directory / "sites.csv"
        file.write_text(inventory)
        self._start("targets", *_tonekeeper("fleet", "targets", str(file), "--listen", f"{HOST}:{TARGETS}"))
        self._wait_for(TARGETS, "/targets")

    def simulate(self, agents: int, broken: float) -> str:
        """The inventory of them."""
        file = self.directory / "simulated.csv"
        self._start(
            "simulate",
            *_tonekeeper("fleet", "simulate", str(agents), "--broken", str(broken), "--inventory", str(file)),
        )
        until(lambda: "Ctrl-C" in self._processes["simulate"].output, within=PATIENCE, what="no simulated agents")
        return file.read_text()

    def start_prometheus(self, *, store: bool = False) -> None:
        """As prometheus.yml says, `store`: with the remote write that is a comment there."""
        text = (KIT / "prometheus" / "prometheus.yml").read_text()
        if store:
            head, _, tail = text.partition("# remote_write:")
            text = f"{head}remote_write:{re.sub('^# ', '', tail, flags=re.MULTILINE)}"
        for file in ("recording.rules.yml", "alerts.rules.yml"):
            (self.directory / file).write_text(hurried_rules(file))
        self._start_prometheus("prometheus", PROMETHEUS, text, f"--storage.tsdb.path={self.directory}/tsdb")

    def start_shard(self, number: int, shards: int) -> None:
        """As agent.yml says."""
        text = (KIT / "prometheus" / "agent.yml").read_text()
        text = text.replace("modulus: 4", f"modulus: {shards}").replace('regex: "0"', f'regex: "{number}"')
        in_agent_mode = ("--enable-feature=agent", f"--storage.agent.path={self.directory}/shard-{number}")
        self._start_prometheus(f"shard-{number}", SHARDS + number, text, *in_agent_mode)

    def _start_prometheus(self, name: str, port: int, text: str, *options: str) -> None:
        file = self.directory / f"{name}.yml"
        file.write_text(hurried(text, self._every))
        self._start(name, "prometheus", f"--config.file={file}", f"--web.listen-address={HOST}:{port}", *options)
        self._wait_for(port, "/-/ready")

    def start_alertmanager(self) -> None:
        self._start(
            "alertmanager",
            "prometheus-alertmanager",
            f"--config.file={KIT / 'alertmanager' / 'alertmanager.yml'}",
            f"--storage.path={self.directory}/alertmanager",
            f"--web.listen-address={HOST}:{ALERTMANAGER}",
            "--cluster.listen-address=",
        )
        self._wait_for(ALERTMANAGER, "/-/ready")

    def start_snmp_exporter(self, **auth: str) -> None:
        """As snmp.yml says, with these keys of a user."""
        module = yaml.safe_load((KIT / "snmp_exporter" / "snmp.yml").read_text())
        module["tonekeeper"]["auth"] |= auth
        file = self.directory / "snmp.yml"
        file.write_text(yaml.safe_dump(module))
        listen = f"--web.listen-address={HOST}:{SNMP_EXPORTER}"
        self._start("snmp-exporter", "prometheus-snmp-exporter", f"--config.file={file}", listen)
        self._wait_for(SNMP_EXPORTER, "/")

    def start_store(self) -> None:
        self._start(
            "store",
            "victoria-metrics",
            f"-storageDataPath={self.directory}/store",
            f"-httpListenAddr={HOST}:{STORE}",
            "-search.latencyOffset=0s",
        )
        self._wait_for(STORE, "/health")

    def start_rules_of_store(self) -> None:
        rules = []
        for name in ("recording.rules.yml", "alerts.rules.yml"):
            file = self.directory / name
            file.write_text(hurried_rules(name))
            rules.append(f"-rule={file}")
        self._start(
            "vmalert",
            "vmalert",
            *rules,
            f"-datasource.url=http://{HOST}:{STORE}",
            f"-remoteWrite.url=http://{HOST}:{STORE}",
            f"-notifier.url=http://{HOST}:{ALERTMANAGER}",
            f"-external.label=playbook={PLAYBOOK}",
            f"-httpListenAddr={HOST}:8880",
            "-evaluationInterval=1s",
        )

    def _start(self, name: str, *command: str) -> None:
        self._processes[name] = self.namespace.popen(*command, log=f"{self.directory.name}-{name}")

    def close(self) -> None:
        """The latest first: who writes ends before whom he writes to."""
        for process in reversed(self._processes.values()):
            process.signal(signal.SIGTERM)
            try:
                process.wait(5.0)
            except LabError:
                process.kill()

    @property
    def output(self) -> str:
        return "\n".join(f"--- {name}\n{process.output[-3000:]}" for name, process in self._processes.items())

    # --- questions

    def query(self, expression: str, *, port: int = PROMETHEUS) -> dict[Series, float]:
        """What is there now."""
        result = self._json(port, f"/api/v1/query?query={quote(expression)}")["data"]["result"]
        return {frozenset(one["metric"].items()): float(one["value"][1]) for one in result}

    def wait_for(self, expression: str, value: float, *, port: int = PROMETHEUS) -> None:
        """Until it has one series, with that value."""

        def so() -> bool:
            return list(self.query(expression, port=port).values()) == [value]

        until(so, within=PATIENCE, every=0.2, what=f"{expression} is not {value}\n{self.output}")

    def targets(self, port: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._json(port, "/api/v1/targets")["data"]["activeTargets"]
        return found

    def wait_for_alert(self, name: str) -> dict[str, Any]:
        """As Alertmanager has it."""

        def arrived() -> list[dict[str, Any]]:
            return [alert for alert in self.alerts() if alert["labels"]["alertname"] == name]

        return until(arrived, within=PATIENCE, every=0.2, what=f"no alert {name}\n{self.output}")[0]

    def raise_alerts(self, *labels: dict[str, str]) -> None:
        """At Alertmanager."""
        status, body = self._request("POST", ALERTMANAGER, "/api/v2/alerts", [{"labels": each} for each in labels])
        assert status == 200, body

    def alerts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._json(ALERTMANAGER, "/api/v2/alerts")
        return found

    def groups_of_alerts(self) -> list[dict[str, Any]]:
        """Each will be one notification."""
        found: list[dict[str, Any]] = self._json(ALERTMANAGER, "/api/v2/alerts/groups")
        return found

    def get(self, port: int, path: str) -> tuple[int, bytes]:
        return self._request("GET", port, path)

    def _request(self, method: str, port: int, path: str, body: object = None) -> tuple[int, bytes]:
        connection = _Connection(self.namespace, port)
        headers = {"Connection": "close", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (ConnectionError, TimeoutError):
            return 0, b""
        finally:
            connection.close()

    def _json(self, port: int, path: str) -> Any:
        status, body = self.get(port, path)
        assert status == 200, f"GET {path}: {status} {body!r}\n{self.output}"
        return json.loads(body)

    def _wait_for(self, port: int, path: str) -> None:
        until(
            lambda: self.get(port, path)[0] == 200,
            within=PATIENCE,
            every=0.05,
            what=f"nobody answers {path} on port {port}\n{self.output}",
        )


class _Connection(http.client.HTTPConnection):
    def __init__(self, namespace: Namespace, port: int) -> None:
        super().__init__(HOST, port, timeout=10.0)
        self._namespace = namespace

    def connect(self) -> None:
        self.sock = self._namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect((self.host, self.port))


def _tonekeeper(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "tonekeeper", *words)


def hurried(configuration: str, every: int) -> str:
    """Scrapes, rules and discovery `every` so many seconds."""
    return configuration.replace(": 60s", f": {every}s").replace("scrape_timeout: 10s", f"scrape_timeout: {every}s")


def hurried_rules(file: str) -> str:
    """A second for each minute that an alert waits."""
    document = yaml.safe_load((KIT / "prometheus" / file).read_text())
    for group in document["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                number, unit = int(rule["for"][:-1]), rule["for"][-1]
                rule["for"] = f"{number * {'m': 1, 'h': 60}[unit]}s"
    return yaml.safe_dump(document)
