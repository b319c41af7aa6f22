"""Each fault, put in for real: the first line of the verdict names it."""

from __future__ import annotations

import json
import re
import signal
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.agent import Agent
from tests.lab.behind_a_modem import SBC, behind_a_modem, chrony, shifted
from tests.lab.certificates import DAY
from tests.lab.diagnosing import LONGEST, Passer, Technician
from tests.lab.full_table import fill, fillable, table_size
from tests.lab.kernel_state import kernel_state
from tests.lab.namespace import LabError, Namespace
from tests.lab.registrar import PASSWORD, USER, Registrar
from tests.lab.resolver import Resolver
from tests.lab.scripted import Scripted
from tests.lab.standby import Account
from tests.lab.stun import FIRST, coturn, reflector
from tests.lab.test_nat_sip_alg import HELPER
from tests.lab.topology import Lab
from tests.lab.verdicts import over

pytestmark = pytest.mark.lab

RESOLVERS = {"fibre": "203.0.113.18", "lte": "203.0.113.19"}
NOBODY = "203.0.113.20"
LTE = {"name": "lte", "interface": "wwan0"}
"""Behind a NAT, which fibre is not."""
UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
TIMEOUTS = tuple(
    f"net.netfilter.nf_conntrack_{kind}" for kind in ("udp_timeout", "udp_timeout_stream", "tcp_timeout_established")
)


@pytest.fixture
def resolvers(lab: Lab) -> Iterator[dict[str, Resolver]]:
    """By WAN; both know both SBCs."""
    made = {wan: Resolver(lab.services, address, name=f"resolver-{wan}") for wan, address in RESOLVERS.items()}
    try:
        for resolver in made.values():
            resolver.start()
            resolver.publish(*(f"{sbc.name}.example.net. 60 IN A {sbc.address}" for sbc in lab.sbcs))
        yield made
    finally:
        for resolver in made.values():
            resolver.stop()


@pytest.fixture
def named(lab: Lab, resolvers: dict[str, Resolver], make_agent: Callable[..., Agent]) -> Technician:
    """At a site that knows its SBCs by name, and each WAN's own resolver."""
    return Technician(
        make_agent(
            wan=[
                {"name": wan.name, "interface": wan.wan_interface, "resolvers": [RESOLVERS[wan.name]]}
                for wan in lab.providers
            ],
            sbc=[{"name": sbc.name, "uri": f"sip:{sbc.name}.example.net"} for sbc in lab.sbcs],
        )
    )


@contextmanager
def forgets_after(namespace: Namespace, seconds: int) -> Iterator[None]:
    """The NAT in it, idle flows of every kind."""
    before = namespace.run("sysctl", "-n", *TIMEOUTS).split()
    namespace.set_sysctls(dict.fromkeys(TIMEOUTS, str(seconds)))
    try:
        yield
    finally:
        namespace.set_sysctls(dict(zip(TIMEOUTS, before, strict=True)))


@contextmanager
def sip_helper_in(namespace: Namespace) -> Iterator[None]:
    try:
        namespace.nft(HELPER)
    except LabError as error:
        pytest.skip(f"this kernel has no nf_conntrack_sip: {error}")
    namespace.run("conntrack", "-F")
    try:
        yield
    finally:
        namespace.run("nft", "delete", "table", "ip", "alg")
        namespace.run("conntrack", "-F")


@pytest.fixture
def technician(make_agent: Callable[..., Agent]) -> Technician:
    return Technician(make_agent())


def test_a_site_where_all_is_well_is_not_called_ill(technician: Technician):
    found = technician.look()
    assert found.first == ""
    assert found.code == 0
    problems = {one["check"] for one in found.report["checks"] if one["outcome"] == "problem"}
    assert problems <= {"clock"}, "nobody may keep the clock of the host that the lab runs on"


def test_a_wan_that_loses_a_fifth_of_the_packets(lab: Lab, technician: Technician):
    with lab.provider("fibre").lose(20):
        assert technician.look().first == "wan-degraded fibre"


