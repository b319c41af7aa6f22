"""A fleet on loopback: polled, discovered, and its broken parts named."""

from __future__ import annotations

import csv
import http.client
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.namespace import Process, run, until

pytestmark = pytest.mark.lab

TONEKEEPER = (sys.executable, "-m", "tonekeeper")
FIRST_PORT = 24000
SILENT_PORT = 23999


@contextmanager
def running(*command: str, output: Path, says: str) -> Iterator[Process]:
    process = Process((*TONEKEEPER, *command), output=output)
    try:
        until(lambda: says in process.output, within=30.0, what=f"it never says {says!r}\n{process.output}")
        yield process
    finally:
        process.kill()


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of 60 agents, every fifth of them with a dead primary SBC."""
    directory = tmp_path_factory.mktemp("fleet")
    path = directory / "sites.csv"
    command = ("fleet", "simulate", "60", "--first-port", str(FIRST_PORT), "--broken", "0.2", "--inventory", str(path))
    with running(*command, output=directory / "simulate.log", says="Ctrl-C ends them"):
        yield path


def polled(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and error."""
    done = subprocess.run((*TONEKEEPER, "fleet", "poll", *arguments), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_sites_with_one_broken_sbc_are_one_line(inventory: Path):
    code, said, _ = polled(str(inventory))
    assert code == 1
    assert said.startswith("60 sites: 0 unreachable, 12 critical, 0 warning, 48 fine\n")
    assert re.search(r"^ +12  critical +sbc-down sip:sbc1\.example\.net$", said, re.MULTILINE)


def test_a_broken_line_is_named_one_that_is_gone_is_told_and_the_others_are_polled(inventory: Path, tmp_path: Path):
    ugly = tmp_path / "sites.csv"
    ugly.write_text(f"{inventory.read_text()}gone,127.0.0.1:{SILENT_PORT}\nno address,two words\n")
    code, said, complained = polled(str(ugly), "--json", "--retries", "0")
    document = json.loads(said)
    assert code == 2
    assert document["states"] == {"unreachable": 1, "critical": 12, "warning": 0, "fine": 48}
    assert document["sites"][0]["error"] == "it cannot be reached: Connection refused"
    assert 'line 63 = "two words": is no address' in complained


def test_an_inventory_in_yaml_says_the_same(inventory: Path, tmp_path: Path):
    rows = list(csv.DictReader(inventory.read_text().splitlines()))[:3]
    path = tmp_path / "sites.yaml"
    path.write_text("".join(f"- name: {row['name']}\n  address: {row['address']}\n" for row in rows))
    code, said, _ = polled(str(path), "--csv")
    assert code == 0
    assert [row["name"] for row in csv.DictReader(said.splitlines())] == [row["name"] for row in rows]


def test_prometheus_can_ask_for_the_targets(inventory: Path, tmp_path: Path):
    listen = f"127.0.0.1:{SILENT_PORT - 1}"
    command = ("fleet", "targets", str(inventory), "--listen", listen)
    with running(*command, output=tmp_path / "targets.log", says="/targets"):
        connection = http.client.HTTPConnection(listen, timeout=5.0)
        connection.request("GET", "/targets")
        answer = connection.getresponse()
        groups = json.loads(answer.read())
        connection.close()
    assert answer.getheader("Content-Type") == "application/json"
    assert len(groups) == 60
    assert groups[0] == {"targets": [f"127.0.0.1:{FIRST_PORT}"], "labels": {"site": "site-00000"}}
    assert json.loads(run(*TONEKEEPER, "fleet", "targets", str(inventory))) == groups


def test_the_page_is_written_beside_the_answer(inventory: Path, tmp_path: Path):
    code, _, _ = polled(str(inventory), "--html", str(tmp_path / "fleet.html"))
    page = (tmp_path / "fleet.html").read_text()
    assert code == 1
    assert "<h1>60 sites</h1>" in page
    assert "sip:sbc1.example.net" in page
