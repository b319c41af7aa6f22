"""The agent as net-snmp's managers see it: asked by SNMPv2c and v3, by those who may and those who may not.

phone ---- cpe (the agent, 127.0.0.1:1161 or 192.0.2.1:1161)
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable
from threading import Thread

import pytest

from tests.bench.consumption import memory_of
from tests.lab.agent import Agent
from tests.lab.managers import AUTH_KEY, COMMUNITY, PRIV_KEY, USER, V2C, V3, Manager, with_snmp
from tests.lab.namespace import Namespace, until
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

AGENT = ("127.0.0.1", 1161)
LAN = "192.0.2.1:1161"


@pytest.fixture
def answering(make_agent: Callable[..., Agent]) -> Agent:
    agent = make_agent(**with_snmp())
    agent.start()
    until(lambda: "answering-snmp" in agent.output, within=10, what="SNMP is answered")
    return agent


@pytest.fixture
def manager(lab: Lab) -> Manager:
    return Manager(lab.cpe.namespace, lab.directory)


# --- who may ask


@pytest.mark.parametrize("how", [V2C, V3], ids=["v2c", "v3"])
def test_a_walk_shows_the_site_and_bulk_the_same(answering: Agent, manager: Manager, how: tuple[str, ...]):
    seen = manager.walk("snmpbulkwalk", (*how, "-Cr25"))
    assert seen["tkAgentName.0"] == "lab-site"
    assert seen['tkWanState."fibre"'] == "up"
    assert seen['tkSbcState."primary"'] == "healthy"
    assert seen['tkPathState."lte"."alternate".udp.ipv4."198.18.0.10".5060'] == "up"
    assert seen["tkActiveSbc.0"] == answering.status()["active"]["sbc"]
    assert set(manager.walk("snmpwalk", how)) == set(seen)
    assert len(seen) > 120


def test_what_is_asked_for_is_what_the_status_says(answering: Agent, manager: Manager):
    status = answering.status()
    seen = manager.walk("snmpbulkwalk", V2C)
    sent = int(seen['tkPathSent."fibre"."primary".udp.ipv4."203.0.113.2".5060'])
    assert 0 <= sent - status.path("fibre", "primary")["sent"] <= 5
    assert manager.value('tkWanInterface."lte"') == status.wan("lte")["interface"]
    assert manager.value("tkAgentVersion.0", V3) == status["agent"]["version"]


def test_a_manager_finds_out_whom_it_has_before_it(answering: Agent, manager: Manager):
    answer = manager.run("snmpget", V2C, "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.5.0")
    assert '"Tonekeeper' in answer.text
    assert "TONEKEEPER-MIB::tonekeeperMIB" in answer.text
    assert '"lab-site"' in answer.text


@pytest.mark.parametrize("how", [V2C, V3], ids=["v2c", "v3"])
def test_nothing_can_be_set(answering: Agent, manager: Manager, how: tuple[str, ...]):
    answer = manager.run("snmpset", how, "TONEKEEPER-MIB::tkAgentName.0", "s", "other")
    assert answer.code != 0
    answer = manager.run("snmpset", how, "1.3.6.1.4.1.32473.5060.1.1.1.0", "s", "other")
    assert "notWritable" in answer.complaint
    assert manager.value("tkAgentName.0") == "lab-site"


def v3(user: str = USER, level: str = "authPriv", auth: str = AUTH_KEY, priv: str = PRIV_KEY) -> tuple[str, ...]:
    keys = ("-a", "SHA-256", "-A", auth) if level != "noAuthNoPriv" else ()
    keys += ("-x", "AES", "-X", priv) if level == "authPriv" else ()
    return ("-v3", "-u", user, "-l", level, *keys)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (("-v2c", "-c", "public"), "Timeout"),
        (("-v2c", "-c", COMMUNITY[:-1]), "Timeout"),
        (("-v1", "-c", COMMUNITY), "Timeout"),
        (v3(user="nobody"), "Unknown user name"),
        (v3(auth="another-horse"), "Authentication failure"),
        (v3(priv="another-horse"), "Decryption error"),
        (v3(level="authNoPriv"), "Unsupported security level"),
        (v3(level="noAuthNoPriv"), "Unsupported security level"),
        ((*v3(), "-e", "0x80007ed905000102030405060708090a0b"), "Timeout"),
    ],
)
def test_who_may_not_ask_is_told_nothing(answering: Agent, manager: Manager, how: tuple[str, ...], said: str):
    answer = manager.get(how, "tkAgentName.0")
    assert said in answer.complaint
    assert (answer.code, answer.text) == (1, "")


def test_an_allow_list_lets_in_whom_it_names(lab: Lab, make_agent: Callable[..., Agent]):
    agent = make_agent(**with_snmp(LAN, allow=["192.0.2.10"]))
    agent.start()
    phone, router = Manager(lab.phone, lab.directory, LAN), Manager(lab.cpe.namespace, lab.directory, LAN)
    for how in (V2C, V3):
        assert phone.value("tkAgentName.0", how) == "lab-site"
        assert "Timeout" in router.get(how, "tkAgentName.0").complaint


def test_keys_from_files_are_as_good_and_nowhere_to_be_seen(
    lab: Lab, make_agent: Callable[..., Agent], manager: Manager
):
    sections = with_snmp()
    [user] = sections["snmp.user"]
    for purpose in ("auth", "priv"):
        file = lab.directory / f"snmp-{purpose}-key"
        file.write_text(user.pop(f"{purpose}_key") + "\n")
        file.chmod(0o600)
        user[f"{purpose}_key_file"] = str(file)
    agent = make_agent(**sections)
    agent.start()
    assert manager.value("tkAgentName.0", V3) == "lab-site"
    served = [agent.get(page)[1] for page in ("/", "/metrics", "/api/v1/status", "/api/v1/journal")]
    seen = manager.run("snmpwalk", V2C, "1.3.6").text.encode()
    assert agent.stop() == 0
    written = [file.read_bytes() for file in agent.state_dir.rglob("*") if file.is_file()]
    assert any(b"engine_id" in text for text in written)
    for text in (*served, *written, seen, agent.output.encode()):
        for secret in (AUTH_KEY, PRIV_KEY, COMMUNITY):
            assert secret.encode() not in text


# --- what others send


class Relay:
    """Stands between a manager and the agent, and keeps what the manager says."""

    def __init__(self, namespace: Namespace) -> None:
        self._front = namespace.socket()
        self._back = namespace.socket()
        self._front.bind(("127.0.0.1", 2161))
        self._back.connect(AGENT)
        self.questions: list[bytes] = []
        for end in (self._front, self._back):
            end.settimeout(0.2)
        self._is_over = False
        self._thread = Thread(target=self._forward)
        self._thread.start()

    def _forward(self) -> None:
        while not self._is_over:
            try:
                question, source = self._front.recvfrom(65535)
                self.questions.append(question)
                self._back.send(question)
                self._front.sendto(self._back.recv(65535), source)
            except TimeoutError:
                continue

    def close(self) -> None:
        self._is_over = True
        self._thread.join()
        self._front.close()
        self._back.close()


def ask(namespace: Namespace, datagram: bytes) -> bytes:
    """The answer to a datagram as it stands; b"" where none comes."""
    with namespace.socket() as own:
        own.settimeout(1.0)
        own.connect(AGENT)
        own.send(datagram)
        try:
            return own.recv(65535)
        except TimeoutError:
            return b""


@pytest.fixture
def recorded(lab: Lab, answering: Agent) -> bytes:
    """A v3 question that was answered, as it crossed the network."""
    relay = Relay(lab.cpe.namespace)
    asked = Manager(lab.cpe.namespace, lab.directory, "127.0.0.1:2161").get(V3, "tkAgentName.0")
    relay.close()
    assert asked.values == {"tkAgentName.0": "lab-site"}
    return relay.questions[-1]


def test_a_recorded_question_is_worth_nothing_after_a_restart(lab: Lab, answering: Agent, recorded: bytes):
    engine, boots = re.findall(r"engine=(\w+) boots=(\d+)", answering.output)[-1]
    assert len(ask(lab.cpe.namespace, recorded)) > 100  # within its 150 s it is as good as new
    assert answering.stop() == 0
    answering.start()
    until(lambda: answering.output.count("answering-snmp") == 2, within=10, what="SNMP is answered again")
    again = re.findall(r"engine=(\w+) boots=(\d+)", answering.output)[-1]
    assert again == (engine, str(int(boots) + 1))
    answer = ask(lab.cpe.namespace, recorded)
    not_in_time_window = bytes.fromhex("2b060106030f01010200")  # usmStatsNotInTimeWindows.0
    assert not_in_time_window in answer  # a Report, authenticated and in the clear
    assert b"lab-site" not in answer


def test_a_question_that_was_changed_on_the_way_is_not_answered(lab: Lab, answering: Agent, recorded: bytes):
    rng = random.Random(1)
    wrong_digest = bytes.fromhex("2b060106030f01010500")  # usmStatsWrongDigests.0
    digests = 0
    for at in rng.sample(range(60, len(recorded)), 30):
        changed = bytearray(recorded)
        changed[at] ^= 1 << rng.randrange(8)
        answer = ask_briefly(lab.cpe.namespace, bytes(changed))
        assert len(answer) < len(recorded) + 30
        digests += wrong_digest in answer
    assert digests > 10


def ask_briefly(namespace: Namespace, datagram: bytes) -> bytes:
    with namespace.socket() as own:
        own.settimeout(0.1)
        own.connect(AGENT)
        own.send(datagram)
        try:
            return own.recv(65535)
        except TimeoutError:
            return b""


def test_a_flood_of_nonsense_neither_grows_the_agent_nor_delays_a_probe(
    lab: Lab, answering: Agent, manager: Manager, recorded: bytes
):
    rng = random.Random(2)
    samples = [recorded, os.urandom(1200), b"", b"\x30\x82\xff\xff" + os.urandom(100), recorded[:40]]
    before = memory_of(answering.process.pid).resident
    sent = answering.status().path("fibre", "primary")["sent"]
    deadline = time.monotonic() + 5.0
    with lab.cpe.namespace.socket() as own:
        own.connect(AGENT)
        while time.monotonic() < deadline:
            datagram = bytearray(rng.choice(samples))
            for _ in range(rng.randrange(4)):
                if datagram:
                    datagram[rng.randrange(len(datagram))] ^= rng.randrange(1, 256)
            own.send(datagram)
    status = answering.status()
    assert {path["state"] for path in status.paths} == {"up"}
    assert status.path("fibre", "primary")["sent"] >= sent + 4
    assert not [change for change in status["changes"] if change["ago_s"] < 5.0]
    until(lambda: manager.get(V3, "tkAgentName.0").code == 0, within=10, what="managers are answered again", every=0.5)
    assert memory_of(answering.process.pid).resident < before + 6.0


# --- what keeps it from answering


def test_a_taken_port_is_a_finding_until_it_is_free(lab: Lab, make_agent: Callable[..., Agent], manager: Manager):
    agent = make_agent(**with_snmp())
    with lab.cpe.namespace.socket() as squatter:
        squatter.bind(AGENT)
        agent.start()
        status = agent.wait_for(lambda now: now.has("snmp-unavailable"), within=10)
        [finding] = [one for one in status["findings"] if one["code"] == "snmp-unavailable"]
        assert "another program listens there" in finding["summary"]
    agent.wait_for(lambda now: not now.has("snmp-unavailable"), within=15)
    assert manager.value("tkAgentName.0") == "lab-site"


def test_a_missing_package_is_a_finding_that_names_the_extra(make_agent: Callable[..., Agent]):
    agent = make_agent(**with_snmp())
    agent.launch(prelude="import sys; sys.modules['pysnmp'] = None")
    agent.wait_ready()
    status = agent.wait_for(lambda now: now.has("snmp-unavailable"), within=10)
    [finding] = [one for one in status["findings"] if one["code"] == "snmp-unavailable"]
    assert "tonekeeper[snmp]" in finding["summary"]
    assert {path["state"] for path in status.paths} == {"up"}


def test_a_weak_key_is_a_finding_and_is_not_shown(make_agent: Callable[..., Agent]):
    sections = with_snmp()
    [user] = sections["snmp.user"]
    user["auth_key"] = "s3cr3t!"
    agent = make_agent(**sections)
    agent.start()
    status = agent.wait_for(lambda now: now.has("snmp-unavailable"), within=10)
    [finding] = [one for one in status["findings"] if one["code"] == "snmp-unavailable"]
    assert "less than 8 characters" in finding["summary"]
    assert "s3cr3t!" not in str(status) + agent.output


def test_without_snmp_nothing_of_it_is_loaded(make_agent: Callable[..., Agent]):
    agent = make_agent()
    agent.launch(prelude="import sys; sys.modules['pysnmp'] = sys.modules['tonekeeper.faces.snmp'] = None")
    agent.wait_ready()
    assert agent.stop() == 0


def test_a_reload_with_another_port_says_that_it_needs_a_restart(answering: Agent, manager: Manager):
    answering.configure(**with_snmp("127.0.0.1:1162"))
    answering.reload()
    until(lambda: "a change of snmp needs a restart" in answering.output, within=5, what="it is in the log")
    assert manager.value("tkAgentName.0") == "lab-site"
