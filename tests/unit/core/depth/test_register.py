"""REGISTER of a contact of our own, and its removal."""

from __future__ import annotations

import pytest

from tests.unit.core.depth.world import PASSWORD, Line, Sbc, World, probe, question, requests_of
from tonekeeper.core.depth.messages import (
    GarbageReceived,
    ProbeAbandoned,
    SignallingBroken,
    SignallingOpened,
    SipReceived,
)
from tonekeeper.core.depth.result import DepthVerdict
from tonekeeper.core.site import Depth, Transport
from tonekeeper.wire.secret import Secret
from tonekeeper.wire.sip.digest import Credentials
from tonekeeper.wire.sip.message import decode_message


def world_of(sbc: Sbc, line: Line | None = None, **changes: object) -> World:
    return World(question(Depth.REGISTER, **changes), sbc, line)


def test_a_contact_is_registered_and_removed():
    sbc = Sbc()
    world = world_of(sbc)
    result = world.run()

    assert (result.verdict, result.reason, result.left_behind) == (DepthVerdict.PASSED, "", "")
    assert result.statuses == (401, 200, 200)
    assert (result.realm, result.algorithm, result.server) == ("example.net", "MD5", "lab")
    assert result.elapsed_s == pytest.approx(0.04)
    assert sbc.bindings == {}
    assert [request.header("expires") for request in requests_of(world, "REGISTER")] == ["60", "60", "0"]


def test_the_contact_is_one_that_nobody_else_has():
    first, second = world_of(Sbc()), world_of(Sbc())
    second._tokens = iter(range(7, 99))
    contacts = set()
    for world in (first, second):
        world.run()
        contacts |= {str(request.contacts()[0].uri) for request in requests_of(world, "REGISTER")}
    assert len(contacts) == 2
    assert all(contact.startswith("sip:tonekeeper-") for contact in contacts)


def test_bindings_of_others_are_left_alone():
    sbc = Sbc()
    sbc.bindings = {"sip:100@192.0.2.77": 3600}
    world = world_of(sbc)
    assert world.run().verdict is DepthVerdict.PASSED
    assert sbc.bindings == {"sip:100@192.0.2.77": 3600}
    assert all(request.header("contact") != "*" for request in requests_of(world, "REGISTER"))


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256", "SHA-256-sess"])
def test_the_algorithm_that_was_answered_is_told(algorithm):
    assert probe(Depth.REGISTER, Sbc(algorithm=algorithm)).algorithm == algorithm


def test_a_proxy_that_asks_gets_its_answer_in_its_own_field():
    assert probe(Depth.REGISTER, Sbc(proxy=True)).statuses == (407, 200, 200)


def test_a_server_that_asks_for_no_password_is_passed_without_a_realm():
    result = probe(Depth.REGISTER, Sbc(challenges=False), credentials=None)
    assert (result.verdict, result.statuses, result.realm) == (DepthVerdict.PASSED, (200, 200), "")


def test_the_nonce_of_the_registration_serves_the_removal_with_the_next_count():
    world = world_of(Sbc())
    world.run()
    counts = [
        (request.header("authorization") or "").rpartition("nc=")[2] for request in requests_of(world, "REGISTER")
    ]
    assert counts == ["", "00000001", "00000002"]


# --- passwords


def wrong() -> Credentials:
    return Credentials("100", Secret("wrong"))


def test_a_wrong_password_is_tried_once_and_never_again():
    world = world_of(Sbc(), credentials=wrong())
    result = world.run()
    assert (result.verdict, result.statuses) == (DepthVerdict.DENIED, (401, 401))
    assert "the password of user '100' in realm 'example.net' was refused with 401" in result.reason
    assert sum(request.header("authorization") is not None for request in requests_of(world, "REGISTER")) == 1


def test_a_nonce_that_was_too_old_is_replaced_once():
    sbc = Sbc()
    knows = sbc.knows
    seen = []

    def grows_old(request):
        seen.append(request)
        if len(seen) == 2:
            sbc.nonce = "nonce-2"
        return knows(request)

    sbc.knows = grows_old
    challenge = sbc.challenge
    sbc.challenge = lambda request: challenge(request, stale=len(seen) == 2)
    result = probe(Depth.REGISTER, sbc)
    assert (result.verdict, result.statuses) == (DepthVerdict.PASSED, (401, 401, 200, 200))


def test_a_server_that_calls_every_nonce_too_old_is_not_answered_for_ever():
    sbc = Sbc()
    challenge = sbc.challenge
    sbc.knows = lambda request: False
    sbc.challenge = lambda request: challenge(request, stale=True)
    result = probe(Depth.REGISTER, sbc)
    assert (result.verdict, result.statuses) == (DepthVerdict.FAILED, (401, 401, 401))
    assert "too old" in result.reason


def test_a_nonce_for_one_use_only_does_not_keep_the_contact_from_being_removed():
    sbc = Sbc()
    knows = sbc.knows

    def once(request):
        known = knows(request)
        if known:
            sbc.nonce += "x"
        return known

    sbc.knows = once
    result = probe(Depth.REGISTER, sbc)
    assert (result.verdict, result.statuses, result.left_behind) == (DepthVerdict.PASSED, (401, 200, 401, 200), "")


