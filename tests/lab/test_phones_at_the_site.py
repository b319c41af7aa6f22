"""Phones behind the CPE, noticed by the agent that runs on it; and what hostile neighbours can do about that."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab.agent import Agent, Section, Status
from tests.lab.namespace import Namespace, until
from tests.lab.phone import ADDRESS
from tests.lab.topology import Lab
from tests.unit.edge.packets import udp

pytestmark = pytest.mark.lab

PROFILES = Path(__file__).parents[2] / "firmware-profiles"
YEALINK = "Yealink SIP-T46U 108.86.0.20"
DESK = ("192.0.2.20", "00:15:65:00:00:42")
NUMBER, NAME = "4930901820", "Mustermann"
SLOW = "phone-cannot-failover-fast"
HURRIED = """
from tonekeeper.app import phone_background, phone_shortcomings
phone_background.LOOK_EVERY, phone_background.SETTLES, phone_shortcomings.STAYS = 1.0, 0.3, 2.0
"""
"""What is judged within a minute is judged within a second."""
FLOOD_SECONDS = 3.0
NOBODY = ("203.0.113.3", 5060)


@pytest.fixture
def make_finder(lab: Lab, make_agent: Any, tmp_path: Path) -> Any:
    """An agent that is looking for phones and knows two families."""
    profiles = tmp_path / "profiles"
    for vendor in ("baresip", "yealink"):
        shutil.copytree(PROFILES / vendor, profiles / vendor)

    def make(*, probe: bool = True, **launch: Any) -> Agent:
        agent: Agent = make_agent(lan={"interfaces": ["lan0"], "probe": probe}, agent={"profiles_dir": str(profiles)})
        agent.launch(**launch)
        agent.wait_ready()
        until(lambda: "phone-search-begun" in agent.output, within=10.0, what="it does not look for phones")
        return agent

    return make


def register(*, cseq: int, user_agent: str = YEALINK, expires: int = 3600, call_id: str = "lab-phone") -> bytes:
    whose = f'"Erika {NAME}" <sip:{NUMBER}@203.0.113.2>'
    return "\r\n".join(
        [
            "REGISTER sip:203.0.113.2 SIP/2.0",
            f"Via: SIP/2.0/UDP {ADDRESS}:5062;branch=z9hG4bK{os.urandom(6).hex()};rport",
            "Max-Forwards: 70",
            f"From: {whose};tag=lab",
            f"To: {whose}",
            f"Call-ID: {call_id}",
            f"CSeq: {cseq} REGISTER",
            f"Contact: <sip:{NUMBER}@{ADDRESS}:5062>",
            f"Expires: {expires}",
            f"User-Agent: {user_agent}",
            "Content-Length: 0",
            "",
            "",
        ]
    ).encode()


def phone_at(status: Status, address: str) -> dict[str, Any]:
    return next((phone for phone in status["phones"] if phone["address"] == address), {})


def register_until(lab: Lab, agent: Agent, wanted: Callable[[dict[str, Any]], object], **changes: str) -> Status:
    """A REGISTER every 0.3 s until the agent says of the phone what is wanted."""
    with lab.phone.socket() as phone:
        phone.bind((ADDRESS, 5062))
        for cseq in range(1, 50):
            phone.sendto(register(cseq=cseq, **changes), ("203.0.113.2", 5060))
            time.sleep(0.3)
            status = agent.status()
            if wanted(phone_at(status, ADDRESS)):
                return status
    raise AssertionError(f"{status['phones']}\n{agent.process.output}")


@contextmanager
def desk_phone(lab: Lab) -> Iterator[None]:
    """A second device on the LAN, with a MAC that Yealink gives."""
    namespace, (address, mac) = lab.phone, DESK
    namespace.run("ip", "link", "add", "desk", "link", "eth0", "address", mac, "type", "macvlan", "mode", "bridge")
    try:
        namespace.set_sysctls({"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"})
        namespace.run("ip", "address", "add", f"{address}/32", "dev", "desk")
        namespace.run("ip", "link", "set", "desk", "up")
        namespace.run("ip", "rule", "add", "from", address, "table", "20")
        namespace.run("ip", "route", "add", "192.0.2.0/24", "dev", "desk", "src", address, "table", "20")
        yield
    finally:
        namespace.run("ip", "rule", "del", "from", address, "table", "20")
        namespace.run("ip", "link", "del", "desk")
        lab.cpe.namespace.run("ip", "neighbour", "flush", "to", address, "dev", "lan0")
        namespace.set_sysctls({"net.ipv4.conf.all.arp_ignore": "0", "net.ipv4.conf.all.arp_announce": "0"})


def speak_to_desk_phone(lab: Lab) -> None:
    """Once, so that the CPE knows its neighbour."""
    with lab.cpe.namespace.socket() as router:
        router.sendto(b"", (DESK[0], 9))

    def known() -> bool:
        return DESK[1] in lab.cpe.namespace.run("ip", "neighbour", "show", DESK[0])

    until(known, within=5.0, what="the CPE does not find its neighbour")


@contextmanager
def answering(namespace: Namespace, address: tuple[str, int], user_agent: str) -> Iterator[list[bytes]]:
    """SIP at `address`, answering whatever comes with 200; what came."""
    heard: list[bytes] = []
    listener = namespace.socket()
    listener.bind(address)
    listener.settimeout(0.05)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                data, source = listener.recvfrom(4096)
            except TimeoutError:
                continue
            heard.append(data)
            kept = ("via", "from", "to", "call-id", "cseq")
            lines = [line for line in data.decode().split("\r\n") if line.partition(":")[0].lower() in kept]
            lines = ["SIP/2.0 200 OK", *lines, f"User-Agent: {user_agent}", "Content-Length: 0", "", ""]
            listener.sendto("\r\n".join(lines).encode(), source)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        ended.set()
        thread.join()
        listener.close()


def test_a_phone_that_registers_is_in_the_report_with_its_profile_and_its_times(lab, make_finder):
    agent = make_finder()
    status = register_until(lab, agent, lambda known: known.get("retry_s") and known["status"])
    known = phone_at(status, ADDRESS)
    assert (known["user_agent"], known["profile"], known["firmware"]) == (YEALINK, "yealink-desk", "108.86.0.20")
    assert (known["vendor"], known["model"], known["transport"]) == ("Yealink", "T46U", "udp")
    assert (known["expiry_s"], known["granted_s"], known["status"]) == (3600, 60, 200)
    assert "register" in known["seen_by"]


def test_nobody_learns_from_the_agent_who_it_was_that_registered(lab, make_finder):
    agent = make_finder()
    status = register_until(lab, agent, lambda known: known.get("status"), user_agent=f"{YEALINK} {NUMBER}")
    assert phone_at(status, ADDRESS)["profile"] == "yealink-desk"
    agent.stop()
    written = b"".join(agent.journal_lines()) + agent.process.output.encode()
    everything = written + repr(status).encode()
    assert b"PhoneSeen" in written
    assert [word for word in (NUMBER, NAME, "lab-phone") if word.encode() in everything] == []


@pytest.mark.skipif(shutil.which("baresip") is None, reason="apt-get install baresip-core")
def test_baresip_is_known_for_what_it_is(lab, make_finder):
    directory = lab.directory / "baresip"
    directory.mkdir(exist_ok=True)
    (directory / "config").write_text(
        f"sip_listen {ADDRESS}:5064\nmodule_path /usr/lib/baresip/modules\nmodule_app account.so\nmodule_app menu.so\n"
    )
    (directory / "accounts").write_text("<sip:100@203.0.113.2>;regint=60;auth_pass=none\n")
    agent = make_finder()
    process = lab.phone.popen("baresip", "-f", str(directory), log="baresip")
    try:
        status = agent.wait_for(lambda s: phone_at(s, ADDRESS).get("profile") == "baresip-baresip", within=15.0)
    finally:
        process.kill()
        print(f"--- baresip\n{process.output}")
    assert phone_at(status, ADDRESS)["expiry_s"] == 60


def test_a_neighbour_with_a_phone_vendors_mac_is_found_and_asked_what_it_is(lab, make_finder):
    with desk_phone(lab), answering(lab.phone, (DESK[0], 5060), YEALINK) as heard:
        speak_to_desk_phone(lab)
        agent = make_finder()
        status = agent.wait_for(lambda s: phone_at(s, DESK[0]).get("profile"), within=15.0)
    known = phone_at(status, DESK[0])
    assert (known["mac"], known["vendor"], known["profile"]) == (DESK[1], "Yealink", "yealink-desk")
    assert known["seen_by"] == ["neighbour", "options"]
    assert len(heard) == 1
    assert phone_at(status, ADDRESS) == {}, "a neighbour that is no phone is nobody's business"


def test_where_the_operator_does_not_want_it_nobody_is_asked(lab, make_finder):
    with desk_phone(lab), answering(lab.phone, (DESK[0], 5060), YEALINK) as heard:
        speak_to_desk_phone(lab)
        agent = make_finder(probe=False)
        agent.wait_for(lambda s: phone_at(s, DESK[0]), within=15.0)
        with pytest.raises(AssertionError):
            agent.wait_for(lambda s: phone_at(s, DESK[0]).get("profile"), within=3.0)
    assert heard == []


def test_a_lease_of_dnsmasq_shows_a_phone_that_never_says_a_word(lab, make_finder, tmp_path):
    leases = tmp_path / "misc"
    leases.mkdir()
    (leases / "dnsmasq.leases").write_text(
        f"1900000000 {DESK[1]} {DESK[0]} erikas-phone 01:{DESK[1]}\n"
        "1900000000 02:00:00:00:00:07 192.0.2.77 erikas-laptop *\n"
        "and a line that is none\n"
    )
    shown_there = f'mount --bind {leases} /var/lib/misc && exec "$0" "$@"'
    agent = make_finder(through=("unshare", "--mount", "sh", "-c", shown_there))
    status = agent.wait_for(lambda s: phone_at(s, DESK[0]), within=15.0)
    assert (phone_at(status, DESK[0])["vendor"], phone_at(status, DESK[0])["seen_by"]) == ("Yealink", ["lease"])
    assert phone_at(status, "192.0.2.77") == {}
    agent.stop()
    assert b"erika" not in b"".join(agent.journal_lines())


def test_a_phone_that_registers_over_tls_is_seen_to_connect_and_says_what_it_is_when_asked(lab, make_finder):
    agent = make_finder()
    with answering(lab.phone, (ADDRESS, 5060), YEALINK):
        with lab.phone.socket(socket.AF_INET, socket.SOCK_STREAM) as phone:
            phone.settimeout(5.0)
            phone.connect(("203.0.113.2", 5061))
        status = agent.wait_for(lambda s: phone_at(s, ADDRESS).get("profile"), within=15.0)
    assert phone_at(status, ADDRESS)["seen_by"] == ["connection", "options"]


def test_without_the_right_to_listen_the_rest_of_the_search_goes_on(lab, make_finder):
    with desk_phone(lab):
        speak_to_desk_phone(lab)
        agent = make_finder(through=("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"))
        status = agent.wait_for(lambda s: phone_at(s, DESK[0]) and s.has("registers-unseen"), within=15.0)
    (finding,) = [one for one in status["findings"] if one["code"] == "registers-unseen"]
    assert "CAP_NET_RAW" in finding["summary"]


def test_profiles_that_cannot_be_used_are_a_finding_and_the_last_good_ones_stay(lab, make_finder, tmp_path):
    agent = make_finder()
    register_until(lab, agent, lambda known: known.get("profile"))
    broken = tmp_path / "broken"
    (broken / "acme").mkdir(parents=True)
    (broken / "acme" / "desk.yaml").write_text("schema: 1\nid: acme-desk\nrange: upside down\n")
    agent.configure(lan={"interfaces": ["lan0"]}, agent={"profiles_dir": str(broken)})
    agent.reload()
    agent.wait_for(lambda s: s.has("profiles-refused"), within=15.0)
    status = register_until(
        lab, agent, lambda known: known.get("firmware") == "108.87.0.1", user_agent="Yealink SIP-T46U 108.87.0.1"
    )
    assert phone_at(status, ADDRESS)["profile"] == "yealink-desk"


def test_a_model_that_cannot_leave_a_silent_sbc_fast_is_a_finding_while_it_is_there(lab, make_finder):
    agent = make_finder(prelude=HURRIED)
    agent.wait_for(lambda s: checked(s) == ("not checked", "no phone seen of a known model"), within=5.0)
    register_until(lab, agent, lambda _: explained(agent.status()), user_agent="baresip v1.0.0")
    (one,) = explained(agent.status())
    assert one["causes"] == [{"code": "phone-no-alternate", "subject": "baresip-baresip"}]
    finding = one["finding"]
    assert "it waits 32 s for a silent server" in finding["evidence"]["why"]
    assert finding["evidence"]["phones"] == "1"
    register_until(lab, agent, lambda _: not explained(agent.status()), user_agent=YEALINK)
    agent.wait_for(lambda s: checked(s)[0] == "ok", within=5.0)


def explained(status: Status) -> list[Section]:
    """That the model is slow, under what makes it so."""
    return [one for one in status["explained"] if one["finding"]["code"] == SLOW]


def checked(status: Status) -> tuple[str, str]:
    """How the check of the phones ended last."""
    return next(((one["outcome"], one["detail"]) for one in status["checks"] if one["check"] == "phones"), ("", ""))


def test_profiles_that_were_compiled_by_another_version_are_told_and_read_from_their_files(lab, make_finder, tmp_path):
    compiled = tmp_path / "profiles" / "profiles.json"
    compiled.write_text('{"schema": 0, "profiles": []}')
    agent = make_finder()
    register_until(lab, agent, lambda known: known.get("profile") == "yealink-desk")
    assert "error profiles-not-compiled" in agent.output
    assert "schema 0, and this program knows 1; write it again: tonekeeper profiles compile" in agent.output


@pytest.mark.parametrize(
    "kind",
    ["garbage", "registers of one phone", "registers of phones that are not there"],
    ids=["noise", "one", "many"],
)
def test_a_flood_on_the_sip_port_costs_a_bounded_share_of_the_processor(lab, make_finder, kind):
    agent = make_finder()
    before = _processor_seconds(agent)
    sent = _flood(lab.phone, {"garbage": _garbage, "registers of one phone": _of_one}.get(kind, _of_many))
    spent = _processor_seconds(agent) - before
    print(f"{kind}: {sent / FLOOD_SECONDS:.0f} packets a second cost {spent / FLOOD_SECONDS:.1%} of a processor")
    assert sent > 5_000
    assert spent < 0.15 * FLOOD_SECONDS
    assert len(agent.status()["phones"]) <= 512
    assert agent.status().path("fibre", "primary")["state"] == "up"
    assert sum(path.stat().st_size for path in agent.journals) < 1024 * 1024


def _garbage(number: int) -> bytes:
    return udp(b"\x80" * 400, source=(ADDRESS, 5062), destination=NOBODY)


def _of_one(number: int) -> bytes:
    return udp(register(cseq=number, call_id=f"flood-{number}"), source=(ADDRESS, 5062), destination=NOBODY)


def _of_many(number: int) -> bytes:
    made_up = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return udp(register(cseq=1, call_id=f"flood-{number}"), source=(made_up, 5062), destination=NOBODY)


def _processor_seconds(agent: Agent) -> float:
    fields = Path(f"/proc/{agent.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _flood(namespace: Namespace, packet: Callable[[int], bytes]) -> int:
    """As fast as one thread can, without a pause; how many."""
    sent = 0
    with namespace.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as flooder:
        end = time.monotonic() + FLOOD_SECONDS
        while time.monotonic() < end:
            flooder.sendto(packet(sent), (NOBODY[0], 0))
            sent += 1
    return sent
