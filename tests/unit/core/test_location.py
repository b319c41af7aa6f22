"""RFC 3263 section 4, from a zone to targets. A zone says what there is; every other question is answered NXDOMAIN."""

from __future__ import annotations

import pytest

from tonekeeper.core.events import NameFailure
from tonekeeper.core.location import (
    MOST_SERVERS,
    MOST_SERVICES,
    MOST_TARGETS,
    Answer,
    Ask,
    HostAddress,
    Located,
    Naptr,
    NoAnswer,
    NotLocated,
    Question,
    RecordType,
    Srv,
    locate,
)
from tonekeeper.core.site import Target, Transport
from tonekeeper.wire.endpoint import Endpoint

UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS
NXDOMAIN = NoAnswer(NameFailure.NXDOMAIN, "no such name")
SERVFAIL = NoAnswer(NameFailure.SERVFAIL, "the resolver answered SERVFAIL")
TIMEOUT = NoAnswer(NameFailure.TIMEOUT, "no answer within 2 s")


def q(text: str) -> Question:
    """`SRV _sip._udp.example.net`"""
    kind, name = text.split()
    return Question(name, RecordType(kind))


def hosts(*addresses: str, ttl: float = 300) -> Answer:
    return Answer(tuple(HostAddress(address) for address in addresses), ttl)


def srv(*records: tuple[int, int, int, str], ttl: float = 300) -> Answer:
    return Answer(tuple(Srv(*record) for record in records), ttl)


def naptr(*records: tuple[int, int, str, str], ttl: float = 300) -> Answer:
    """Order, preference, service, replacement."""
    return Answer(tuple(Naptr(order, pref, "s", service, name) for order, pref, service, name in records), ttl)


def target(transport: Transport, address: str, port: int, priority: int = 0, weight: int = 0) -> Target:
    return Target(transport, Endpoint(address, port), priority, weight)


def look_up(zone, host="example.net", port=0, transport=None):
    """The outcome, and the questions of each round as text."""
    replies, rounds = {}, []
    while True:
        step = locate(host, port, transport, replies)
        if not isinstance(step, Ask):
            return step, rounds
        assert len(rounds) < 5, "it never ends"
        rounds.append([str(question) for question in step.questions])
        replies |= {question: zone.get(str(question), NXDOMAIN) for question in step.questions}


def located(zone, *arguments) -> tuple[Target, ...]:
    outcome, _ = look_up(zone, *arguments)
    assert isinstance(outcome, Located), outcome
    return outcome.targets


# --- what is asked (RFC 3263 sections 4.1 and 4.2)


@pytest.mark.parametrize(
    ("host", "port", "transport", "expected"),
    [
        ("192.0.2.1", 0, None, target(UDP, "192.0.2.1", 5060)),
        ("192.0.2.1", 0, TCP, target(TCP, "192.0.2.1", 5060)),
        ("192.0.2.1", 0, TLS, target(TLS, "192.0.2.1", 5061)),
        ("192.0.2.1", 5080, None, target(UDP, "192.0.2.1", 5080)),
        ("[2001:DB8::1]", 0, None, target(UDP, "2001:db8::1", 5060)),
    ],
)
def test_a_host_that_is_an_address_needs_no_question(host, port, transport, expected):
    assert look_up({}, host, port, transport) == (Located((expected,), 86400.0), [])


def test_a_port_in_the_uri_leaves_only_the_addresses_to_ask_for():
    outcome, rounds = look_up({"A sbc.example.net": hosts("192.0.2.1")}, "sbc.example.net", 5080)
    assert outcome == Located((target(UDP, "192.0.2.1", 5080),), 300)
    assert rounds == [["AAAA sbc.example.net", "A sbc.example.net"]]


@pytest.mark.parametrize(
    ("transport", "name"), [(UDP, "_sip._udp"), (TCP, "_sip._tcp"), (TLS, "_sips._tcp")], ids=["udp", "tcp", "tls"]
)
def test_a_transport_in_the_uri_asks_for_its_srv_and_no_naptr(transport, name):
    zone = {f"SRV {name}.example.net": srv((10, 0, 5070, "a.example.net")), "A a.example.net": hosts("192.0.2.1")}
    outcome, rounds = look_up(zone, "example.net", 0, transport)
    assert outcome == Located((target(transport, "192.0.2.1", 5070, 10),), 300)
    assert rounds == [[f"SRV {name}.example.net"], ["AAAA a.example.net", "A a.example.net"]]


