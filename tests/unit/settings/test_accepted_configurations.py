from dataclasses import replace
from pathlib import Path

import pytest

from tonekeeper.core.flap import LOSS, Damper
from tonekeeper.core.site import (
    Account,
    ChecksPolicy,
    DampingPolicy,
    Depth,
    DepthPolicy,
    FailoverPolicy,
    HttpPage,
    LanPolicy,
    Mode,
    NatPolicy,
    Prefer,
    ProbePolicy,
    Role,
    RtpRange,
    Sbc,
    Site,
    TlsPolicy,
    Transport,
    Wan,
)
from tonekeeper.errors import ConfigError
from tonekeeper.settings import Settings, interface_mistakes, load_settings, parse_settings
from tonekeeper.settings.model import (
    AuthProtocol,
    HttpSettings,
    JournalSettings,
    LogFormat,
    LogLevel,
    LogSettings,
    NotificationKind,
    PrivProtocol,
    SnmpSettings,
    SnmpTarget,
    SnmpUser,
)
from tonekeeper.wire.endpoint import Endpoint

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "docs" / "example.toml"
MINIMAL = '[[sbc]]\nname = "primary"\nuri = "sip:sbc1.example.net"\n'
PRIMARY = Sbc("primary", "sip:sbc1.example.net", "sbc1.example.net")
ALTERNATE = Sbc("alternate", "sip:198.51.100.20:5060;transport=udp", "198.51.100.20", 5060, Transport.UDP)


def parsed(text):
    return parse_settings(text, "site.toml")


def with_sbc(uri):
    [sbc] = parsed(f'[[sbc]]\nname = "primary"\nuri = "{uri}"').site.sbcs
    return sbc


def test_one_sbc_is_a_whole_configuration_and_everything_else_has_its_default():
    settings = parsed(MINIMAL)
    assert settings == Settings(Site(name="tonekeeper", wans=(), sbcs=(PRIMARY,)))
    assert settings.wan_from_default_route
    assert settings.http == HttpSettings(Endpoint("127.0.0.1", 8642))
    assert settings.site.nat is None
    assert settings.snmp is None
    assert settings.notices == ()


def test_the_example_of_the_contract_is_accepted_whole():
    settings = load_settings(HERE / "contract.toml")
    assert settings.site == Site(
        name="site-0042",
        wans=(Wan("fibre", "eth0"), Wan("lte", "wwan0", metered=True)),
        sbcs=(PRIMARY, ALTERNATE),
        role=Role.ROUTER,
        probe=ProbePolicy(interval=5.0, false_alarms_per_month=1.0),
        failover=FailoverPolicy(mode=Mode.OBSERVE, prefer=Prefer.CONNECTED_CALLS),
        nat=NatPolicy("stun.example.net", 3478),
        lan=LanPolicy(("br-lan",)),
    )
    assert settings.snmp == SnmpSettings(
        listen=Endpoint("127.0.0.1", 1161),
        users=(SnmpUser("noc", AuthProtocol.SHA256, "...", None, PrivProtocol.AES128, "..."),),
    )
    assert not settings.wan_from_default_route


def test_docs_example_is_accepted_and_promises_only_what_is_there():
    settings = load_settings(EXAMPLE)
    assert [wan.name for wan in settings.site.wans] == ["fibre", "lte"]
    assert [sbc.name for sbc in settings.site.sbcs] == ["primary", "alternate"]
    assert settings.notices == ()


def test_every_key_reaches_its_place():
    settings = load_settings(HERE / "every-key.toml")
    assert settings.site == Site(
        name="site-0042.example",
        wans=(
            Wan("fibre", "eth0", "192.0.2.10", resolvers=("192.0.2.53", "2001:db8::53")),
            Wan("cable", "eth1", "2001:db8::1", metered=True, budget=1024**3),
        ),
        sbcs=(
            replace(
                PRIMARY,
                media=("203.0.113.0/24", "198.51.100.7", "2001:db8::/48"),
                rtp=RtpRange(16384, 32767),
                stun=False,
                tls=TlsPolicy("/srv/ca.pem", "/srv/own.pem", "/srv/own.key"),
                account=Account("tonekeeper-0042", "example.net", "0042", password_file="/srv/password"),
                depths=(
                    DepthPolicy(Depth.REGISTER, 120.0),
                    DepthPolicy(Depth.CALL, 7200.0, "echo"),
                    DepthPolicy(Depth.VOICEMAIL, 600.0, "4711"),
                ),
            ),
        ),
        role=Role.ENDPOINT,
        probe=ProbePolicy(1.5, 0.5, packets_per_second=20, bytes_per_day=64 * 1024**2),
        failover=FailoverPolicy(Mode.STEER, Prefer.NEW_CALLS, 0.3, 5, 7200.0, 86400.0, 90.0, 90.0),
        damping=DampingPolicy(600.0, 3000.0, 750.5, 3600.0),
        nat=NatPolicy("2001:db8::3478", 3479),
        lan=LanPolicy(("br-lan", "br-voice"), probe=False, registrar_rate=2.5, min_expiry=120.0),
        rtp=RtpRange(49152, 65535),
        checks=ChecksPolicy(
            background=False,
            time_servers=(("ntp.example.net", 123), ("2001:db8::123", 1123)),
            portal_page=HttpPage("check.example.net", 8080, "/generate_204?x=1"),
        ),
    )
    assert settings.state_dir == Path("/srv/state")
    assert settings.profiles_dir == Path("/srv/profiles")
    assert settings.http == HttpSettings(
        Endpoint("::1", 8080), Path("/srv/token"), Path("/srv/cert"), Path("/srv/key"), Path("/srv/ca")
    )
    assert settings.snmp == SnmpSettings(
        Endpoint("0.0.0.0", 161),
        4242,
        (
            SnmpUser("noc", AuthProtocol.SHA512, auth_key_file=Path("/srv/auth")),
            SnmpUser(
                "nms",
                AuthProtocol.SHA1,
                "long enough",
                priv_protocol=PrivProtocol.AES256,
                priv_key_file=Path("/srv/priv"),
            ),
        ),
        community_file=Path("/srv/community"),
        allow=("192.0.2.0/24", "2001:db8::9/128"),
        targets=(SnmpTarget("manager", Endpoint("192.0.2.9", 162), "noc", NotificationKind.TRAP),),
    )
    assert settings.journal == JournalSettings(1024**3)
    assert settings.log == LogSettings(LogFormat.JSON, LogLevel.DEBUG)