def test_an_sbc_that_is_being_drained(lab: Lab, technician: Technician):
    lab.sbc("primary").answer_503(retry_after=120)
    assert technician.look().first == "sbc-draining primary"


def test_no_alternate_is_configured(lab: Lab, make_agent: Callable[..., Agent]):
    primary = lab.sbc("primary")
    only = make_agent(sbc=[{"name": "primary", "uri": primary.uri}], wan=[{"name": "fibre", "interface": "eth0"}])
    assert Technician(only).look().first.startswith("no-alternate")


ONLY_THE_PRIMARY = """
table inet strict {{
    chain forward {{
        type filter hook forward priority filter - 5
        udp dport {{ 5060, 5061 }} ip daddr != {primary} drop comment "one SBC only"
    }}
    chain output {{
        type filter hook output priority filter - 5
        {own}
    }}
}}
"""


@pytest.mark.parametrize("also_own", [False, True], ids=["the phones", "everybody"])
def test_a_firewall_that_allows_only_the_primary(lab: Lab, technician: Technician, also_own: bool):
    primary = lab.sbc("primary").address
    own = f'udp dport {{ 5060, 5061 }} ip daddr != {primary} drop comment "one SBC only"' if also_own else ""
    lab.cpe.namespace.nft(ONLY_THE_PRIMARY.format(primary=primary, own=own))
    try:
        found = technician.look()
    finally:
        lab.cpe.namespace.run("nft", "delete", "table", "inet", "strict")
    assert found.first == "firewall-blocks-alternate alternate"
    assert found.code == 1


def test_an_account_that_is_not_accepted(lab: Lab, make_agent: Callable[..., Agent]):
    with Registrar(lab) as registrar:
        account = Account(lab)
        account.write("wrong")
        site = make_agent(sbc=[account.proves("primary", registrar), {"name": "alternate", "uri": lab.sbcs[1].uri}])
        assert Technician(site).look().first == "sbc-auth-broken primary"


def test_calls_that_are_heard_one_way_only(lab: Lab, make_agent: Callable[..., Agent]):
    with Registrar(lab) as registrar:
        account = Account(lab)
        sbc = [account.proves("primary", registrar, number="601"), {"name": "alternate", "uri": lab.sbcs[1].uri}]
        found = Technician(make_agent(sbc=sbc)).look()
    assert found.first == "media-one-way primary"
    assert found.outcome("media")[0] == "problem"


def test_a_certificate_that_has_expired(lab: Lab, make_agent: Callable[..., Agent]):
    primary, alternate = lab.sbcs
    primary.show(lab.authority.issue("primary.example.net", primary.address, begins=-30 * DAY, ends=-3.5 * DAY))
    site = make_agent(
        sbc=[
            {"name": "primary", "uri": f"sips:{primary.address}", "tls.ca_file": str(lab.authority.root)},
            {"name": "alternate", "uri": alternate.uri},
        ]
    )
    assert Technician(site).look().first == "tls-invalid primary"


def test_both_sbcs_on_one_address(lab: Lab, make_agent: Callable[..., Agent]):
    address = lab.sbc("primary").address
    uris = {"primary": f"sip:{address}", "alternate": f"sip:{address};transport=tcp"}
    site = make_agent(sbc=[{"name": name, "uri": uri} for name, uri in uris.items()])
    assert Technician(site).look().first == "same-address-twice primary and alternate"


def test_a_kernel_that_drops_the_answers_of_the_second_wan(lab: Lab, technician: Technician):
    lab.cpe.namespace.set_sysctls({"net.ipv4.conf.wwan0.rp_filter": "1", "net.ipv4.conf.all.rp_filter": "1"})
    try:
        found = technician.look()
    finally:
        lab.cpe.namespace.set_sysctls({"net.ipv4.conf.wwan0.rp_filter": "2", "net.ipv4.conf.all.rp_filter": "2"})
    assert found.first == "rp-filter-strict lte"
    assert found.outcome("rp-filter")[0] == "problem"