def test_naptr_names_the_services_by_order_of_preference():
    zone = {
        "NAPTR example.net": naptr(
            (10, 50, "SIP+D2U", "_sip._udp.example.net"), (10, 20, "SIPS+D2T", "_sips._tcp.example.net")
        ),
        "SRV _sip._udp.example.net": srv((1, 0, 5060, "a.example.net")),
        "SRV _sips._tcp.example.net": srv((7, 0, 5061, "a.example.net")),
        "A a.example.net": hosts("192.0.2.1"),
    }
    outcome, rounds = look_up(zone)
    assert outcome == Located((target(TLS, "192.0.2.1", 5061, 7), target(UDP, "192.0.2.1", 5060, 1 << 16 | 1)), 300)
    assert rounds == [
        ["NAPTR example.net"],
        ["SRV _sips._tcp.example.net", "SRV _sip._udp.example.net"],
        ["AAAA a.example.net", "A a.example.net"],
    ]


def test_a_higher_naptr_order_is_not_considered():
    zone = {
        "NAPTR example.net": naptr((20, 0, "SIP+D2U", "_sip._udp.b.net"), (10, 0, "SIP+D2T", "_sip._tcp.b.net")),
        "SRV _sip._tcp.b.net": srv((0, 0, 5060, "a.b.net")),
        "A a.b.net": hosts("192.0.2.1"),
    }
    assert located(zone) == (target(TCP, "192.0.2.1", 5060),)


def test_services_we_do_not_speak_are_passed_over_even_where_they_come_first():
    zone = {
        "NAPTR example.net": naptr(
            (1, 0, "SIP+D2S", "_sip._sctp.b.net"), (2, 0, "SIPS+D2W", "_sips._ws.b.net"), (3, 0, "sip+d2u", "_x.b.net")
        ),
        "SRV _x.b.net": srv((0, 0, 5060, "a.b.net")),
        "A a.b.net": hosts("192.0.2.1"),
    }
    assert located(zone) == (target(UDP, "192.0.2.1", 5060),)


def test_a_naptr_that_is_no_pointer_to_srv_is_passed_over():
    zone = {
        "NAPTR example.net": Answer(
            (
                Naptr(1, 0, "u", "SIP+D2U", "_sip._udp.b.net"),
                Naptr(2, 0, "", "SIP+D2U", "c.net"),
                Naptr(3, 0, "s", "SIP+D2U", "."),
            ),
            300,
        ),
        "A example.net": hosts("192.0.2.1"),
    }
    assert located(zone) == (target(UDP, "192.0.2.1", 5060),)


@pytest.mark.parametrize("nothing", [NXDOMAIN, Answer(), SERVFAIL], ids=["nxdomain", "empty", "servfail"])
def test_without_naptr_the_srv_of_every_transport_is_asked_for(nothing):
    zone = {
        "NAPTR example.net": nothing,
        "SRV _sip._tcp.example.net": srv((0, 0, 5060, "a.example.net")),
        "SRV _sip._udp.example.net": srv((0, 0, 5060, "a.example.net")),
        "A a.example.net": hosts("192.0.2.1"),
    }
    outcome, rounds = look_up(zone)
    assert rounds[1] == [f"SRV {prefix}.example.net" for prefix in ("_sip._udp", "_sip._tcp", "_sips._tcp")]
    assert outcome.targets == (target(UDP, "192.0.2.1", 5060), target(TCP, "192.0.2.1", 5060, 1 << 16))


def test_without_srv_the_hosts_own_addresses_are_used_over_udp():
    outcome, rounds = look_up({"A example.net": hosts("192.0.2.1"), "AAAA example.net": hosts("2001:db8::1")})
    assert outcome.targets == (target(UDP, "2001:db8::1", 5060), target(UDP, "192.0.2.1", 5060))
    assert [len(questions) for questions in rounds] == [1, 3, 2]


def test_without_srv_the_transport_that_was_named_is_used_at_its_default_port():
    zone = {"A example.net": hosts("192.0.2.1")}
    assert located(zone, "example.net", 0, TLS) == (target(TLS, "192.0.2.1", 5061),)


