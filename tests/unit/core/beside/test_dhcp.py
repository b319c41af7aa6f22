"""DHCP servers on a LAN: one, none, several that agree, several that do not."""

from __future__ import annotations

from dataclasses import replace

from tonekeeper.core.beside.dhcp import LanAsked, judge_dhcp
from tonekeeper.core.checks import Outcome
from tonekeeper.core.report import Severity
from tonekeeper.wire.dhcp import DhcpReply

OWN = DhcpReply(1, "00:15:65:aa:bb:cc", 2, "192.0.2.100", "192.0.2.1", ("192.0.2.1",), ("192.0.2.1",), 3600, ())
TWIN = replace(OWN, server="192.0.2.2")
ROGUE = replace(OWN, server="192.0.2.66", routers=("192.0.2.66",), resolvers=("192.0.2.66", "198.51.100.53"))


def judged(*offers: DhcpReply, interface: str = "br-lan"):
    return judge_dhcp([LanAsked(interface, offers)])


def finding(*offers: DhcpReply):
    (one,) = judged(*offers).observations
    assert (one.code, one.subject) == ("dhcp-twice", "br-lan")
    return one


def test_one_server_is_as_it_should_be_however_often_it_answers():
    result = judged(OWN, OWN)
    assert result.outcome is Outcome.OK
    assert result.detail == "br-lan: one server, 192.0.2.1 (gateway 192.0.2.1, DNS 192.0.2.1)"


def test_no_server_is_no_mistake_either():
    assert (judged().outcome, judged().detail) == (Outcome.OK, "br-lan: no server answers")


def test_a_second_server_with_a_gateway_of_its_own_is_a_warning_with_what_each_says():
    result = judged(ROGUE, OWN)
    assert result.outcome is Outcome.PROBLEM
    one = finding(ROGUE, OWN)
    assert one.severity is Severity.WARNING
    assert one.evidence["count"] == "2"
    assert one.evidence["why"] == "they name different gateways and resolvers"
    assert one.evidence["servers"] == (
        "192.0.2.1 (gateway 192.0.2.1, DNS 192.0.2.1); 192.0.2.66 (gateway 192.0.2.66, DNS 192.0.2.66, 198.51.100.53)"
    )


def test_two_servers_that_say_the_same_are_told_without_alarm():
    assert finding(OWN, TWIN).severity is Severity.INFO


def test_another_provisioning_server_is_a_difference():
    one = finding(OWN, replace(TWIN, provisioning=((66, "http://elsewhere.example"),)))
    assert one.evidence["why"] == "they name different provisioning servers"
    assert "option 66 http://elsewhere.example" in one.evidence["servers"]


def test_the_password_of_a_provisioning_server_is_compared_and_never_shown():
    mine, theirs = (replace(OWN, provisioning=((160, f"https://phone:{word}@prov.example/x@y"),)) for word in "ab")
    result = judged(mine, replace(theirs, server="192.0.2.66"))
    (one,) = result.observations
    assert one.evidence["why"] == "they name different provisioning servers"
    assert one.evidence["servers"].count("option 160 https://prov.example/x@y") == 2
    assert "phone:" not in result.detail


def test_what_is_no_offer_and_who_has_no_name_is_left_out():
    assert judged(OWN, replace(ROGUE, kind=6), replace(ROGUE, server="")).outcome is Outcome.OK


def test_of_many_servers_a_few_are_named():
    assert finding(*(replace(OWN, server=f"192.0.2.{n}") for n in range(1, 7))).evidence["servers"].endswith("2 more")


def test_a_lan_that_could_not_be_asked_is_not_checked_unless_another_has_two_servers():
    refused = LanAsked("br-voice", refused="cannot send: Permission denied; give it CAP_NET_BIND_SERVICE")
    result = judge_dhcp([LanAsked("br-lan", (OWN,)), refused])
    assert result.outcome is Outcome.NOT_CHECKED
    assert "CAP_NET_BIND_SERVICE" in result.detail
    assert judge_dhcp([LanAsked("br-lan", (OWN, ROGUE)), refused]).outcome is Outcome.PROBLEM


def test_without_a_lan_the_setting_that_names_one_is_said():
    result = judge_dhcp([])
    assert result.outcome is Outcome.NOT_CHECKED
    assert "[lan] interfaces" in result.detail