@pytest.mark.parametrize(
    ("uri", "host", "port", "transport"),
    [
        ("sip:sbc1.example.net", "sbc1.example.net", 0, None),
        ("sip:sbc1.example.net:5080", "sbc1.example.net", 5080, None),
        ("SIP:SBC1.example.net;TRANSPORT=UDP", "SBC1.example.net", 0, Transport.UDP),
        ("sip:198.51.100.20;lr", "198.51.100.20", 0, None),
        ("sip:[2001:db8::20]:5070", "2001:db8::20", 5070, None),
        ("sip:pbx;transport=tcp", "pbx", 0, Transport.TCP),
        ("sip:pbx;transport=TLS", "pbx", 0, Transport.TLS),
        ("sips:pbx", "pbx", 0, Transport.TLS),
        ("sips:pbx:5062;transport=tcp", "pbx", 5062, Transport.TLS),
    ],
)
def test_a_sip_uri_is_read_into_what_it_names_and_kept_as_written(uri, host, port, transport):
    assert with_sbc(uri) == Sbc("primary", uri, host, port, transport)


def test_two_wans_may_share_an_interface_when_each_has_a_source_of_its_own():
    wan = '[[wan]]\nname = "{0}"\ninterface = "eth0"\nsource = "192.0.2.{1}"\n'
    settings = parsed(MINIMAL + wan.format("fibre", 1) + wan.format("cable", 2))
    assert [wan.source for wan in settings.site.wans] == ["192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize(
    ("written", "page", "shown"),
    [
        ("http://check.example.net", HttpPage("check.example.net"), "http://check.example.net/"),
        ("HTTP://192.0.2.1:80/x", HttpPage("192.0.2.1", 80, "/x"), "http://192.0.2.1/x"),
        ("http://[2001:db8::1]:8080/", HttpPage("2001:db8::1", 8080), "http://[2001:db8::1]:8080/"),
    ],
)
def test_a_page_is_read_into_whom_to_ask_for_what_and_can_be_written_again(written, page, shown):
    assert parsed(f'{MINIMAL}[checks]\nportal_url = "{written}"').site.checks.portal_page == page
    assert str(page) == shown


def test_http_can_be_switched_off():
    assert parsed(MINIMAL + "[http]\nenabled = false").http is None


def test_steering_is_accepted_without_a_word():
    settings = parsed(MINIMAL + '[failover]\nmode = "steer"')
    assert settings.site.failover.mode is Mode.STEER
    assert settings.notices == ()


def test_wans_on_one_interface_can_be_watched_though_not_steered():
    wan = '[[wan]]\nname = "{0}"\ninterface = "eth0"\nsource = "192.0.2.{1}"\n'
    text = MINIMAL + wan.format("fibre", 1) + wan.format("cable", 2) + '[failover]\nmode = "{0}"'
    assert len(parsed(text.format("observe")).site.wans) == 2
    with pytest.raises(ConfigError):
        parsed(text.format("steer"))


def test_a_budget_without_metered_is_said_to_have_no_effect():
    settings = parsed(MINIMAL + '[[wan]]\nname = "fibre"\ninterface = "eth0"\nbudget = "50MiB"')
    assert settings.notices == ("wan[0].budget: has no effect without metered = true",)