def test_where_naptr_leads_to_no_srv_its_best_transport_is_used_at_the_host():
    zone = {
        "NAPTR example.net": naptr((1, 1, "SIPS+D2T", "_sips._tcp.gone.net"), (1, 2, "SIP+D2U", "_sip._udp.gone.net")),
        "A example.net": hosts("192.0.2.1"),
    }
    assert located(zone) == (target(TLS, "192.0.2.1", 5061),)


def test_names_are_compared_without_case_and_final_dot():
    zone = {
        "SRV _sip._udp.example.net": srv((0, 0, 5060, "A.example.NET"), (1, 0, 5060, "a.Example.net")),
        "A a.example.net": hosts("192.0.2.1"),
    }
    outcome, rounds = look_up(zone, "EXAMPLE.net.", 0, UDP)
    assert outcome.targets == (target(UDP, "192.0.2.1", 5060),)
    assert rounds[1] == ["AAAA a.example.net", "A a.example.net"]


# --- order


def test_targets_come_by_priority_then_by_descending_weight_and_keep_both():
    zone = {
        "SRV _sip._udp.example.net": srv(
            (20, 0, 5060, "c.net"), (10, 10, 5060, "b.net"), (10, 60, 5060, "a.net"), (10, 0, 5060, "d.net")
        ),
        **{f"A {name}.net": hosts(f"192.0.2.{number}") for number, name in enumerate("abcd", start=1)},
    }
    assert located(zone, "example.net", 0, UDP) == (
        target(UDP, "192.0.2.1", 5060, 10, 60),
        target(UDP, "192.0.2.2", 5060, 10, 10),
        target(UDP, "192.0.2.4", 5060, 10, 0),
        target(UDP, "192.0.2.3", 5060, 20, 0),
    )


def test_a_resolver_that_rotates_its_records_changes_nothing():
    zone = {"A example.net": hosts("192.0.2.10", "192.0.2.9"), "AAAA example.net": hosts("2001:db8::2", "2001:db8::1")}
    turned = {question: Answer(answer.records[::-1], answer.ttl) for question, answer in zone.items()}
    assert located(zone) == located(turned)
    assert [t.address.host for t in located(zone)] == ["2001:db8::1", "2001:db8::2", "192.0.2.9", "192.0.2.10"]


def test_an_address_that_is_named_twice_is_one_target_at_its_best_place():
    zone = {
        "SRV _sip._udp.example.net": srv((10, 0, 5060, "a.net"), (20, 0, 5060, "b.net"), (20, 0, 5070, "b.net")),
        "A a.net": hosts("192.0.2.1", "192.0.2.1"),
        "A b.net": hosts("192.0.2.1"),
    }
    assert located(zone, "example.net", 0, UDP) == (
        target(UDP, "192.0.2.1", 5060, 10),
        target(UDP, "192.0.2.1", 5070, 20),
    )


def test_an_srv_target_that_is_an_address_is_taken_as_it_is():
    zone = {"SRV _sip._udp.example.net": srv((0, 0, 5060, "192.0.2.1"))}
    outcome, rounds = look_up(zone, "example.net", 0, UDP)
    assert outcome == Located((target(UDP, "192.0.2.1", 5060),), 300)
    assert len(rounds) == 1


# --- how long it holds


def test_the_smallest_ttl_on_the_way_is_told():
    def zone(first: float, second: float, third: float):
        return {
            "NAPTR example.net": naptr((1, 1, "SIP+D2U", "_sip._udp.example.net"), ttl=first),
            "SRV _sip._udp.example.net": srv((0, 0, 5060, "a.net"), ttl=second),
            "A a.net": hosts("192.0.2.1", ttl=third),
        }

    for ttls in [(30, 60, 90), (90, 30, 60), (60, 90, 30)]:
        outcome, _ = look_up(zone(*ttls))
        assert outcome.ttl == 30


def test_a_record_that_led_nowhere_shortens_nothing():
    zone = {
        "SRV _sip._udp.example.net": srv((0, 0, 5060, "a.net"), (1, 0, 5060, "gone.net")),
        "A a.net": hosts("192.0.2.1"),
        "AAAA a.net": Answer((), 1),
        "A gone.net": hosts("0.0.0.0", ttl=1),
    }
    outcome, _ = look_up(zone, "example.net", 0, UDP)
    assert outcome.ttl == 300


# --- what leads nowhere


def test_a_name_that_does_not_exist_is_told_as_that():
    outcome, _ = look_up({}, "sbc.example.net", 5060)
    assert outcome == NotLocated(
        NameFailure.NXDOMAIN, "cannot locate 'sbc.example.net': A sbc.example.net: no such name"
    )