def test_a_question_for_a_password_that_nobody_configured_is_not_the_servers_fault():
    result = probe(Depth.REGISTER, credentials=None)
    assert result.verdict is DepthVerdict.NOT_CHECKED
    assert "none is configured" in result.reason


@pytest.mark.parametrize("challenge", ['Digest realm="a", nonce="b", algorithm=AKAv1-MD5', 'Basic realm="a"'])
def test_an_authentication_that_is_not_known_is_named(challenge):
    sbc = Sbc()
    sbc.answers = [(401, {"WWW-Authenticate": challenge})]
    result = probe(Depth.REGISTER, sbc)
    assert result.verdict is DepthVerdict.NOT_CHECKED
    assert "not known here" in result.reason


def test_a_challenge_that_cannot_be_read_is_a_fault():
    sbc = Sbc()
    sbc.answers = [(401, {"WWW-Authenticate": "Digest nonsense"})]
    assert probe(Depth.REGISTER, sbc).verdict is DepthVerdict.FAILED


# --- answers


@pytest.mark.parametrize(
    ("status", "headers", "verdict", "reason"),
    [
        (500, {}, DepthVerdict.FAILED, "REGISTER was answered 500 As Told"),
        (503, {}, DepthVerdict.FAILED, "REGISTER was answered 503 As Told"),
        (503, {"Retry-After": "30"}, DepthVerdict.DRAINING, "left alone for 30 s"),
        (403, {}, DepthVerdict.DENIED, "may not register"),
        (404, {}, DepthVerdict.DENIED, "not known"),
        (302, {"Contact": "<sip:203.0.113.99>"}, DepthVerdict.NOT_CHECKED, "stays with this address"),
        (423, {}, DepthVerdict.FAILED, "Min-Expires"),
        (423, {"Min-Expires": "86400"}, DepthVerdict.NOT_CHECKED, "86400 s at least"),
    ],
)
def test_what_an_answer_means(status, headers, verdict, reason):
    sbc = Sbc()
    sbc.answers = [(status, headers)]
    result = probe(Depth.REGISTER, sbc)
    assert result.verdict is verdict
    assert reason in result.reason
    assert result.statuses == (status,)
    assert result.left_behind == ""


def test_how_long_to_leave_it_alone_is_told():
    sbc = Sbc()
    sbc.answers = [(503, {"Retry-After": "30"})]
    assert probe(Depth.REGISTER, sbc).retry_after == 30


def test_a_server_that_wants_longer_lives_gets_them():
    sbc = Sbc(challenges=False)
    sbc.answers = [(423, {"Min-Expires": "300"})]
    world = world_of(sbc)
    result = world.run()
    assert (result.verdict, result.statuses) == (DepthVerdict.PASSED, (423, 200, 200))
    assert [request.header("expires") for request in requests_of(world, "REGISTER")] == ["60", "300", "0"]


def test_what_a_stranger_writes_is_fit_for_a_log():
    sbc = Sbc()
    sbc.answers = [(500, {"Server": "evil\x1b[2J\x07" + "x" * 500})]
    result = probe(Depth.REGISTER, sbc)
    assert result.server.isprintable()
    assert len(result.server) <= 128


# --- a bad line


def test_a_lost_request_is_repeated_as_rfc3261_says_until_patience_ends():
    world = world_of(Sbc(), Line(loses=lambda number: True))
    result = world.run()
    times = [round(when - 100.0, 3) for when, data in world.sent if b"Expires: 60" in data]
    assert times == [0.0, 0.5, 1.5, 3.5, 7.5]
    assert (result.verdict, result.reason) == (DepthVerdict.UNANSWERED, "no answer to REGISTER within 8 s")
    assert result.elapsed_s == 8.0
    assert world.now - 100.0 == pytest.approx(12.0)


def test_where_no_answer_tells_whether_the_contact_was_taken_it_is_removed():
    sbc = Sbc(challenges=False)
    world = world_of(sbc, Line(loses=lambda number: number in (1, 3, 5, 7, 9)))
    result = world.run()
    assert result.verdict is DepthVerdict.UNANSWERED
    assert sbc.bindings == {}
    assert result.left_behind == ""


def test_a_contact_that_cannot_be_removed_is_told():
    sbc = Sbc()
    register = sbc.on_register
    sbc.on_register = lambda request: register(request) if request.header("expires") != "0" else []
    result = probe(Depth.REGISTER, sbc)
    assert result.verdict is DepthVerdict.PASSED
    assert "may stay for 60 s: no answer to REGISTER within 4 s" in result.left_behind


def test_a_server_that_keeps_the_contact_is_found_out():
    sbc = Sbc()
    sbc.on_register = lambda request: [
        (0.0, sbc.reply(request, 200, {"Contact": f"<{request.contacts()[0].uri}>;expires=3600"}))
    ]
    assert "may stay for 3600 s: it is still listed" in probe(Depth.REGISTER, sbc).left_behind


