"""What is to be pasted has been pasted: into the real tool that owns the rules, and then a real packet was sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.asked_firewall import EVERYTHING, NOTHING, PRIMARY_AND_ALTERNATE, passing, said_of
from tests.lab.crossing import SERVERS, Crossing
from tests.lab.firewall_owners import Owner, firewalld, ufw
from tests.lab.needs import missing
from tonekeeper.core.firewall.flows import Origin

pytestmark = pytest.mark.lab

PRIMARY, ALTERNATE = SERVERS
UFW = f"""
ufw default deny outgoing
ufw default deny routed
ufw allow out to {PRIMARY}
ufw route allow from any to {PRIMARY}
"""
UFW_WITHOUT_RULES = """
ufw default reject outgoing
ufw default allow routed
"""
FIREWALLD = f"""
firewall-cmd --permanent --zone=internal --add-interface=lan0
firewall-cmd --permanent --zone=external --add-interface=wan0 --add-interface=wan1
firewall-cmd --permanent --new-policy only-primary
firewall-cmd --permanent --policy only-primary --set-target REJECT
firewall-cmd --permanent --policy only-primary --add-ingress-zone internal
firewall-cmd --permanent --policy only-primary --add-egress-zone external
firewall-cmd --permanent --policy only-primary --add-rich-rule 'rule family=ipv4 destination address={PRIMARY} accept'
firewall-cmd --permanent --new-policy own-packets
firewall-cmd --permanent --policy own-packets --set-target DROP
firewall-cmd --permanent --policy own-packets --add-ingress-zone HOST
firewall-cmd --permanent --policy own-packets --add-egress-zone ANY
firewall-cmd --permanent --policy own-packets --add-rich-rule 'rule family=ipv4 destination address={PRIMARY} accept'
"""
IPTABLES = f"""
iptables-nft -P FORWARD DROP
iptables-nft -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
iptables-nft -A FORWARD -d {PRIMARY} -j ACCEPT
iptables-nft -A OUTPUT -d {ALTERNATE} -j REJECT
"""
NFT = f"""
nft add table inet fw
nft add chain inet fw forward '{{ type filter hook forward priority filter; policy drop; }}'
nft add rule inet fw forward ct state established,related accept
nft add rule inet fw forward ip daddr {PRIMARY} accept
nft add chain inet fw output '{{ type filter hook output priority filter; }}'
nft add rule inet fw output ip daddr {ALTERNATE} drop
"""


@pytest.fixture(scope="module")
def crossing() -> Iterator[Crossing]:
    if reason := missing():
        pytest.skip(reason)
    with Crossing() as crossing:
        yield crossing


@pytest.fixture
def site(crossing, tmp_path) -> Iterator[Path]:
    path = tmp_path / "site.toml"
    path.write_text(PRIMARY_AND_ALTERNATE)
    yield path
    crossing.router.nft("flush ruleset")


def concerning_sbcs(crossing: Crossing, site: Path, owner: Owner) -> list[dict[str, Any]]:
    """Without those on name servers: which there are is the machine's business."""
    findings = said_of(crossing, site, through=owner.through)["findings"]
    return [finding for finding in findings if finding["code"] != "firewall-blocks-dns"]


def mend(crossing: Crossing, site: Path, owner: Owner, begin: str) -> None:
    (finding,) = concerning_sbcs(crossing, site, owner)
    assert (finding["code"], finding["subject"]) == ("firewall-blocks-alternate", "alternate")
    assert finding["evidence"]["origin"] == "the phones and this host"
    assert finding["remedy"].startswith(begin)
    assert passing(crossing) == NOTHING
    owner.paste(finding["remedy"])
    assert passing(crossing) == EVERYTHING
    assert concerning_sbcs(crossing, site, owner) == []
    owner.paste(finding["remedy"])  # twice does no harm
    assert passing(crossing) == EVERYTHING


def test_what_is_pasted_for_ufw_lets_the_flow_through(crossing, site):
    with ufw(crossing.router, UFW) as owner:
        mend(crossing, site, owner, "ufw ")
        owner.run("ufw", "reload")
        assert passing(crossing) == EVERYTHING


def test_what_is_pasted_for_ufw_is_taken_where_it_has_no_rule_yet(crossing, site):
    with ufw(crossing.router, UFW_WITHOUT_RULES) as owner:
        findings = concerning_sbcs(crossing, site, owner)
        assert {finding["code"] for finding in findings} == {"firewall-blocks-sip"}
        for finding in findings:
            owner.paste(finding["remedy"])
        assert passing(crossing, Origin.SELF) == EVERYTHING


def test_what_is_pasted_for_firewalld_lets_the_flow_through(crossing, site):
    with firewalld(crossing.router, FIREWALLD) as owner:
        mend(crossing, site, owner, "firewall-cmd ")


@pytest.mark.parametrize(("rules", "begin"), [(IPTABLES, "iptables -t filter -I "), (NFT, "nft insert rule inet fw ")])
def test_what_is_pasted_for_iptables_and_nft_lets_the_flow_through(crossing, site, rules, begin):
    owner = Owner(crossing.router, "none", ())
    try:
        owner.paste(rules)
        mend(crossing, site, owner, begin)
    finally:
        owner.end()
