from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.challenge import Challenge
from tonekeeper.wire.sip.message import decode_request, decode_response
from tonekeeper.wire.sip.render import render_options, render_response
from tonekeeper.wire.sip.reply import decode_reply

NATTED = Endpoint("203.0.113.7", 1024)
REQUEST = decode_request(
    render_options(
        request_host="sbc1.example.net",
        address=Endpoint("198.51.100.20", 5060),
        transport="udp",
        local=Endpoint("10.0.0.2", 49152),
        branch="z9hG4bK1",
        from_tag="a1",
        call_id="c3",
        cseq=7,
        user_agent="tonekeeper",
    )
)


def test_an_answer_looks_like_this():
    answer = render_response(REQUEST, 200, "OK", received=NATTED, headers=[("Server", "demo")], to_tag="b2")
    assert answer.decode().split("\r\n") == [
        "SIP/2.0 200 OK",
        "Via: SIP/2.0/UDP 10.0.0.2:49152;branch=z9hG4bK1;received=203.0.113.7;rport=1024",
        "From: <sip:tonekeeper@10.0.0.2>;tag=a1",
        "To: <sip:sbc1.example.net>;tag=b2",
        "Call-ID: c3",
        "CSeq: 7 OPTIONS",
        "Server: demo",
        "Content-Length: 0",
        "",
        "",
    ]


def test_the_prober_reads_from_the_answer_what_the_nat_made_of_its_address():
    reply = decode_reply(render_response(REQUEST, 200, "OK", received=NATTED))
    assert (reply.branch, reply.sent_by) == ("z9hG4bK1", "10.0.0.2:49152")
    assert (reply.received, reply.rport) == ("203.0.113.7", 1024)


def test_a_repeated_request_gets_the_same_tag():
    first, second = (decode_response(render_response(REQUEST, 200, "OK", received=None)) for _ in range(2))
    assert first.to.tag
    assert first.to.tag == second.to.tag


def test_a_100_has_no_tag_and_a_tag_that_is_there_stays():
    assert decode_response(render_response(REQUEST, 100, "Trying", received=None)).to.tag == ""
    inside = decode_request(
        b"BYE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP b\r\nVia: SIP/2.0/TCP c\r\nf: <sip:d>;tag=e\r\nt: <sip:a>;tag=f\r\n"
        b"i: g\r\nCSeq: 1 BYE\r\n\r\n"
    )
    answer = decode_response(render_response(inside, 200, "OK", received=NATTED, to_tag="new"))
    assert answer.to.tag == "f"
    assert [str(via) for via in answer.vias] == ["SIP/2.0/UDP b;received=203.0.113.7", "SIP/2.0/TCP c"]


def test_a_challenge_and_a_body_reach_the_other_side():
    asked = Challenge("example.net", "abc", qop=("auth",))
    headers = [("WWW-Authenticate", str(asked)), ("Content-Type", "text/plain")]
    answer = render_response(REQUEST, 401, "Unauthorized", received=None, headers=headers, body=b"no")
    response = decode_response(answer)
    assert (response.challenges(), response.body) == ((asked,), b"no")
