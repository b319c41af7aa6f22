"""`tonekeeper firewall` on a router: the cause, a remedy that works, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.asked_firewall import PRIMARY_AND_ALTERNATE, firewall, said_of
from tests.lab.crossing import Crossing
from tests.lab.namespace import until
from tests.lab.needs import missing

pytestmark = pytest.mark.lab

ONLY_PRIMARY = """
table inet fw {
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        iifname "lan0" ip daddr 198.51.100.10 accept comment "the SBC, nothing else"
    }
}
table ip nat {
    chain post {
        type nat hook postrouting priority srcnat;
        oifname { "wan0", "wan1" } masquerade
    }
}
"""
AS_NOBODY = (
    "setpriv",
    *("--reuid", "65534", "--regid", "65534", "--clear-groups"),
    *("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"),
)
"""An ordinary user, who may read the interpreter and the checkout wherever they are, and can do nothing else."""


@pytest.fixture(scope="module")
def crossing() -> Iterator[Crossing]:
    if reason := missing():
        pytest.skip(reason)
    with Crossing() as crossing:
        yield crossing


@pytest.fixture
def site(crossing, tmp_path) -> Iterator[Path]:
    crossing.router.nft(f"flush ruleset\n{ONLY_PRIMARY}")
    path = tmp_path / "site.toml"
    path.write_text(PRIMARY_AND_ALTERNATE)
    yield path
    crossing.router.nft("flush ruleset")


def as_nobody(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*AS_NOBODY, sys.executable, "-m", "tonekeeper", "firewall", "--no-probe", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_the_rule_that_blocks_the_alternate_is_named_and_the_remedy_mends_it(crossing, site):
    done = firewall(crossing, "-c", site, "--json")
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    (finding,) = said["findings"]
    assert (finding["code"], finding["subject"]) == ("firewall-blocks-alternate", "alternate")
    blocked = [one for one in said["firewall"] if one["verdict"] == "drop"]
    assert {(one["sbc"], one["origin"], one["direction"]) for one in blocked} == {("alternate", "lan", "out")}
    assert {one["rule"]["text"] for one in blocked} == {"policy drop"}
    crossing.router.run("sh", "-e", stdin=finding["remedy"])
    mended = firewall(crossing, "-c", site, "--json")
    assert mended.returncode == 0, mended.stdout
    assert json.loads(mended.stdout)["findings"] == []


def test_nothing_of_the_router_is_changed_and_nobody_who_listens_hears_anything(crossing, site, tmp_path):
    def state() -> list[str]:
        asked = (
            ("nft", "-a", "list", "ruleset"),
            ("ip", "route", "show", "table", "all"),
            ("ip", "rule"),
            ("ip", "link"),
        )
        return [crossing.router.run(*command) for command in (*asked, ("conntrack", "-L"))]

    crossing.router.run("conntrack", "-F")
    heard = tmp_path / "heard.log"
    listening = crossing.router.popen("nft", "monitor", log="heard")
    try:
        # a change of ours, before and after: what stands between is what the command did
        until(lambda: marked(crossing, listening, "before"), within=5.0, what="nft monitor does not listen")
        before = state()
        assert firewall(crossing, "-c", site).returncode == 1
        assert state() == before
        until(lambda: marked(crossing, listening, "after"), within=5.0, what="nft monitor does not listen any more")
    finally:
        listening.kill()
    lines = [line for line in output(listening).splitlines() if "table" in line]
    assert {word for line in lines for word in line.split() if word.startswith("mark_")} == {
        "mark_before",
        "mark_after",
    }
    assert all("mark_" in line for line in lines), heard


def marked(crossing: Crossing, listening, name: str) -> bool:
    crossing.router.nft(f"add table ip mark_{name}\ndelete table ip mark_{name}")
    return f"mark_{name}" in output(listening)


def output(process) -> str:
    return process.output


def test_a_copy_dies_with_who_made_it(crossing, site):
    script = (
        "import os, sys, time\n"
        "import tonekeeper.edge.shadow as shadow\n"
        "def stay(*_):\n"
        "    shadow.enter_new_namespace()\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(60)\n"
        "shadow._examine = stay\n"
        "shadow.ask_shadow(None, (), None)\n"
    )
    maker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert maker.stdout is not None
    copy = int(maker.stdout.readline())
    assert os.readlink(f"/proc/{copy}/ns/net") != os.readlink("/proc/self/ns/net")
    maker.send_signal(signal.SIGKILL)
    maker.wait(10.0)
    maker.stdout.close()
    until(lambda: not Path("/proc", str(copy)).exists(), within=5.0, what="the copy outlives who made it")


def test_an_ordinary_user_may_ask_about_the_dump_of_another_router(site, tmp_path):
    dump = tmp_path / "dump.nft"
    dump.write_text(ONLY_PRIMARY)
    done = as_nobody(
        "-c", site, "--ruleset", dump, "--lan", "lan0=192.0.2.1/24", "--wan", "wan0=203.0.113.2/30", "--json"
    )
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    assert [finding["code"] for finding in said["findings"]] == ["firewall-blocks-alternate"]
    assert "wan0 has 203.0.113.2/30" in said["notes"][0]


def test_an_ordinary_user_is_told_what_the_live_ruleset_takes(site):
    done = as_nobody("-c", site)
    assert (done.returncode, done.stdout) == (4, "")
    assert "root" in done.stderr
    assert "--ruleset" in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("table inet x {\n  chain y { nonsense }\n}\n", "cannot load the ruleset"),
        ("", "empty"),
        ("*filter\n:FORWARD DROP [0:0]\nnonsense\nCOMMIT\n", "iptables-save"),
    ],
)
def test_a_ruleset_that_is_none_is_refused_in_a_sentence(crossing, site, tmp_path, content, told):
    dump = tmp_path / "dump"
    dump.write_text(content)
    done = firewall(crossing, "-c", site, "--ruleset", dump)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_ruleset_of_50_mb_is_refused_without_reading_all_of_it(crossing, site, tmp_path):
    dump = tmp_path / "dump.nft"
    dump.write_text("add rule inet filter forward ip saddr 192.0.2.1 drop\n" * (50_000_000 // 53))
    with_little_memory = ("prlimit", "--as=250000000")
    done = firewall(crossing, "-c", site, "--ruleset", dump, through=with_little_memory)
    assert (done.returncode, done.stdout) == (2, "")
    assert "longer than 16 MiB" in done.stderr
    assert "Traceback" not in done.stderr


def test_interfaces_that_a_ruleset_names_need_not_be_there(crossing, site, tmp_path):
    dump = tmp_path / "dump.nft"
    dump.write_text(ONLY_PRIMARY.replace('iifname "lan0"', 'iif "br-guest" drop; iifname "lan0"'))
    done = firewall(crossing, "-c", site, "--ruleset", dump, "--json")
    assert done.returncode == 1, done.stderr
    assert [finding["code"] for finding in json.loads(done.stdout)["findings"]] == ["firewall-blocks-alternate"]


def test_rules_of_iptables_are_named_and_mended_in_their_own_words(crossing, site):
    crossing.router.nft("flush ruleset")
    for rule in ("-P FORWARD DROP", "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"):
        crossing.router.run("iptables-nft", *rule.split())
    crossing.router.run(
        "iptables-nft",
        "-A",
        "FORWARD",
        "-d",
        "198.51.100.10",
        "-m",
        "addrtype",
        "--dst-type",
        "UNICAST",
        "-j",
        "ACCEPT",
    )
    done = firewall(crossing, "-c", site, "--json")
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["code"] == "firewall-blocks-alternate"
    assert finding["remedy"].startswith("iptables -t filter -I FORWARD -d 198.51.100.20")
    crossing.router.run("sh", "-e", stdin=finding["remedy"])
    assert firewall(crossing, "-c", site).returncode == 0


OWNED = """
add table inet own { flags owner; }
add chain inet own forward { type filter hook forward priority filter; policy drop; }
add rule inet own forward ip daddr 198.51.100.10 accept
"""


def test_a_table_that_ends_with_its_program_is_in_force_in_the_copy_too(crossing, site, tmp_path):
    crossing.router.nft("flush ruleset")
    held = f"(cat <<'END'\n{OWNED}\nEND\nexec sleep infinity) | nft -i"
    program = crossing.router.popen("sh", "-c", held, log="owner")
    try:
        until(
            lambda: "198.51.100.10" in crossing.router.run("nft", "list", "ruleset"),
            within=5.0,
            what=f"no table\n{program.output}",
        )
        dump = tmp_path / "dump.nft"
        dump.write_text(crossing.router.run("nft", "list", "ruleset"))
        of_another = ("--ruleset", dump, "--lan", "lan0", "--wan", "wan0", "--wan", "wan1")
        for asked in ((), of_another):
            found = {one["code"]: one for one in said_of(crossing, site, *asked)["findings"]}
            assert found["firewall-blocks-alternate"]["evidence"]["rule"] == "inet own forward: policy drop"
            assert found["firewall-blocks-alternate"]["remedy"].startswith("(no single change")
    finally:
        program.kill()