def test_a_private_media_network_is_said_to_take_a_lan_within_it_along():
    settings = parsed(MINIMAL + 'media = ["203.0.113.0/24", "172.16.3.0/24", "10.1.2.3", "fd00::/16", "2001:db8::/32"]')
    assert settings.notices == (
        "sbc[0].media: 172.16.3.0/24 is a private network, and a LAN within it would be steered away too",
        "sbc[0].media: fd00::/16 is a private network, and a LAN within it would be steered away too",
    )


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("203.0.113.0/255.255.255.0", "203.0.113.0/24"),
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7/32", "203.0.113.7"),
        ("2001:DB8:0::/48", "2001:db8::/48"),
        ("2001:db8::7/128", "2001:db8::7"),
    ],
)
def test_a_media_network_is_kept_in_its_one_canonical_form(written, canonical):
    [sbc] = parsed(f'{MINIMAL}media = ["{written}"]').site.sbcs
    assert sbc.media == (canonical,)


@pytest.mark.parametrize(
    "damping",
    [
        'half_life = "30s"\nmax_suppress = "6h"\nreuse = 50000\nsuppress = 100000',
        'half_life = "1d"\nmax_suppress = "6h"\nreuse = 900\nsuppress = 1000',
    ],
)
def test_damping_at_its_limits_still_suppresses_and_frees_again(damping):
    policy = parsed(f"{MINIMAL}[damping]\n{damping}").site.damping
    damper = Damper()
    for _ in range(200):
        damper.lost(LOSS, policy, now=0.0)
    assert damper.is_suppressed
    assert damper.reuse_at <= policy.max_suppress * 1.000001
    assert damper.release(policy.max_suppress + 1)


def test_a_key_that_no_manager_takes_is_said():
    settings = load_settings(HERE / "contract.toml")
    assert settings.notices == (
        "snmp.user[0].auth_key: shorter than 8 characters, so SNMP is not answered (RFC 3414 section 11.2)",
        "snmp.user[0].priv_key: shorter than 8 characters, so SNMP is not answered (RFC 3414 section 11.2)",
    )


@pytest.mark.parametrize("proof", ['token_file = "/srv/token"', 'client_ca = "/srv/ca"'])
def test_beyond_loopback_a_token_or_certificates_of_clients_say_who_asks(proof):
    https = '[http]\nlisten = "[::]:8642"\ntls_cert = "/srv/cert"\ntls_key = "/srv/key"\n'
    assert parsed(MINIMAL + https + proof).notices == ()


def test_beyond_loopback_http_needs_a_token_and_the_operator_is_told_that_it_travels_in_the_clear():
    settings = parsed(MINIMAL + '[http]\nlisten = "192.0.2.1:8642"\ntoken_file = "/srv/token"')
    assert settings.http == HttpSettings(Endpoint("192.0.2.1", 8642), Path("/srv/token"))
    assert settings.notices == (
        "http.listen = 192.0.2.1:8642: the token crosses the network in the clear; set tls_cert and tls_key",
    )


def test_settings_never_show_a_key_when_they_are_printed():
    assert "long enough" not in repr(load_settings(HERE / "every-key.toml"))
    assert "open sesame" not in repr(parsed(MINIMAL + '[snmp]\ncommunity = "open sesame"'))


@pytest.mark.parametrize(
    ("written", "master"),
    [("/var/agentx/master", Path("/var/agentx/master")), ("tcp:[::1]:705", Endpoint("::1", 705))],
)
def test_another_agent_of_this_host_may_answer_for_us(written, master):
    settings = parsed(MINIMAL + f'[snmp]\nagentx = "{written}"\nenterprise = 4242')
    assert settings.snmp == SnmpSettings(enterprise=4242, agentx=master)
    assert settings.notices == ()


@pytest.mark.parametrize(
    ("snmp", "said"),
    [
        ("", ("snmp: neither a user nor a community is set, so nobody is answered",)),
        ('community = "public"', ()),
        (
            'listen = "192.0.2.1:161"\ncommunity = "public"\nallow = ["192.0.2.0/24"]',
            ("snmp.community: crosses the network in the clear, with all that is answered",),
        ),
    ],
)
def test_who_is_answered_by_snmp_and_how_is_said(snmp, said):
    assert parsed(f"{MINIMAL}[snmp]\n{snmp}").notices == said


def test_an_interface_that_the_host_does_not_have_is_a_mistake_for_check():
    mistakes = interface_mistakes(load_settings(HERE / "contract.toml"), ["lo", "eth0", "br-lan0"])
    assert [str(mistake) for mistake in mistakes] == [
        'wan[1].interface = "wwan0": is no interface of this host; this host has br-lan0, eth0, lo',
        'lan.interfaces[0] = "br-lan": is no interface of this host; did you mean br-lan0?',
    ]


def test_a_host_without_any_interface_is_told_so():
    [first, *_] = interface_mistakes(load_settings(HERE / "contract.toml"), [])
    assert first.remedy == "this host has none"


def test_interfaces_that_the_host_has_are_no_mistake():
    assert interface_mistakes(load_settings(HERE / "contract.toml"), {"eth0", "wwan0", "br-lan"}) == ()
