"""What is computed for phones that are known, and why."""

import dataclasses

import pytest
from tests.unit.phones.documents import document
from tests.unit.phones.shipped import profile
from tests.unit.phones.tuning import TWO_SBCS, setting, site

from tonekeeper.phones.conditions import Aim, Server
from tonekeeper.phones.parameter import Capability
from tonekeeper.phones.schema import read_profile
from tonekeeper.phones.tune import tune

FAST, GENTLE, BATTERY = Aim


def codes(tuning):
    return {each.code for each in tuning.shortcomings}


def test_the_keepalive_is_the_agents_fraction_of_the_measured_lifetime():
    made = setting(tune(profile("yealink-desk"), site(), FAST), "keepalive-interval")
    assert made.native == "43"
    assert "75% of the 58 s that an idle UDP flow outlives here" in made.why


def test_without_a_measurement_the_keepalive_is_what_rfc_5626_advises():
    made = setting(tune(profile("yealink-desk"), site(replied=None, stream=None), FAST), "keepalive-interval")
    assert made.native == "24"
    assert "nobody has measured" in made.why


def test_a_battery_is_woken_as_seldom_as_nat_allows():
    lasting = site(replied=(3600.0, None), stream=(3600.0, None))
    assert setting(tune(profile("yealink-desk"), lasting, BATTERY), "keepalive-interval").value == 840
    assert setting(tune(profile("yealink-desk"), lasting, GENTLE), "keepalive-interval").value == 120


def test_a_model_that_cannot_keep_alive_as_often_as_nat_wants_is_told_with_what_it_can():
    tuning = tune(profile("yealink-desk"), site(replied=(16.0, 17.0)), FAST)
    finding = next(each for each in tuning.shortcomings if each.code == "phone-keepalive-above-nat-lifetime")
    assert finding.evidence["needed"] == "12 s"
    assert finding.evidence["nearest"] == "every 15 s"
    assert setting(tuning, "keepalive-interval").native == "15"


def test_a_model_without_keepalive_registers_as_often_as_the_registrar_lets_it():
    tuning = tune(profile("baresip-baresip"), site(min_expiry_s=30), FAST)
    assert "phone-keepalive-above-nat-lifetime" not in codes(tuning)
    assert "registering holds the binding" in setting(tuning, "registration-expiry").why


def test_minutes_are_written_in_minutes():
    tuning = tune(profile("grandstream-desk"), site(min_expiry_s=90), FAST)
    assert (setting(tuning, "registration-expiry").value, setting(tuning, "registration-expiry").native) == (120, "2")


def test_a_silent_server_is_given_up_by_a_lower_t1_only_where_nothing_else_does_it():
    snom = tune(profile("snom-desk"), site(), FAST)
    assert setting(snom, "timer-t1").native == "180"
    assert "64*T1 = 11.52 s is how long a silent server is waited for" in setting(snom, "timer-t1").why
    assert snom.given_up_s == pytest.approx(11.52)
    assert "timer-t1" not in tune(profile("yealink-desk"), site(), FAST).values


def test_t1_is_raised_where_the_round_trip_is_long():
    far = tuple(dataclasses.replace(each, rtt_s=0.6) for each in TWO_SBCS)
    for aim in Aim:
        assert setting(tune(profile("yealink-desk"), site(servers=far), aim), "timer-t1").value == pytest.approx(1.8)


def test_t1_stays_where_no_round_trip_was_measured():
    near = tuple(dataclasses.replace(each, rtt_s=None) for each in TWO_SBCS)
    tuning = tune(profile("snom-desk"), site(servers=near), FAST)
    assert "timer-t1" not in tuning.values
    assert "phone-cannot-failover-fast" in codes(tuning)


def test_the_servers_are_listed_in_the_sites_order_with_their_ports():
    servers = (Server("sbc1.example.net"), Server("198.51.100.20", 5070, "tcp"))
    values = {made.name: made.native for made in tune(profile("yealink-desk"), site(servers=servers), FAST).settings}
    assert values["account.1.sip_server.1.address"] == "sbc1.example.net"
    assert "account.1.sip_server.1.port" not in values
    assert values["account.1.sip_server.2.address"] == "198.51.100.20"
    assert values["account.1.sip_server.2.port"] == "5070"


def test_proxies_and_registrars_are_listed_where_a_model_wants_both():
    values = {made.name: made.native for made in tune(profile("mitel-69xx"), site(), FAST).settings}
    assert values["sip line1 backup proxy ip"] == values["sip line1 backup registrar ip"] == "198.51.100.20"


def test_a_server_has_seven_seconds_however_short_t1_is():
    assert setting(tune(profile("panasonic-hdv"), site(), FAST), "timer-b").value == 7.5


def test_settings_of_each_server_and_account_are_written_for_each():
    names = [made.name for made in tune(profile("yealink-desk"), site(account=3), FAST).settings]
    assert "account.3.sip_server.1.expires" in names
    assert "account.3.sip_server.2.expires" in names
    assert tune(profile("grandstream-desk"), site(account=2), FAST).settings[0].name == "P412"


def test_asterisk_is_kept_from_giving_up_for_good():
    values = tune(profile("asterisk-pjsip"), site(), FAST).values
    assert values[Capability.REGISTRATION_RETRY_403] == 300
    assert values[Capability.REGISTRATION_ATTEMPTS] >= 1_000_000
    assert values[Capability.TIMER_B] == pytest.approx(64 * values[Capability.TIMER_T1])