def test_a_wan_that_comes_and_goes(lab: Lab, technician: Technician):
    process = technician.begin("--json")
    try:
        time.sleep(5)
        for _ in range(3):
            with lab.provider("fibre").cut():
                time.sleep(4)
            time.sleep(4)
        found = technician.answer(process)
    finally:
        process.kill()
    assert found.first == "wan-flapping fibre"


def test_dns_that_is_dead(lab: Lab, resolvers: dict[str, Resolver], named: Technician):
    for resolver in resolvers.values():
        resolver.stop()
    found = named.look()
    assert found.first.startswith(("dns-broken", "sbc-unresolved"))
    assert found.outcome("dns")[0] == "problem"


def test_dns_that_lies(resolvers: dict[str, Resolver], named: Technician):
    resolvers["fibre"].lie(NOBODY)
    assert named.look().first.startswith("dns-lies")


def test_a_binding_that_dies_early(lab: Lab, make_agent: Callable[..., Agent]):
    site = make_agent(wan=[LTE], nat={"server": f"{FIRST}:3478"})
    with coturn(lab), forgets_after(lab.provider("lte").namespace, 10):
        found = Technician(site).look(within=LONGEST + 400)
    assert found.first == "nat-binding-short lte"


def test_a_sip_alg_on_the_way(lab: Lab, make_agent: Callable[..., Agent]):
    site = make_agent(wan=[LTE], nat={"server": f"{FIRST}:3478"})
    lte = lab.provider("lte").namespace
    with reflector(lab), sip_helper_in(lte), forgets_after(lte, 20):
        found = Technician(site).look("--only", "wans,sbcs,sip-alg,nat", within=LONGEST + 400)
    assert found.first == "sip-alg-active lte"


def test_where_an_agent_runs_that_one_looks_with_its_history(lab: Lab, make_agent: Callable[..., Agent]):
    agent = make_agent()
    agent.start()
    lab.sbc("primary").stop()
    agent.wait_for(lambda status: status.has("sbc-down", "primary"), within=15)

    found = Technician(agent).look("--quick")
    assert found.first == "sbc-down primary"
    assert found.report["agent"]["name"] == "lab-site"
    assert found.report["active"]["switches"] == 1, "what happened before is in it"
    assert agent.process.running


def test_ctrl_c_ends_it_with_what_is_known_and_leaves_nothing_behind(lab: Lab, technician: Technician):
    before = kernel_state(lab.cpe.namespace)
    process = technician.begin("--json")
    try:
        time.sleep(4)
        process.signal(signal.SIGINT)
        found = technician.answer(process, within=5.0)
    finally:
        process.kill()
    assert {sbc["state"] for sbc in found.report["sbcs"]} == {"healthy"}
    assert found.outcome("wans") == ("not checked", "the diagnosis was stopped before")
    assert kernel_state(lab.cpe.namespace) == before


def test_an_upstream_that_blocks_the_alternate(lab: Lab, technician: Technician):
    with lab.provider("fibre").silence(lab.sbc("alternate").address):
        found = technician.look()
    assert found.first.startswith("upstream-blocks")
    assert "alternate" in found.first
    assert found.outcome("egress")[0] == "problem"


@contextmanager
def narrow(namespace: Namespace, octets: int) -> Iterator[None]:
    """A way on which longer packets vanish without a word."""
    namespace.nft(
        "table ip narrow {\nchain forward {\ntype filter hook forward priority filter - 1\n"
        f"ip length > {octets} drop\n}}\n}}\n"
    )
    try:
        yield
    finally:
        namespace.run("nft", "delete", "table", "ip", "narrow")


def test_long_packets_that_vanish(lab: Lab, technician: Technician):
    with narrow(lab.provider("fibre").namespace, 1200):
        found = technician.look()
    assert found.first.startswith("path-mtu")
    assert found.outcome("path-mtu")[0] == "problem"


