"""What the signs of phones add up to, and which phone is asked what it is."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.core.talk import Talk, measured_nat, site
from tonekeeper.core.commands import AskPhone
from tonekeeper.core.events import PhoneRegistration, PhoneSeen, PhoneSign, SiteChanged
from tonekeeper.core.journal import Header, read_header, write_header
from tonekeeper.core.site import LanPolicy, NatPolicy, ProbePolicy, Transport
from tonekeeper.core.site_phones import AGAIN, FORGOTTEN_AFTER, MOST_PHONES, REPLACED_AFTER

LAN = LanPolicy(("br-lan",))
UNASKED = LanPolicy(("br-lan",), probe=False)
DESK, OTHER_DESK = "00:15:65:00:00:01", "00:15:65:00:00:02"


def talk(lan=LAN, **changes) -> Talk:
    return Talk(replace(site(), lan=lan, **changes)).begin()


def lease(address="192.168.1.20", mac=DESK, interface="br-lan"):
    return PhoneSeen(address, PhoneSign.LEASE, interface, mac, vendor="Yealink")


def register(address="192.168.1.20", *, transport=Transport.UDP, keepalive_s=None, **changes):
    return PhoneSeen(
        address,
        PhoneSign.REGISTER,
        "br-lan",
        user_agent="Yealink SIP-T46U 108.86.0.20",
        profile="yealink-desk",
        model="T46U",
        firmware="108.86.0.20",
        registration=PhoneRegistration(transport, 3600, 600, 200, 540.0, keepalive_s),
        **changes,
    )


def asked(talk):
    return [(at, command.address) for at, command in talk.done if isinstance(command, AskPhone)]


def test_a_lease_and_a_register_from_one_address_are_one_phone():
    story = talk()
    story.tell(lease())
    story.tell(register())
    (phone,) = story.report.phones
    assert (phone.address, phone.mac, phone.vendor) == ("192.168.1.20", DESK, "Yealink")
    assert (phone.profile, phone.model, phone.firmware) == ("yealink-desk", "T46U", "108.86.0.20")
    assert (phone.expiry_s, phone.granted_s, phone.status, phone.retry_s) == (3600, 600, 200, 540.0)
    assert phone.seen_by == ("lease", "register")


def test_a_phone_that_gets_another_lease_takes_what_is_known_of_it_along():
    story = talk()
    story.tell(register(mac=DESK))
    story.tell(lease("192.168.1.77"))
    (phone,) = story.report.phones
    assert (phone.address, phone.profile) == ("192.168.1.77", "yealink-desk")


def test_another_phone_that_gets_an_address_is_not_taken_for_the_one_that_had_it():
    story = talk()
    story.tell(register(mac=DESK))
    story.tell(lease(mac=OTHER_DESK))
    (phone,) = story.report.phones
    assert (phone.mac, phone.profile, phone.seen_by) == (OTHER_DESK, "", ("lease",))


def test_a_phone_with_an_address_of_each_family_is_one_phone():
    story = talk()
    story.tell(register(mac=DESK))
    story.tell(PhoneSeen("2001:db8::20", PhoneSign.NEIGHBOUR, "br-lan", DESK))
    (phone,) = story.report.phones
    assert phone.address == "192.168.1.20"


def test_phones_behind_a_router_within_the_site_stay_several():
    story = talk()
    for host in ("192.168.1.20", "192.168.1.21"):
        story.tell(register(host))
    assert len(story.report.phones) == 2


def test_a_phone_that_gives_no_sign_for_a_day_is_forgotten():
    story = talk(UNASKED, probe=ProbePolicy(interval=600.0))
    story.tell(lease())
    story.pass_time(FORGOTTEN_AFTER - 10)
    assert len(story.report.phones) == 1
    story.pass_time(10)
    assert story.report.phones == ()


def test_however_many_addresses_are_made_up_the_phones_that_were_there_first_stay():
    story = talk(UNASKED)
    story.tell(register())
    for number in range(MOST_PHONES + 100):
        story.tell(lease(f"10.0.{number // 250}.{number % 250}", f"00:15:65:01:{number // 250:02x}:{number % 250:02x}"))
    known = [phone.address for phone in story.report.phones]
    assert len(known) == MOST_PHONES
    assert "192.168.1.20" in known


def test_a_new_phone_takes_the_place_of_one_that_has_gone_quiet():
    story = talk(UNASKED)
    for number in range(MOST_PHONES):
        story.tell(lease(f"10.0.{number // 250}.{number % 250}", f"00:15:65:01:{number // 250:02x}:{number % 250:02x}"))
    story.pass_time(REPLACED_AFTER)
    story.tell(register())
    known = [phone.address for phone in story.report.phones]
    assert "192.168.1.20" in known
    assert "10.0.0.0" not in known


def test_a_phone_is_asked_what_it_is_and_again_an_hour_later():
    story = talk()
    began = story.now
    story.tell(lease())
    story.pass_time(AGAIN + 10)
    assert [at - began for at, _ in asked(story)] == [0.0, AGAIN]


def test_phones_are_asked_one_a_second():
    story = talk()
    began = story.now
    for number in range(5):
        story.tell(lease(f"192.168.1.{number}", f"00:15:65:00:01:{number:02x}"))
    story.pass_time(60)
    assert [at - began for at, _ in asked(story)] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert len({address for _, address in asked(story)}) == 5


def test_a_phone_that_registers_in_the_clear_is_not_asked():
    story = talk()
    story.tell(register())
    story.pass_time(AGAIN)
    assert asked(story) == []


def test_a_phone_on_no_known_interface_is_not_asked():
    story = talk()
    story.tell(lease(interface=""))
    story.pass_time(AGAIN)
    assert asked(story) == []


def test_nobody_is_asked_where_the_operator_does_not_want_it():
    story = talk(UNASKED)
    story.tell(lease())
    story.pass_time(AGAIN)
    assert asked(story) == []
    assert len(story.report.phones) == 1


def test_a_reload_that_allows_questions_starts_them_and_one_that_forbids_them_ends_them():
    story = talk(UNASKED)
    story.tell(lease())
    story.tell(SiteChanged(replace(site(), lan=LAN)))
    story.pass_time(5)
    assert len(asked(story)) == 1
    story.tell(SiteChanged(replace(site(), lan=UNASKED)))
    story.pass_time(2 * AGAIN)
    assert len(asked(story)) == 1


def test_a_site_without_a_lan_knows_no_phones():
    story = talk(LanPolicy())
    story.tell(register())
    assert story.report.phones == ()
    reloaded = talk()
    reloaded.tell(register())
    reloaded.tell(SiteChanged(site()))
    assert reloaded.report.phones == ()


def test_a_phone_that_speaks_less_often_than_the_nat_remembers_is_a_finding():
    story = talk(nat=NatPolicy("stun.example.net"))
    story.nats["fibre"] = measured_nat("fibre")
    story.pass_time(1000)
    story.tell(register(keepalive_s=20.0))
    assert "nat-binding-short fibre" not in story.findings()
    story.tell(register(keepalive_s=180.0))
    assert "nat-binding-short fibre" in story.findings()
    (finding,) = [one for one in story.report.findings if one.code == "nat-binding-short"]
    assert finding.evidence["phones"] == "180"


def test_a_phone_over_tcp_has_no_udp_binding_to_lose():
    story = talk(nat=NatPolicy("stun.example.net"))
    story.nats["fibre"] = measured_nat("fibre")
    story.pass_time(1000)
    story.tell(register(transport=Transport.TCP, keepalive_s=180.0))
    assert "nat-binding-short fibre" not in story.findings()


def test_a_checkpoint_carries_the_phones():
    story = talk()
    story.tell(lease())
    story.tell(register("192.168.1.21", keepalive_s=30.0))
    line = write_header(Header("0.1.0", story.now, 0.0, story.agent.situation))
    assert read_header(line).situation.phones == story.agent.situation.phones
