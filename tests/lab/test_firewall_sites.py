"""What the configuration says of a site is what the firewall is asked about: every LAN, the ports of each SBC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.asked_firewall import firewall, said_of
from tests.lab.crossing import Crossing
from tests.lab.needs import missing

pytestmark = pytest.mark.lab

SITE = """
[[wan]]
name = "fibre"
interface = "wan0"
[[sbc]]
name = "primary"
uri = "sip:198.51.100.10:5060;transport=udp"
rtp = "30000-30100"
[[sbc]]
name = "alternate"
uri = "sip:198.51.100.20:5060;transport=udp"
[lan]
interfaces = ["lan0", "voice0"]
"""
NOT_FROM_VOICE = """
table inet fw {
    chain forward {
        type filter hook forward priority filter; policy accept;
        iifname "voice0" ip daddr 198.51.100.20 drop
    }
}
"""
NO_MEDIA_OF_PRIMARY = """
table inet fw {
    chain forward {
        type filter hook forward priority filter; policy accept;
        udp dport 30000-30100 drop
    }
}
"""


@pytest.fixture(scope="module")
def crossing() -> Iterator[Crossing]:
    if reason := missing():
        pytest.skip(reason)
    with Crossing() as crossing:
        crossing.router.run("ip", "link", "add", "voice0", "type", "veth", "peer", "phones0")
        crossing.router.run("ip", "address", "add", "192.0.3.1/24", "dev", "voice0")
        crossing.router.run("ip", "link", "set", "voice0", "up")
        yield crossing


@pytest.fixture
def site(crossing, tmp_path) -> Iterator[Path]:
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    yield path
    crossing.router.nft("flush ruleset")


def test_phones_of_every_lan_are_asked_about_and_the_finding_says_of_which(crossing, site):
    crossing.router.nft(NOT_FROM_VOICE)
    said = said_of(crossing, site)
    blocked = {(one["interface"], one["sbc"]) for one in said["firewall"] if one["verdict"] == "drop"}
    assert blocked == {("voice0", "alternate")}
    assert {one["interface"] for one in said["firewall"]} == {"lan0", "voice0", ""}
    (finding,) = said["findings"]
    assert (finding["code"], finding["evidence"]["origin"]) == ("firewall-blocks-alternate", "the phones on voice0")
    table = firewall(crossing, "-c", site).stdout
    assert "voice0  fibre  alternate" in table


def test_every_lan_of_another_router_may_be_named(crossing, site, tmp_path):
    dump = tmp_path / "dump.nft"
    dump.write_text(NOT_FROM_VOICE)
    lans = ("--lan", "lan0=192.0.2.1/24", "--lan", "voice0")
    said = said_of(crossing, site, "--ruleset", dump, *lans, "--wan", "wan0")
    blocked = {(one["interface"], one["sbc"]) for one in said["firewall"] if one["verdict"] == "drop"}
    assert blocked == {("voice0", "alternate")}
    assert "voice0 has 192.168.2.1/24" in said["notes"][0]


def test_an_interface_that_is_not_there_is_not_checked(crossing, site):
    site.write_text(SITE.replace('"voice0"', '"voice9"'))
    said = said_of(crossing, site)
    unknown = {(one["interface"], one["reason"]) for one in said["firewall"] if one["verdict"] == "not checked"}
    assert unknown == {("voice9", "LAN interface voice9 is not there")}


def test_media_is_asked_about_at_the_ports_of_the_sbc_and_what_is_assumed_is_said(crossing, site):
    crossing.router.nft(NO_MEDIA_OF_PRIMARY)
    said = said_of(crossing, site)
    (finding,) = said["findings"]
    assert (finding["code"], finding["subject"]) == ("firewall-blocks-rtp", "primary")
    assert "udp dport 30000-30100 accept" in finding["remedy"]
    assert "media of alternate goes to ports 10000-20000 (rtp is not configured)" in said["notes"]
    told = said_of(crossing, site, "--rtp", "40000-40100")
    assert told["findings"] == []
    assert not [note for note in told["notes"] if "10000" in note]


def test_the_list_of_what_must_stay_open_has_the_ports_of_each_sbc(crossing, site):
    done = firewall(crossing, "-c", site, "--allow-list", "--format", "csv")
    assert "udp,198.51.100.10,30000-30100,RTP of primary" in done.stdout
    assert "udp,198.51.100.20,10000-20000,RTP of alternate" in done.stdout
    assert "assumed: media of alternate goes to ports 10000-20000" in done.stderr
