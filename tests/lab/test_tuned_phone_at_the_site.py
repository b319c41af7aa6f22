"""`tonekeeper tune --deliver` on the CPE: a phone's file, a NOTIFY over the LAN, and the agent that watches."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab.agent import HTTP, Agent
from tests.lab.namespace import Process, until
from tests.lab.phone import ADDRESS
from tests.lab.test_phones_at_the_site import PROFILES, phone_at, register
from tests.lab.topology import Lab
from tonekeeper.wire.sip.message import decode_request
from tonekeeper.wire.sip.render import render_response

pytestmark = pytest.mark.lab

PORT = 5062
PASSWORD = "s3cret-of-erika"
OLD = f"account.1.password = {PASSWORD}\naccount.1.sip_server.1.expires = 3600\nsip.notify_reboot_enable = 0\n"
REGISTER_EVERY = 0.3
"""Seconds: a test need not wait for a phone's next REGISTER."""


class ScriptedPhone:
    """Registers with the expiry of its file as it last read that; a NOTIFY is answered with `status`.

    `rereads`: whether it does as the NOTIFY says once it took it.
    """

    def __init__(self, lab: Lab, file: Path, *, status: int = 200, rereads: bool = True) -> None:
        self._file = file
        self._status = status
        self._rereads = rereads
        self._sock = lab.phone.socket()
        self._sock.bind((ADDRESS, PORT))
        self._sock.settimeout(REGISTER_EVERY)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self.expiry = self._read()
        self.heard: list[str] = []
        """The Event of each NOTIFY."""

    def __enter__(self) -> ScriptedPhone:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._sock.close()

    def _read(self) -> int:
        found = re.search(r"expires = (\d+)", self._file.read_text())
        assert found is not None
        return int(found[1])

    def _live(self) -> None:
        cseq = 0
        while not self._ended.is_set():
            cseq += 1
            self._sock.sendto(register(cseq=cseq, expires=self.expiry), ("203.0.113.2", 5060))
            try:
                while True:
                    self._take(*self._sock.recvfrom(4096))
            except TimeoutError:
                continue

    def _take(self, data: bytes, source: tuple[str, int]) -> None:
        if not data.startswith(b"NOTIFY"):
            return
        request = decode_request(data)
        self.heard.append(request.header("event") or "")
        self._sock.sendto(render_response(request, self._status, "As Told", received=None), source)
        if self._rereads and self._status == 200:
            self.expiry = self._read()


@pytest.fixture
def finder(make_agent: Any) -> Agent:
    agent: Agent = make_agent(
        lan={"interfaces": ["lan0"], "probe": False}, agent={"profiles_dir": str(PROFILES)}, probe={"interval": "1s"}
    )
    agent.start()
    until(lambda: "phone-search-begun" in agent.output, within=20.0, what="it does not look for phones")
    return agent


@pytest.fixture
def mac(lab: Lab) -> str:
    address: str = json.loads(lab.phone.run("ip", "-json", "link", "show", "eth0"))[0]["address"]
    return address


@pytest.fixture
def file(tmp_path: Path, mac: str) -> Path:
    path = tmp_path / f"{mac.replace(':', '')}.cfg"
    path.write_text(OLD)
    return path


@contextmanager
def tuning(lab: Lab, file: Path, mac: str, *words: str) -> Iterator[Process]:
    """The command at work on the CPE."""
    where = ("--deliver", str(file.parent), "--mac", mac, "--notify", f"{ADDRESS}:{PORT}")
    agent = ("--url", f"http://{HTTP[0]}:{HTTP[1]}", "--profiles", str(PROFILES), "--lifetime", "60")
    command = (sys.executable, "-m", "tonekeeper", "tune", "--profile", "yealink-desk", *where, *agent, *words)
    process = lab.cpe.namespace.popen(*command, log=f"tune-{os.urandom(3).hex()}")
    try:
        yield process
    finally:
        process.kill()


def ended(lab: Lab, agent: Agent, file: Path, mac: str, *words: str) -> tuple[int, str]:
    """Exit code and output, once the agent knows the phone."""
    agent.wait_for(lambda status: phone_at(status, ADDRESS).get("expiry_s"), within=15.0)
    with tuning(lab, file, mac, *words) as process:
        code = process.wait(60.0)
    assert PASSWORD not in process.output
    return code, process.output


def is_as_it_was(file: Path) -> bool:
    return file.read_text() == OLD and list(file.parent.iterdir()) == [file]


def test_a_phone_that_does_as_it_is_told_keeps_the_new_values(lab, finder, file, mac):
    with ScriptedPhone(lab, file) as phone:
        code, output = ended(lab, finder, file, mac)
        assert code == 0, output
        assert phone.heard == ["check-sync;reboot=false"]
    assert phone.expiry == phone_at(finder.status(), ADDRESS)["expiry_s"] != 3600
    assert f"account.1.sip_server.1.expires: 3600 -> {phone.expiry}" in output
    assert f"taken: its expiry is {phone.expiry} s" in output
    assert PASSWORD in file.read_text()
    assert file.with_name(f"{file.name}.before-tonekeeper").read_text() == OLD


def test_a_phone_that_answers_and_does_nothing_gets_its_old_file_back(lab, finder, file, mac):
    with ScriptedPhone(lab, file, rereads=False) as phone:
        code, output = ended(lab, finder, file, mac, "--within", "4")
    assert code == 1, output
    assert "taken back: its expiry is 3600 s, not " in output
    assert len(phone.heard) == 2
    assert is_as_it_was(file)


@pytest.mark.parametrize("status", [401, 481, 489])
def test_a_phone_that_refuses_gets_its_old_file_back(lab, finder, file, mac, status):
    with ScriptedPhone(lab, file, status=status) as phone:
        code, output = ended(lab, finder, file, mac)
    assert code == 1, output
    assert f"taken back: it answers {status} As Told" in output
    assert len(phone.heard) == 1
    assert is_as_it_was(file)


def test_a_dry_run_tells_nobody(lab, finder, file, mac):
    with ScriptedPhone(lab, file) as phone:
        code, output = ended(lab, finder, file, mac, "--dry-run")
    assert code == 0, output
    assert "expires: 3600 -> " in output
    assert phone.heard == []
    assert is_as_it_was(file)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_who_interrupts_it_leaves_nothing_behind(lab, finder, file, mac, number):
    with ScriptedPhone(lab, file, rereads=False) as phone:
        finder.wait_for(lambda status: phone_at(status, ADDRESS).get("expiry_s"), within=15.0)
        with tuning(lab, file, mac) as process:
            until(lambda: phone.heard, within=30.0, what=f"the phone is not told\n{process.output}")
            assert file.read_text() != OLD
            process.signal(number)
            code = process.wait(30.0)
    assert code == 1, process.output
    assert "taken back: interrupted" in process.output
    assert len(phone.heard) == 2
    assert is_as_it_was(file)


def test_another_phone_than_the_one_the_file_is_of_is_left_alone(lab, finder, file, mac):
    other = file.with_name("001565000042.cfg")
    file.rename(other)
    with ScriptedPhone(lab, other) as phone:
        finder.wait_for(lambda status: phone_at(status, ADDRESS).get("mac"), within=75.0)
        with tuning(lab, other, "00:15:65:00:00:42") as process:
            code = process.wait(60.0)
    assert code == 2, process.output
    assert f"that is {mac}" in process.output
    assert phone.heard == []
