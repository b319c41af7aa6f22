import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.reply import SipReply, decode_reply


def response(*lines, status="200 OK"):
    return "\r\n".join(
        [
            f"SIP/2.0 {status}",
            "Via: SIP/2.0/UDP 10.0.0.2:49152;branch=z9hG4bK1;received=203.0.113.7;rport=1024",
            "From: <sip:tonekeeper@10.0.0.2>;tag=a1",
            "To: <sip:sbc1.example.net>;tag=b2",
            "Call-ID: c3",
            "CSeq: 4711 OPTIONS",
            *lines,
            "\r\n",
        ]
    ).encode()


def test_a_reply_says_what_a_probe_has_to_know():
    assert decode_reply(response("Server: kamailio (5.6.3)")) == SipReply(
        status=200,
        reason="OK",
        branch="z9hG4bK1",
        sent_by="10.0.0.2:49152",
        via_count=1,
        call_id="c3",
        cseq=4711,
        method="OPTIONS",
        received="203.0.113.7",
        rport=1024,
        retry_after=None,
        server="kamailio (5.6.3)",
    )


def test_a_server_that_calls_itself_a_user_agent_is_named_too():
    assert decode_reply(response("User-Agent: FPBX-16")).server == "FPBX-16"


def test_a_second_via_is_counted():
    assert decode_reply(response("v: SIP/2.0/UDP 192.0.2.9")).via_count == 2


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("0018", 18),
        ("18000;duration=3600", 18000),
        ("120 (I'm in a meeting)", 120),
        ("120 (nested (comment)) ;duration=60", 120),
        ("4294967295", 4294967295),
    ],
)
def test_retry_after_is_seconds_with_or_without_a_comment(value, seconds):
    assert decode_reply(response(f"Retry-After: {value}", status="503 Busy")).retry_after == seconds


@pytest.mark.parametrize("value", ["", "soon", "-1", "1.5", "4294967296", "9" * 5000, "Fri, 01 Jan 2027 16:00:00 GMT"])
def test_a_retry_after_that_cannot_be_does_not_cost_the_reply(value):
    reply = decode_reply(response(f"Retry-After: {value}", status="503 Busy"))
    assert (reply.status, reply.retry_after) == (503, None)


def test_what_people_will_read_is_bounded_and_printable():
    reply = decode_reply(response("Server: \x1b[2Jevil\u202e" + "x" * 500, status="200 O\u2028K"))
    assert reply.reason == "O?K"
    assert reply.server.startswith("?[2Jevil?")
    assert len(reply.server) == 128


def test_a_request_on_a_probe_socket_is_not_a_response():
    with pytest.raises(DecodeError, match="not a response"):
        decode_reply(response().replace(b"SIP/2.0 200 OK", b"OPTIONS sip:10.0.0.2 SIP/2.0"))
