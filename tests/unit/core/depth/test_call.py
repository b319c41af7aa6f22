"""A call to a number that echoes: it is set up, heard both ways, and always ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.core.depth.world import (
    HERE,
    MEDIA_HERE,
    MEDIA_THERE,
    SERVER,
    Line,
    Sbc,
    World,
    probe,
    question,
    requests_of,
)
from tonekeeper.core.depth.messages import MediaBroken, MediaRefused, ProbeAbandoned, SignallingBroken
from tonekeeper.core.depth.result import DepthVerdict
from tonekeeper.core.site import Depth
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.rtp import PCMA, PCMU
from tonekeeper.wire.sdp import decode_audio, render_offer


def world_of(sbc: Sbc, line: Line | None = None) -> World:
    return World(question(Depth.CALL), sbc, line)


def test_a_call_is_set_up_talked_in_and_ended():
    sbc = Sbc(proxy=True)
    world = world_of(sbc)
    result = world.run()

    assert (result.verdict, result.reason, result.left_behind) == (DepthVerdict.PASSED, "", "")
    assert result.statuses == (407, 200, 200)
    assert world.methods == ["INVITE", "ACK", "INVITE", "ACK", "BYE"]
    assert (sbc.answered_calls, sbc.ended_calls) == (1, 1)
    assert result.elapsed_s == pytest.approx(2.56, abs=0.03)


def test_the_quality_of_a_good_line():
    voice = probe(Depth.CALL).voice
    assert voice is not None
    assert voice.setup_s == pytest.approx(0.54)
    assert (voice.sent, voice.received, voice.loss) == (100, 100, 0.0)
    assert voice.round_trip_ms == pytest.approx(20.0)
    assert voice.jitter_ms == pytest.approx(0.0, abs=0.01)
    assert voice.mos == pytest.approx(4.4, abs=0.05)
    assert voice.one_way == ""


def test_voice_is_a_tone_of_g711_every_twenty_milliseconds():
    world = world_of(Sbc())
    world.run()
    first = world.voice[0]
    assert [packet.sequence - first.sequence for packet in world.voice] == list(range(100))
    assert {(packet.timestamp - first.timestamp) % 2**32 for packet in world.voice} == set(range(0, 16000, 160))
    assert {(packet.ssrc, packet.payload_type, len(packet.payload)) for packet in world.voice} == {(first.ssrc, 0, 160)}
    assert [packet.marker for packet in world.voice] == [True] + [False] * 99


def test_the_offer_names_our_media_and_the_answer_decides_the_law():
    sbc = Sbc()
    sbc.sdp = lambda: render_offer(MEDIA_THERE, 1).replace(b"RTP/AVP 0 8", b"RTP/AVP 101 8 0")
    world = world_of(sbc)
    world.run()
    assert decode_audio(requests_of(world, "INVITE")[0].body).address == MEDIA_HERE
    assert {packet.payload_type for packet in world.voice} == {PCMA}
    assert PCMU not in {packet.payload_type for packet in world.voice}


def test_requests_in_the_call_go_where_the_answer_says_and_carry_the_credentials_of_the_invite():
    sbc = Sbc()
    invite = sbc.on_invite
    sbc.on_invite = lambda request: [
        (delay, data.replace(b"Contact:", b"Record-Route: <sip:203.0.113.2;lr>\r\nContact:"))
        for delay, data in invite(request)
    ]
    world = world_of(sbc)
    assert world.run().verdict is DepthVerdict.PASSED
    ack, bye = requests_of(world, "ACK")[-1], requests_of(world, "BYE")[0]
    for request in (ack, bye):
        assert str(request.uri) == "sip:echo@203.0.113.2:5070"
        assert request.header("route") == "<sip:203.0.113.2;lr>"
    invited = requests_of(world, "INVITE")[-1]
    assert ack.cseq.number == invited.cseq.number
    assert ack.header("authorization") == invited.header("authorization")
    assert ack.vias[0].branch != invited.vias[0].branch


# --- what is heard


def test_silence_is_one_way():
    sbc = Sbc()
    sbc.echo = lambda packet: []
    result = probe(Depth.CALL, sbc)
    assert result.verdict is DepthVerdict.FAILED
    assert result.reason == "the call was answered, but nothing comes back from 203.0.113.2:30000"
    assert result.voice is not None
    assert (result.voice.sent, result.voice.received, result.voice.mos) == (100, 0, None)
    assert sbc.ended_calls == 1


def test_an_icmp_error_about_media_explains_the_silence():
    sbc = Sbc()
    sbc.echo = lambda packet: []
    world = world_of(sbc)
    world.say(101.0, MediaBroken("ICMP 3/3 from 203.0.113.2"))
    assert world.run().reason.endswith("30000: ICMP 3/3 from 203.0.113.2")


def test_voice_from_elsewhere_is_named():
    sbc = Sbc()
    sbc.echo = lambda packet: [(0.0, Endpoint("10.0.0.1", 5004), packet)]
    result = probe(Depth.CALL, sbc)
    assert result.voice is not None
    assert result.voice.one_way == "voice comes from 10.0.0.1:5004, and not from 203.0.113.2:30000 as was agreed"


def test_another_port_of_the_same_host_is_heard():
    sbc = Sbc()
    sbc.echo = lambda packet: [(0.0, Endpoint(MEDIA_THERE.host, 31000), packet)]
    assert probe(Depth.CALL, sbc).verdict is DepthVerdict.PASSED


def test_voice_that_stops_in_the_middle_of_the_call_is_one_way():
    sbc, heard = Sbc(), []

    def stops(packet):
        heard.append(packet)
        return [(0.0, MEDIA_THERE, packet)] if len(heard) < 40 else []

    sbc.echo = stops
    result = probe(Depth.CALL, sbc)
    assert result.verdict is DepthVerdict.FAILED
    assert result.voice is not None
    assert result.voice.one_way == "nothing comes back from 203.0.113.2:30000 after 0.8 s"
    assert result.voice.received == 39


def test_a_third_lost_is_measured_and_heard():
    sbc, heard = Sbc(), []

    def loses(packet):
        heard.append(packet)
        return [(0.0, MEDIA_THERE, packet)] if len(heard) % 3 else []

    sbc.echo = loses
    result = probe(Depth.CALL, sbc)
    assert result.verdict is DepthVerdict.PASSED
    assert result.voice is not None
    assert result.voice.loss == pytest.approx(0.33, abs=0.01)
    assert result.voice.mos is not None
    assert result.voice.mos < 2.5


def test_a_stream_of_its_own_tells_what_was_lost_on_the_way_back():
    sbc, heard = Sbc(), []

    def speaks(packet):
        heard.append(packet)
        own = replace(packet, ssrc=7, sequence=(65500 + len(heard)) % 65536)
        return [(0.0, MEDIA_THERE, own)] if len(heard) % 10 else []

    sbc.echo = speaks
    voice = probe(Depth.CALL, sbc).voice
    assert voice is not None
    assert voice.loss_in == pytest.approx(0.09, abs=0.01)
    assert voice.loss == voice.loss_in
    assert voice.round_trip_ms == pytest.approx(20.0)


def test_a_packet_that_comes_twice_or_late_is_counted_once():
    sbc = Sbc()
    sbc.echo = lambda packet: [(0.03 if packet.sequence % 2 else 0.0, MEDIA_THERE, packet), (0.1, MEDIA_THERE, packet)]
    voice = probe(Depth.CALL, sbc).voice
    assert voice is not None
    assert (voice.received, voice.loss) == (100, 0.0)


def test_jitter_is_that_of_rfc3550():
    sbc = Sbc()
    sbc.echo = lambda packet: [(0.008 if packet.sequence % 2 else 0.0, MEDIA_THERE, packet)]
    voice = probe(Depth.CALL, sbc).voice
    assert voice is not None
    assert voice.jitter_ms == pytest.approx(8.0, rel=0.05)


def test_rtcp_on_the_same_port_is_no_voice():
    sbc = Sbc()
    sbc.echo = lambda packet: [(0.0, MEDIA_THERE, replace(packet, payload_type=72))]
    assert probe(Depth.CALL, sbc).verdict is DepthVerdict.FAILED


def test_a_flood_of_voice_is_not_kept_in_mind():
    sbc = Sbc()
    sbc.echo = lambda packet: [
        (0.0, MEDIA_THERE, replace(packet, sequence=(packet.sequence * 50 + n) % 65536)) for n in range(50)
    ]
    voice = probe(Depth.CALL, sbc).voice
    assert voice is not None
    assert voice.received == 1000


# --- answers that carry no voice


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"m=audio 30000", b"m=audio 0"), "refuses voice"),
        ((b"RTP/AVP 0 8", b"RTP/AVP 18 9"), "payload types 18, 9"),
        ((b"203.0.113.2", b"224.0.0.1"), "leads to no host"),
        ((b"203.0.113.2", b"127.0.0.1"), "leads to no host"),
        ((b"IN IP4 203.0.113.2", b"IN IP6 2001:db8::1"), "other IP version"),
        ((b"v=0", b"v=7"), "cannot decode SDP"),
    ],
)
def test_an_answer_that_carries_no_voice_fails_and_the_call_is_ended(change, reason):
    sbc = Sbc()
    sbc.sdp = lambda: render_offer(MEDIA_THERE, 1).replace(*change)
    world = world_of(sbc)
    result = world.run()
    assert result.verdict is DepthVerdict.FAILED
    assert reason in result.reason
    assert world.methods[-2:] == ["ACK", "BYE"]
    assert world.voice == []
    assert sbc.ended_calls == 1


@pytest.mark.parametrize(
    ("change", "one_way"),
    [
        ((b"a=sendrecv", b"a=sendonly"), "the far end answers with a=sendonly"),
        ((b"a=sendrecv", b"a=inactive"), "the far end answers with a=inactive"),
        ((b"203.0.113.2", b"0.0.0.0"), "the far end holds the call: its media address is unspecified"),
    ],
)
def test_an_answer_that_goes_one_way_says_so_itself(change, one_way):
    sbc = Sbc()
    sbc.sdp = lambda: render_offer(MEDIA_THERE, 1).replace(*change)
    result = probe(Depth.CALL, sbc)
    assert result.verdict is DepthVerdict.FAILED
    assert result.voice is not None
    assert result.voice.one_way == one_way


def test_an_answer_without_a_way_back_is_still_ended():
    sbc = Sbc()
    invite = sbc.on_invite
    sbc.on_invite = lambda request: [(delay, data.replace(b"<sip:echo@", b"<sip:@")) for delay, data in invite(request)]
    world = world_of(sbc)
    assert world.run().verdict is DepthVerdict.FAILED
    assert str(requests_of(world, "BYE")[0].uri) == "sip:600@sbc.example.net"
    assert sbc.ended_calls == 1


# --- calls that do not come about


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        (404, DepthVerdict.FAILED, "the number is not known"),
        (486, DepthVerdict.NOT_CHECKED, "busy"),
        (488, DepthVerdict.FAILED, "G.711"),
        (403, DepthVerdict.DENIED, "may not call"),
        (500, DepthVerdict.FAILED, "500"),
    ],
)
def test_a_refusal_is_acknowledged_with_the_branch_of_its_invite(status, verdict, reason):
    sbc = Sbc(challenges=False)
    sbc.answers = [(status, {})]
    world = world_of(sbc)
    result = world.run()
    assert result.verdict is verdict
    assert reason in result.reason
    invite, ack = requests_of(world, "INVITE")[0], requests_of(world, "ACK")[0]
    assert (ack.vias, ack.cseq.number, ack.to.tag) == (invite.vias, invite.cseq.number, "b1")
    assert result.voice is None


def test_a_refusal_that_comes_again_is_acknowledged_again():
    sbc = Sbc()
    challenge, invite = sbc.challenge, sbc.on_invite

    def twice(request):
        refused = challenge(sbc.requests[0])
        return [(0.0, refused), *invite(request)]

    sbc.on_invite = twice
    world = world_of(sbc)
    assert world.run().verdict is DepthVerdict.PASSED
    assert world.methods == ["INVITE", "ACK", "INVITE", "ACK", "ACK", "BYE"]


def rings(sbc: Sbc) -> None:
    sbc.on_invite = lambda request: [(0.0, sbc.reply(request, 100)), (0.1, sbc.reply(request, 180))]


def test_a_call_that_nobody_answers_is_cancelled():
    sbc = Sbc()
    rings(sbc)
    world = world_of(sbc)
    result = world.run()
    assert (result.verdict, result.statuses) == (DepthVerdict.FAILED, (401, 487))
    assert result.reason == "INVITE was answered 180, and nothing final within 8 s"
    assert world.methods == ["INVITE", "ACK", "INVITE", "CANCEL", "ACK"]
    cancel, invite = requests_of(world, "CANCEL")[0], requests_of(world, "INVITE")[-1]
    assert (cancel.vias, cancel.uri, cancel.cseq.number) == (invite.vias, invite.uri, invite.cseq.number)
    assert result.left_behind == ""
    assert result.elapsed_s == pytest.approx(8.0, abs=0.1)


def test_a_cancel_that_is_lost_is_repeated_and_the_silence_told():
    sbc = Sbc()
    rings(sbc)
    sbc.on_cancel = lambda request: []
    world = world_of(sbc)
    result = world.run()
    assert len(requests_of(world, "CANCEL")) == 4
    assert "may go on until the far end notices: nothing final answers INVITE" in result.left_behind


def test_an_answer_that_crosses_the_cancel_is_hung_up():
    sbc = Sbc()
    rings(sbc)
    sbc.on_cancel = lambda request: [
        (0.0, sbc.reply(requests_of(world, "INVITE")[-1], 200, {"Contact": "<sip:echo@203.0.113.2>"}, body=sbc.sdp()))
    ]
    world = world_of(sbc)
    result = world.run()
    assert (result.verdict, result.left_behind) == (DepthVerdict.FAILED, "")
    assert world.methods[-3:] == ["CANCEL", "ACK", "BYE"]
    assert sbc.ended_calls == 1


def test_no_cancel_is_sent_before_anything_was_heard():
    world = world_of(Sbc(), Line(loses=lambda number: True))
    result = world.run()
    assert result.verdict is DepthVerdict.UNANSWERED
    assert set(world.methods) == {"INVITE"}


def test_a_first_sign_of_life_after_patience_has_ended_is_cancelled():
    sbc = Sbc(challenges=False)
    sbc.on_invite = lambda request: [(9.0, sbc.reply(request, 180))] if len(requests_of(world, "INVITE")) == 1 else []
    world = world_of(sbc)
    world.run()
    assert world.methods[-2:] == ["CANCEL", "ACK"]


def test_a_challenge_after_patience_has_ended_begins_no_call():
    sbc = Sbc()
    challenge = sbc.challenge
    world = world_of(sbc)
    sbc.hear = lambda data: [(9.0, challenge(requests_of(world, "INVITE")[0]))] if len(world.sent) == 1 else []
    world.run()
    assert all(request.header("authorization") is None for request in requests_of(world, "INVITE"))


def test_a_second_phone_that_answers_is_hung_up_at_once():
    sbc = Sbc(challenges=False)
    invite = sbc.on_invite
    sbc.on_invite = lambda request: [
        *invite(request),
        (0.6, sbc.reply(request, 200, {"Contact": "<sip:other@203.0.113.3>"}, body=sbc.sdp(), tag="b2")),
    ]
    world = world_of(sbc)
    assert world.run().verdict is DepthVerdict.PASSED
    assert [(bye.to.tag, str(bye.uri)) for bye in requests_of(world, "BYE")] == [
        ("b2", "sip:other@203.0.113.3"),
        ("b1", "sip:echo@203.0.113.2:5070"),
    ]


def test_an_answer_that_comes_again_is_acknowledged_again():
    sbc = Sbc(challenges=False)
    invite = sbc.on_invite
    sbc.on_invite = lambda request: [*invite(request), (1.0, invite(request)[-1][1])]
    world = world_of(sbc)
    assert world.run().verdict is DepthVerdict.PASSED
    acks = [data for _, data in world.sent if data.startswith(b"ACK")]
    assert len(acks) == 2
    assert acks[0] == acks[1]


# --- the far end in the call


def test_a_far_end_that_hangs_up_early_is_a_fault():
    sbc = Sbc()
    world = world_of(sbc)
    world.at(101.0, lambda: world.receive([(0.0, sbc.in_dialog("BYE"))]))
    result = world.run()
    assert result.verdict is DepthVerdict.FAILED
    assert "the far end hung up after 0.5 s" in result.reason
    assert world.methods[-1] == "200"
    assert sbc.ended_calls == 0


@pytest.mark.parametrize(("method", "status"), [("INVITE", "488"), ("OPTIONS", "200"), ("UPDATE", "405")])
def test_what_the_far_end_asks_in_the_call_is_answered(method, status):
    sbc = Sbc()
    world = world_of(sbc)
    world.at(101.0, lambda: world.receive([(0.0, sbc.in_dialog(method))]))
    assert world.run().verdict is DepthVerdict.PASSED
    assert status in world.methods


def test_a_bye_that_is_lost_is_repeated_and_its_silence_told():
    sbc = Sbc()
    sbc.on_bye = lambda request: []
    result = probe(Depth.CALL, sbc)
    assert result.verdict is DepthVerdict.PASSED
    assert "may go on until the far end notices: no answer to BYE within 4 s" in result.left_behind


def test_a_call_that_the_far_end_knows_no_more_has_ended():
    sbc = Sbc()
    sbc.on_bye = lambda request: [(0.0, sbc.reply(request, 481))]
    assert probe(Depth.CALL, sbc).left_behind == ""


# --- ended from outside


def test_an_abandoned_call_is_hung_up_without_waiting():
    world = world_of(Sbc())
    world.say(101.0, ProbeAbandoned("the agent ends"))
    result = world.run()
    assert (result.verdict, world.now) == (DepthVerdict.NOT_CHECKED, 101.0)
    assert world.methods[-1] == "BYE"


def test_an_abandoned_call_that_rings_is_cancelled():
    sbc = Sbc()
    rings(sbc)
    world = world_of(sbc)
    world.say(101.0, ProbeAbandoned("the agent ends"))
    world.run()
    assert world.methods[-1] == "CANCEL"


def test_signalling_that_breaks_in_the_call_ends_it():
    world = world_of(Sbc())
    world.say(101.0, SignallingBroken("ICMP 3/3 from 203.0.113.2"))
    result = world.run()
    assert (result.verdict, result.reason) == (DepthVerdict.UNANSWERED, "ICMP 3/3 from 203.0.113.2")
    assert world.methods[-1] == "BYE"
    assert result.left_behind != ""


def test_without_a_socket_for_media_no_call_is_made():
    world = world_of(Sbc())
    carry_out = world._carry_out

    def refuse(command):
        if type(command).__name__ == "OpenMedia":
            world.say(world.now, MediaRefused(24, "too many open files"))
        else:
            carry_out(command)

    world._carry_out = refuse
    result = world.run()
    assert (result.verdict, result.reason) == (DepthVerdict.NOT_CHECKED, "no socket for media: too many open files")
    assert world.sent == []
    assert result.left_behind == ""


def test_it_calls_the_target_as_the_account_in_its_domain():
    world = World(question(Depth.CALL, domain="example.net", target="*43"), Sbc())
    world.run()
    invite = requests_of(world, "INVITE")[0]
    assert str(invite.uri) == "sip:*43@example.net"
    assert str(invite.from_.uri) == "sip:100@example.net"
    assert invite.vias[0].sent_by == str(HERE)
    assert SERVER.host not in str(invite.uri)


def test_a_call_over_ipv6_is_offered_and_answered_in_ipv6():
    there = Endpoint("2001:db8::2", 30000)
    sbc = Sbc()
    sbc.sdp = lambda: render_offer(there, 1)
    sbc.echo = lambda packet: [(0.0, there, packet)]
    world = World(question(Depth.CALL, server=Endpoint("2001:db8::2", 5060), request_host="2001:db8::2"), sbc)
    assert world.run().verdict is DepthVerdict.PASSED
    assert str(requests_of(world, "INVITE")[0].uri) == "sip:600@[2001:db8::2]"