def test_every_third_packet_lost_is_no_reason_to_fail():
    result = probe(Depth.REGISTER, Sbc(), Line(loses=lambda number: number % 3 == 0))
    assert (result.verdict, result.left_behind) == (DepthVerdict.PASSED, "")


def test_nothing_is_repeated_over_a_stream():
    world = world_of(Sbc(), Line(loses=lambda number: True), transport=Transport.TCP)
    world.run()
    assert [request.header("expires") for request in requests_of(world, "REGISTER")] == ["60", "0"]
    assert b";transport=tcp" in world.sent[0][1]


def test_nothing_but_trying_is_told_from_silence():
    sbc = Sbc()
    sbc.hear = lambda data: [(0.0, sbc.reply(decode_message(data), 100))]
    result = probe(Depth.REGISTER, sbc)
    assert (result.verdict, result.statuses) == (DepthVerdict.UNANSWERED, ())
    assert "nothing but 100" in result.reason


def test_an_icmp_error_ends_it_at_once():
    world = world_of(Sbc(), Line(loses=lambda number: True))
    world.say(100.1, SignallingBroken("ICMP 3/3 from 203.0.113.2"))
    result = world.run()
    assert (result.verdict, result.elapsed_s) == (DepthVerdict.UNANSWERED, 0.1)
    assert (result.reason, result.left_behind) == ("ICMP 3/3 from 203.0.113.2", "")
    assert len(world.sent) == 1


def test_a_connection_that_breaks_after_the_password_was_told_may_leave_the_contact():
    sbc = Sbc()
    sbc.on_register = lambda request: []
    world = world_of(sbc)
    world.say(100.1, SignallingBroken("the far end closed it"))
    result = world.run()
    assert result.verdict is DepthVerdict.UNANSWERED
    assert "may stay for 60 s: the far end closed it" in result.left_behind


def test_what_is_no_sip_is_named_where_nothing_else_came():
    world = world_of(Sbc(), Line(loses=lambda number: True))
    world.say(100.1, GarbageReceived("cannot decode message: it is a web page"))
    assert "it is a web page" in world.run().reason


def test_a_way_that_does_not_open_is_waited_for_eight_seconds():
    world = world_of(Sbc())
    carry_out = world._carry_out
    world._carry_out = lambda command: None if type(command).__name__ == "OpenSignalling" else carry_out(command)
    result = world.run()
    assert (result.verdict, result.reason) == (DepthVerdict.UNANSWERED, "no connection within 8 s")


# --- others on the line


def forged(world: World, change: tuple[bytes, bytes]) -> SipReceived:
    request = decode_message(world.sent[-1][1])
    data = world.sbc.reply(request, 403)
    assert change[0] in data
    return SipReceived(decode_message(data.replace(*change)))


@pytest.mark.parametrize(
    "change",
    [
        (b"branch=z9hG4bK", b"branch=z9hG4bKx"),
        (b"Call-ID: ", b"Call-ID: x"),
        (b"CSeq: 1 ", b"CSeq: 2 "),
        (b"1 REGISTER", b"1 OPTIONS"),
        (b"\r\nFrom:", b"\r\nVia: SIP/2.0/UDP 192.0.2.66\r\nFrom:"),
    ],
)
def test_a_forged_refusal_is_no_answer(change):
    world = world_of(Sbc())
    world.at(100.005, lambda: world.tell(forged(world, change)))
    assert world.run().verdict is DepthVerdict.PASSED


def test_a_late_answer_to_an_earlier_request_changes_nothing():
    sbc = Sbc()
    register = sbc.on_register
    first = []

    def again(request):
        first.append(sbc.reply(sbc.requests[0], 500))
        return [(0.0, first[0]), *register(request)]

    sbc.on_register = again
    assert probe(Depth.REGISTER, sbc).verdict is DepthVerdict.PASSED


def test_a_request_of_a_stranger_is_refused():
    world = world_of(Sbc(challenges=False))
    world.at(
        100.005, lambda: world.tell(SipReceived(decode_message(world.sbc.notify(decode_message(world.sent[0][1])))))
    )
    world.run()
    assert "481" in world.methods


# --- ended from outside


def test_an_abandoned_probe_takes_its_contact_back_without_waiting():
    sbc = Sbc(challenges=False)
    world = world_of(sbc)
    world.say(100.005, ProbeAbandoned("the agent ends"))
    result = world.run()
    assert (result.verdict, result.reason) == (DepthVerdict.NOT_CHECKED, "abandoned: the agent ends")
    assert requests_of(world, "REGISTER")[-1].header("expires") == "0"
    assert "may stay for 60 s" in result.left_behind


def test_nothing_is_said_after_the_end():
    world = world_of(Sbc())
    world.run()
    assert world.probe.next_deadline() is None
    assert world.probe.handle(SignallingOpened(world.sbc and question(Depth.REGISTER).server), 200.0) == []


def test_the_password_is_nowhere_in_what_leaves_and_what_comes_back():
    world = world_of(Sbc())
    shown = repr(world.run()) + repr(world.sent) + repr(question(Depth.REGISTER)) + repr(vars(world.probe))
    assert PASSWORD not in shown