def test_a_question_that_keeps_a_binding_is_a_keepalive_with_the_price_of_a_question():
    tuning = tune(profile("asterisk-pjsip"), site(), FAST)
    made = setting(tuning, "keepalive-interval")
    assert (made.name, made.value, made.cost.packets) == ("qualify_frequency", 43, 2 * 3600 / 43)
    assert "weak" in made.caution
    assert "phone-keepalive-above-nat-lifetime" not in codes(tuning)
    assert made.name not in {each.name for each in tuning.kept}


def test_phones_without_jitter_get_values_that_differ_and_it_is_said():
    made = [
        setting(tune(profile("asterisk-pjsip"), site(phones=12, number=number), FAST), "registration-retry")
        for number in range(1, 13)
    ]
    assert len({each.value for each in made}) >= 10
    assert all("no jitter: phones 1 to 12 get values between 30 and 45 s" in each.caution for each in made)
    assert "phone-no-jitter" in codes(tune(profile("asterisk-pjsip"), site(phones=12), FAST))
    assert "phone-no-jitter" not in codes(tune(profile("yealink-desk"), site(phones=12), FAST))


def test_a_model_without_a_second_place_and_sbcs_by_address_has_no_alternate():
    assert "phone-no-alternate" in codes(tune(profile("snom-desk"), site(), FAST))
    by_name = tune(profile("snom-desk"), site(servers=(Server("sbc.example.net"), Server("sbc2.example.net"))), FAST)
    assert "phone-no-alternate" not in codes(by_name)
    assert "phone-no-alternate" not in codes(tune(profile("snom-desk"), site(servers=TWO_SBCS[:1]), FAST))


def test_a_flapping_wan_makes_the_way_back_longer_and_lowers_no_t1():
    calm, flapping = (tune(profile("snom-desk"), site(flapping=each), FAST) for each in (False, True))
    assert "timer-t1" in calm.values
    assert "timer-t1" not in flapping.values
    assert setting(tune(profile("polycom-vvx"), site(flapping=True), FAST), "failback-interval").value == 1800


def test_a_request_is_repeated_more_often_where_packets_are_lost():
    lossy = tuple(dataclasses.replace(each, loss=0.1) for each in TWO_SBCS)
    assert tune(profile("polycom-vvx"), site(), FAST).values[Capability.REQUEST_RETRIES] == 3
    assert tune(profile("polycom-vvx"), site(servers=lossy), FAST).values[Capability.REQUEST_RETRIES] == 4


def test_the_waits_grow_until_the_registrar_bears_all_phones_at_once():
    few, many = (tune(profile("yealink-desk"), site(phones=phones, registrar_rate=50), FAST) for phones in (10, 1000))
    base = Capability.REGISTRATION_RETRY_LEAST
    assert few.values[base] == 15
    assert many.values[base] > 100
    assert many.storm_rate < 50
    assert "1000 phones coming back stay under 50 registrations/s" in setting(many, base).why


def test_where_no_wait_can_be_set_the_phone_registers_more_seldom_and_if_that_is_not_enough_it_is_a_finding():
    calm = tune(profile("baresip-baresip"), site(phones=1000, registrar_rate=100), FAST)
    assert calm.storm_rate < 100
    assert calm.values[Capability.REGISTRATION_EXPIRY] > 600
    assert "phones-exceed-registrar" in codes(
        tune(profile("baresip-baresip"), site(phones=1000, registrar_rate=2), FAST)
    )


def test_a_price_is_named_in_registrations_and_packets():
    fast, gentle = (tune(profile("yealink-desk"), site(), aim).cost for aim in (FAST, GENTLE))
    assert fast.registrations == pytest.approx(60)
    assert gentle.registrations == pytest.approx(12)
    assert fast.packets == pytest.approx(3600 / 43)
    assert fast.bytes > gentle.bytes


def test_streams_are_kept_alive_and_udp_phones_are_not_bothered_with_that():
    over_tcp = tuple(dataclasses.replace(each, transport="tcp") for each in TWO_SBCS)
    assert tune(profile("snom-desk"), site(servers=over_tcp), FAST).values[Capability.TCP_KEEPALIVE_IDLE] == 120
    assert Capability.TCP_KEEPALIVE_IDLE not in tune(profile("snom-desk"), site(), FAST).values


def test_what_is_known_weakly_is_set_with_a_caution_if_a_number_and_left_if_not():
    document_ = document(
        parameters=[
            {
                "capability": "keepalive-interval",
                "name": "ka",
                "unit": "s",
                "default": "unknown",
                "confidence": "weak",
                "source": "G",
            },
            {
                "capability": "rport",
                "name": "rport",
                "unit": "switch",
                "default": "off",
                "choices": {"on": 1, "off": 0},
                "confidence": "weak",
                "source": "G",
            },
        ]
    )
    known, mistakes = read_profile(document_)
    assert known is not None, mistakes
    tuning = tune(known, site(), FAST)
    assert [(made.name, made.caution) for made in tuning.settings] == [
        ("ka", "what is known of this setting is weak: try it on one phone first")
    ]
    assert [kept.name for kept in tuning.kept] == ["rport"]


def test_only_settings_that_the_firmware_has_are_written():
    old = tune(profile("yealink-desk"), site(firmware="66.72.0.1"), FAST)
    names = {made.name for made in old.settings}
    assert "account.1.reg_failed_retry_min_time" not in names
    assert "account.1.reg_fail_retry_interval" in names
    new = tune(profile("yealink-desk"), site(firmware="66.86.0.1"), FAST)
    assert "account.1.reg_failed_retry_min_time" in {made.name for made in new.settings}
    assert not any("only firmware" in made.caution for made in new.settings)
