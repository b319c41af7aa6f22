"""The lab does what it says, before anything is concluded from it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.lab.namespace import Namespace, residue, sweep, until
from tests.lab.needs import COMMANDS, MODULES
from tests.lab.options import Answer, ask, count_answers
from tests.lab.topology import Lab
from tests.lab.wiretap import Wiretap, answer_to, forge, with_header

pytestmark = pytest.mark.lab

WANS = ("fibre", "lte")
BRIEFLY = 0.15
"""Seconds to wait for an answer that is not to come."""


def over(lab: Lab, wan: str, sbc: str = "primary", within: float = 1.0) -> Answer:
    return ask(lab.cpe.namespace, lab.sbc(sbc).endpoint, device=lab.provider(wan).wan_interface, within=within)


@pytest.mark.parametrize("wan", WANS)
@pytest.mark.parametrize("sbc", ["primary", "alternate"])
def test_each_sbc_answers_over_each_wan(lab: Lab, wan: str, sbc: str):
    answer = over(lab, wan, sbc)
    assert answer.status == 200
    assert f"lab-{sbc}" in answer.text


def test_the_phone_reaches_the_sbc_through_the_nat_of_the_cpe(lab: Lab):
    answer = ask(lab.phone, lab.sbc("primary").endpoint)
    assert answer.status == 200
    assert f"received={lab.provider('fibre').wan_address}" in answer.text


def test_the_lte_provider_hides_the_cpe_behind_a_nat_of_its_own(lab: Lab):
    assert "received=198.51.100.2\r\n" in over(lab, "fibre").text
    assert "received=198.51.100.194\r\n" in over(lab, "lte").text


def test_a_silenced_address_is_silent_over_that_provider_only(lab: Lab):
    with lab.provider("fibre").silence(lab.sbc("primary").address):
        assert over(lab, "fibre", within=BRIEFLY) == Answer(0, pytest.approx(BRIEFLY, abs=1.0))
        assert over(lab, "lte").status == 200
        assert over(lab, "fibre", "alternate").status == 200
    assert over(lab, "fibre").status == 200


def test_a_silent_sbc_is_silent_over_both_providers(lab: Lab):
    with lab.silence(lab.sbc("primary")):
        assert [over(lab, wan, within=BRIEFLY).status for wan in WANS] == [0, 0]
        assert [over(lab, wan, "alternate").status for wan in WANS] == [200, 200]
    assert [over(lab, wan).status for wan in WANS] == [200, 200]


def test_a_lossy_provider_loses_about_that_share(lab: Lab):
    with lab.provider("fibre").lose(30):
        answered = count_answers(lab.cpe.namespace, lab.sbc("primary").endpoint, device="eth0", number=200)
    assert 100 <= answered <= 180  # six standard deviations around 140
    assert count_answers(lab.cpe.namespace, lab.sbc("primary").endpoint, device="eth0", number=200) == 200


@pytest.mark.parametrize(
    ("reason", "seen"),
    [
        ("port-unreachable", errno.ECONNREFUSED),
        ("host-unreachable", errno.EHOSTUNREACH),
        ("net-unreachable", errno.ENETUNREACH),
        ("admin-prohibited", errno.EHOSTUNREACH),
    ],
)
def test_a_rejecting_provider_says_so_by_icmp(lab: Lab, reason: str, seen: int):
    with lab.provider("lte").reject(lab.sbc("primary").address, reason):
        assert over(lab, "lte").error == seen
        assert over(lab, "fibre").status == 200


@pytest.mark.parametrize("wan", WANS)
def test_a_stopped_sbc_refuses_and_a_started_one_answers(lab: Lab, wan: str):
    lab.sbc("primary").stop()
    assert over(lab, wan).error == errno.ECONNREFUSED
    lab.sbc("primary").start()
    assert over(lab, wan).status == 200


def test_a_frozen_sbc_is_silent_and_a_thawed_one_answers(lab: Lab):
    lab.sbc("primary").freeze()
    assert over(lab, "fibre", within=BRIEFLY) == Answer(0, pytest.approx(BRIEFLY, abs=1.0))
    lab.sbc("primary").thaw()
    assert over(lab, "fibre").status == 200


def test_an_sbc_answers_as_it_is_told(lab: Lab):
    sbc = lab.sbc("alternate")
    sbc.answer_503(retry_after=30)
    answer = over(lab, "fibre", "alternate")
    assert answer.status == 503
    assert "Retry-After: 30\r\n" in answer.text
    sbc.answer(500)
    answer = over(lab, "fibre", "alternate")
    assert answer.status == 500
    assert "Retry-After" not in answer.text
    sbc.answer_normally()
    assert over(lab, "fibre", "alternate").status == 200


def test_an_sbc_answers_late_when_told_to(lab: Lab):
    lab.sbc("alternate").answer_late(0.3)
    answer = over(lab, "fibre", "alternate", within=5.0)
    assert answer.status == 200
    assert answer.seconds >= 0.28  # the timer that holds it ticks every 10 ms


def test_a_cut_line_takes_the_carrier_and_gives_it_back(lab: Lab):
    def carrier() -> bool:
        return "LOWER_UP" in lab.cpe.namespace.run("ip", "link", "show", "eth0")

    assert carrier()
    with lab.provider("fibre").cut():
        assert not carrier()
        assert over(lab, "lte").status == 200
    until(lambda: over(lab, "fibre", within=BRIEFLY).status == 200, within=5.0, what="fibre is back")


@pytest.mark.parametrize("wan", WANS)
def test_a_lost_address_comes_back_with_its_route(lab: Lab, wan: str):
    def routes() -> set[str]:
        return set(lab.cpe.namespace.run("ip", "route").splitlines())

    before = routes()
    with lab.cpe.remove_address(lab.provider(wan)):
        assert over(lab, wan, within=BRIEFLY).status == 0
    assert routes() == before
    assert over(lab, wan).status == 200
    with lab.cpe.take_down(lab.provider(wan)):
        assert over(lab, wan, within=BRIEFLY).status == 0
    assert routes() == before
    until(lambda: over(lab, wan, within=BRIEFLY).status == 200, within=5.0, what=f"{wan} is back")


def test_a_narrow_line_is_narrow(lab: Lab):
    with lab.provider("fibre").limit_rate("64kbit"):
        # Back to back the answers of about 400 bytes take 50 ms each, once the burst of 4 kB is spent.
        seconds = max(over(lab, "fibre", within=2.0).seconds for _ in range(20))
    assert seconds > 0.02


def test_a_forged_answer_reaches_the_one_who_asked(lab: Lab):
    fibre, sbc = lab.provider("fibre"), lab.sbc("primary")
    with fibre.silence(sbc.address), Wiretap(fibre.namespace, "access") as tap, lab.cpe.namespace.socket() as sender:
        sender.settimeout(2.0)
        sender.connect(sbc.endpoint)
        sender.send(
            b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1;rport\r\nFrom: <sip:a@b>;tag=1\r\n"
            b"To: <sip:x>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
        )
        probe = tap.next_probe(sbc.endpoint)
        forge(fibre, with_header(answer_to(probe), "call-id", lambda _: "forged"))
        assert b"\r\nCall-ID:forged\r\n" in sender.recv(4096)


def test_healing_undoes_everything(lab: Lab):
    fibre, primary = lab.provider("fibre"), lab.sbc("primary")
    fibre.silence(lab.sbc("alternate").address)
    fibre.lose(99)
    fibre.cut()
    lab.cpe.remove_address(lab.provider("lte"))
    primary.answer_503()
    primary.stop()
    lab.heal()
    until(lambda: over(lab, "fibre", within=BRIEFLY).status == 200, within=5.0, what="fibre is back")
    for sbc in ("primary", "alternate"):
        assert [over(lab, wan, sbc).status for wan in WANS] == [200, 200]
    assert "fault" not in fibre.namespace.run("nft", "list", "tables")


def test_packages_txt_names_what_is_needed():
    packages = Path(__file__).with_name("packages.txt").read_text().split()
    assert packages == sorted({*COMMANDS.values(), *MODULES.values()})


def test_a_killed_test_run_leaves_nothing_behind(standing_lab: Lab):
    script = textwrap.dedent("""
        import sys
        from tests.lab.topology import Lab
        lab = Lab()
        lab.start()
        print("up", flush=True)
        sys.stdin.read()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"up\n"
        assert len(residue(run.pid)) == 9  # eight namespaces and a directory
        run.send_signal(signal.SIGKILL)
        run.wait()
        until(lambda: not residue(run.pid), within=10.0, what="the watchman has cleared up")


def test_the_sweep_takes_what_the_dead_left_and_nothing_else(lab: Lab):
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = Namespace(f"tonekeeper-lab-{dead.pid}-abcdef-cpe", lab.directory)
    foreign = Namespace(f"tonekeeper-of-somebody-{dead.pid}", lab.directory)
    for namespace in (left, foreign):
        lab.cpe.namespace.run("ip", "netns", "add", namespace.name)
    try:
        assert left.name in sweep()
        names = lab.cpe.namespace.run("ip", "netns", "list")
        assert left.name not in names
        assert foreign.name in names
        assert lab.cpe.namespace.name in names
        assert len(residue(os.getpid())) >= 9
    finally:
        lab.cpe.namespace.run("ip", "netns", "delete", foreign.name)