def test_a_name_without_addresses_is_empty():
    outcome, _ = look_up({"A example.net": Answer(), "AAAA example.net": Answer()})
    assert outcome == NotLocated(NameFailure.EMPTY, "cannot locate 'example.net': A example.net: leads to no address")


@pytest.mark.parametrize("filtered", ["0.0.0.0", "224.0.0.1", "255.255.255.255", "169.254.1.1", "nonsense", ""])
def test_an_address_no_host_can_have_is_none(filtered):
    outcome, _ = look_up({"A example.net": hosts(filtered)})
    assert outcome.failure is NameFailure.EMPTY


def test_an_address_of_the_wrong_family_is_none():
    zone = {"A example.net": hosts("2001:db8::1"), "AAAA example.net": hosts("192.0.2.1")}
    assert look_up(zone)[0].failure is NameFailure.EMPTY


@pytest.mark.parametrize("silent", [NameFailure.TIMEOUT, NameFailure.UNREACHABLE])
def test_a_resolver_that_does_not_even_answer_is_asked_nothing_more(silent):
    outcome, rounds = look_up({"NAPTR example.net": NoAnswer(silent, "silence")})
    assert outcome == NotLocated(silent, "cannot locate 'example.net': NAPTR example.net: silence")
    assert len(rounds) == 1


def test_an_srv_that_failed_is_not_one_that_is_not_there():
    """Else the web server of the domain would be taken for its SBC."""
    zone = {"SRV _sip._udp.example.net": SERVFAIL, "A example.net": hosts("192.0.2.80")}
    outcome, _ = look_up(zone)
    assert outcome == NotLocated(
        NameFailure.SERVFAIL,
        "cannot locate 'example.net': SRV _sip._udp.example.net: the resolver answered SERVFAIL",
    )


def test_one_service_that_can_be_read_is_enough():
    zone = {
        "SRV _sip._udp.example.net": SERVFAIL,
        "SRV _sip._tcp.example.net": srv((0, 0, 5060, "a.net")),
        "A a.net": hosts("192.0.2.1"),
        "AAAA a.net": TIMEOUT,
    }
    assert located(zone) == (target(TCP, "192.0.2.1", 5060, 1 << 16),)


def test_a_service_that_is_decidedly_not_available_is_not_looked_for_at_the_host():
    zone = {"SRV _sip._udp.example.net": srv((0, 0, 0, ".")), "A example.net": hosts("192.0.2.1")}
    outcome, rounds = look_up(zone)
    assert outcome == NotLocated(
        NameFailure.EMPTY,
        "cannot locate 'example.net': SRV _sip._udp.example.net: the service is not available here (RFC 2782)",
    )
    assert len(rounds) == 2


def test_of_an_address_that_failed_the_failure_is_told_and_not_its_missing_twin():
    outcome, _ = look_up({"A example.net": SERVFAIL}, "example.net", 5060)
    assert outcome.failure is NameFailure.SERVFAIL


# --- bounds


def test_more_records_than_anybody_needs_are_cut_off_behind_the_best():
    services = [(1, number, "SIP+D2U", f"_sip._udp.s{number}.net") for number in range(100)]
    zone = {
        "NAPTR example.net": naptr(*services),
        **{
            f"SRV _sip._udp.s{n}.net": srv(*((p, 0, 5060 + p, f"h{p}-{n}.net") for p in range(100))) for n in range(100)
        },
        **{f"A h{p}-{n}.net": hosts(*(f"192.0.2.{a}" for a in range(1, 9))) for p in range(100) for n in range(100)},
    }
    outcome, rounds = look_up(zone)
    assert [len(questions) for questions in rounds] == [1, MOST_SERVICES, 2 * MOST_SERVERS]
    assert len(outcome.targets) == MOST_TARGETS
    assert outcome.targets[0] == target(UDP, "192.0.2.1", 5060)


def test_a_name_that_leads_to_itself_is_asked_once():
    zone = {
        "NAPTR example.net": naptr((1, 1, "SIP+D2U", "example.net")),
        "SRV example.net": srv((0, 0, 5060, "example.net")),
        "A example.net": hosts("192.0.2.1"),
    }
    outcome, rounds = look_up(zone)
    assert outcome.targets == (target(UDP, "192.0.2.1", 5060),)
    assert sum(map(len, rounds)) == 4