def test_a_laptop_that_is_no_linux_sees_all_that_needs_no_netlink(lab: Lab):
    """Behind the CPE, where the phones are."""
    uris = [sbc.uri for sbc in lab.sbcs]
    lab.sbc("primary").stop()
    process = lab.phone.popen(
        sys.executable, "-m", "tests.lab.elsewhere", "diagnose", "--alone", "--quick", *uris, log="laptop"
    )
    try:
        code = process.wait(60.0)
    finally:
        process.kill()
    said = process.output
    assert code == 1, said
    assert said.startswith("PROBLEM  SBC primary does not answer"), said
    assert "Traceback" not in said
    assert re.search(r"rp-filter +not checked +only Linux has it", said)
    assert re.search(r"firewall +not checked", said)


def test_an_ordinary_user_is_told_what_he_cannot_see_and_why(lab: Lab):
    command = (sys.executable, "-m", "tonekeeper", "diagnose", "--alone", "--quick", *(sbc.uri for sbc in lab.sbcs))
    process = lab.cpe.namespace.popen(*UNPRIVILEGED, *command, log="ordinary")
    try:
        code = process.wait(60.0)
    finally:
        process.kill()
    assert code == 0, process.output
    assert process.output.startswith("OK  Every path works"), process.output
    assert re.search(r"firewall +not checked +cannot run 'nft", process.output)
    assert "run it as" in process.output


def test_the_evidence_holds_what_was_found_and_nobodys_secret(lab: Lab, make_agent: Callable[..., Agent]):
    (lab.directory / "noc-token").write_text("noc-token-of-the-lab")
    with Registrar(lab) as registrar:
        account = Account(lab)
        site = make_agent(
            sbc=[account.proves("primary", registrar, number="600"), {"name": "alternate", "uri": lab.sbcs[1].uri}],
            http={"token_file": str(lab.directory / "noc-token")},
            lan={"interfaces": ["lan0"]},
        )
        bundle, page = lab.directory / "evidence.tar.gz", lab.directory / "report.html"
        found = Technician(site).look("--bundle", str(bundle), "--html", str(page))

    with tarfile.open(bundle) as archive:
        contents = {
            member.name.partition("/")[2]: file.read().decode()
            for member in archive
            if (file := archive.extractfile(member)) is not None
        }
    assert {"report.json", "report.html", "ruleset.nft", "versions.json", "configuration.toml"} <= set(contents)
    assert any(name.startswith("journal/") for name in contents)
    assert json.loads(contents["report.json"])["agent"] == found.report["agent"]
    assert "masquerade" in contents["ruleset.nft"]
    assert page.read_text().startswith("<!doctype html>")
    for name, text in contents.items():
        for secret in (PASSWORD, "noc-token-of-the-lab", f"sip:{USER}@", f'"{USER}"', '"600"', "sip:600@"):
            assert secret not in text, f"{secret} in {name}"


def test_a_bundle_that_cannot_be_written_costs_no_answer(technician: Technician):
    process = technician.begin("--json", "--only", "dns", "--bundle", "/nowhere/evidence.tar.gz")
    try:
        code = process.wait(60.0)
    finally:
        process.kill()
    assert code == 2
    assert "cannot write '/nowhere/evidence.tar.gz'" in process.output
    assert technician.printed()["agent"]["name"] == "lab-site"


def test_a_clock_that_is_a_year_off(lab: Lab, make_agent: Callable[..., Agent]):
    trusted = {"tls.ca_file": str(lab.authority.root)}
    site = make_agent(sbc=[over("tls", sbc, **trusted) for sbc in lab.sbcs], checks={"time_servers": [FIRST]})
    with chrony(lab.services, FIRST):
        found = Technician(site, through=shifted("-365d")).look()
    assert found.first == "clock-wrong"
    assert found.outcome("clock")[0] == "problem"


def test_a_table_of_connections_that_is_full(lab: Lab, technician: Technician):
    with fillable(lab.cpe.namespace, "eth0"):
        fill(lab.cpe.namespace, 0, int(table_size() * 1.02))
        found = technician.look()
    assert found.first == "conntrack-full"


def test_a_modem_that_translates_once_more(tmp_path: Path):
    """At a site of its own: the router has a private address on its WAN."""
    with behind_a_modem() as site, Scripted(site["sbc"], (SBC, 5060)):
        found = Passer(site["router"], tmp_path).look(f"sip:{SBC}")
    assert found.first == "double-nat wan"
