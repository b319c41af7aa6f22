"""The SIP decoder against anything: a value or `DecodeError`, whatever the bytes; and what is written is read back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.challenge import Challenge, parse_challenges
from tonekeeper.wire.sip.message import Response, decode_message, decode_request, decode_response
from tonekeeper.wire.sip.name_addr import NameAddr, parse_contacts, parse_name_addr
from tonekeeper.wire.sip.render import render_options, render_response
from tonekeeper.wire.sip.reply import decode_reply
from tonekeeper.wire.sip.uri import SipUri, parse_sip_uri, parse_uri
from tonekeeper.wire.sip.via import Via, parse_vias

UNTIMED = settings(deadline=None)
"""No example may fail because the machine is busy."""

SAMPLES = [
    b"SIP/2.0 401 Unauthorized\r\n"
    b"Via: SIP/2.0/UDP [2001:db8::2]:49152;branch=z9hG4bK1;received=[2001:db8::7];rport=1024\r\n"
    b'From: "a \\" b" <sip:probe@[2001:db8::2]>;tag=a1\r\nTo: tel:+12025550123;tag=b=2\r\nCall-ID: c3@x\r\n'
    b'CSeq: 0009\r\n OPTIONS\r\nWWW-Authenticate: Digest realm="a, b", nonce="c", qop="auth,auth-int",'
    b"\r\n\tstale=true\r\nRetry-After: 120 (busy) ;duration=60\r\nServer: x/1 (y)\r\nContent-Length: 3\r\n\r\nabcdef",
    b"OPTIONS sip:a;b?c:d@pbx1:5060;lr;x=%41 SIP/2.0\r\n"
    b"v: SIP / 2.0 / UDP 192.0.2.1 ; rport , SIP/2.0/TCP h;branch=y\r\nMax-Forwards: 70\r\n"
    b"f: sip:x@y;tag=z\r\nt: <urn:service:sos>\r\ni: w\r\nm: *\r\nCSeq: 1 OPTIONS\r\nl: 0\r\n\r\n",
    b"\r\nREGISTER sips:example.net SIP/2.0\r\nVia: SIP/2.0/TLS a.example.net;alias;branch=z9hG4bK2\r\n"
    b"From: J. R <sips:a@b>;tag=1\r\nTo: <sips:a@b>\r\nCall-ID: (a){b}\r\nCSeq: 2147483647 REGISTER\r\n"
    b'Contact: "Q, \xfc" <sip:a,b@c?d=e>;q=0.3;expires=60, <mailto:a@b>\r\nSubject:\r\n\r\n',
]
DELIMITERS = st.sampled_from(
    [b"\r\n", b"\r", b"\n", b" ", b"\t", b":", b";", b",", b'"', b"\\", b"<", b">", b"=", b"@"]
)
FRAGMENTS = st.one_of(
    DELIMITERS,
    st.sampled_from(
        [b"%", b"[", b"]", b"?", b"*", b"/", b"\x00", b"\xff", b"\xc4\xb0", b"9" * 30, b"0" * 5000, b"sip:", b"SIP/2.0"]
    ),
    st.binary(max_size=8),
)
TEXTS = st.text(st.characters(max_codepoint=0x2FF), max_size=40) | st.text('"\\<>,;:=@?%[] \tDigestp:1.', max_size=60)


def value_or_decode_error(decode, data):
    try:
        return decode(data)
    except DecodeError:
        return None


@st.composite
def mutations(draw):
    data = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(len(data), begin + draw(st.sampled_from([0, 1, 2, 40])))))
        data = data[:begin] + draw(FRAGMENTS) + data[end:]
    return data


def test_the_samples_themselves_decode():
    assert [type(decode_message(data)).__name__ for data in SAMPLES] == ["Response", "Request", "Request"]


@UNTIMED
@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_a_decode_error(data):
    assert value_or_decode_error(decode_reply, data) is None
    value_or_decode_error(decode_message, data)


@UNTIMED
@given(st.lists(FRAGMENTS, max_size=40).map(b"".join))
def test_any_header_gives_a_value_or_a_decode_error(lines):
    begin, _, end = SAMPLES[0].partition(b"Retry-After")
    value_or_decode_error(decode_reply, begin + lines + b"\r\nRetry-After" + end)


@UNTIMED
@given(mutations())
def test_a_mutated_message_gives_a_value_or_a_decode_error(data):
    message = value_or_decode_error(decode_message, data)
    reply = value_or_decode_error(decode_reply, data)
    assert (reply is not None) == isinstance(message, Response)
    if message is not None:
        value_or_decode_error(lambda _: message.contacts(), data)
    if isinstance(message, Response):
        assert reply.status == message.status
        value_or_decode_error(lambda _: message.challenges(), data)


@UNTIMED
@given(mutations(), st.binary(max_size=40))
def test_what_follows_the_body_changes_nothing(data, noise):
    message = value_or_decode_error(decode_message, data)
    if message is not None and message.header("Content-Length") is not None:
        assert decode_message(data + noise) == message


@UNTIMED
@given(TEXTS)
def test_any_text_gives_a_value_or_a_decode_error(text):
    for parse in (parse_uri, parse_sip_uri, parse_vias, parse_contacts, parse_challenges):
        value_or_decode_error(parse, text)
    value_or_decode_error(lambda value: parse_name_addr("To", value), text)


TOKENS = st.text("abcXYZ019-.!%*_+`'~", min_size=1, max_size=12)
USERS = st.text("abcXYZ019-_.!~*'()&=+$,;?/", min_size=1, max_size=12)
HOSTS = st.one_of(
    st.sampled_from(["pbx1", "sbc-1.example.net", "1a--b.c.", "x_1.local"]),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
)
PORTS = st.integers(1, 65535)
QUOTED = st.text("abc ,;<>=\t\x00é", max_size=10).map(lambda text: f'"{text}"')


def params(names, values):
    pairs = st.tuples(names.map(str.lower), st.just("") | values)
    return st.lists(pairs, max_size=4, unique_by=lambda pair: pair[0]).map(tuple)


URI_TEXT = st.text("abcXYZ019-_.!~*'()[]/:&+$", min_size=1, max_size=8)
SIP_URIS = st.builds(
    SipUri,
    host=HOSTS,
    port=st.none() | PORTS,
    user=st.none() | USERS,
    scheme=st.sampled_from(["sip", "sips"]),
    params=params(URI_TEXT, URI_TEXT),
    headers=st.lists(
        st.tuples(st.text("abc-?/", min_size=1, max_size=6), st.text("abc?:+$", max_size=6)), max_size=3
    ).map(tuple),
)
VIAS = st.builds(
    Via,
    host=HOSTS,
    port=st.none() | PORTS,
    transport=st.sampled_from(["UDP", "TCP", "TLS", "WS-NEW"]),
    params=params(TOKENS.map(lambda name: f"x{name}"), TOKENS | QUOTED),
)


@UNTIMED
@given(SIP_URIS)
def test_a_uri_is_read_as_it_is_written(uri):
    assert parse_sip_uri(str(uri)) == uri


@UNTIMED
@given(st.lists(VIAS, min_size=1, max_size=4).map(tuple))
def test_vias_are_read_as_they_are_written(vias):
    assert parse_vias(", ".join(map(str, vias))) == vias


@UNTIMED
@given(st.builds(NameAddr, uri=SIP_URIS, display=st.just("") | QUOTED | TOKENS, params=params(TOKENS, TOKENS | QUOTED)))
def test_a_contact_is_read_as_it_is_written(contact):
    assert parse_contacts(str(contact)) == (contact,)
    assert parse_name_addr("To", str(contact)) == contact


RAW = st.text("abc =,;<>é", max_size=12)


@UNTIMED
@given(
    st.lists(
        st.builds(
            Challenge,
            realm=RAW,
            nonce=RAW,
            algorithm=st.sampled_from(["MD5", "SHA-256", "SHA-512-256-sess"]),
            qop=st.sampled_from([(), ("auth",), ("auth", "auth-int")]),
            stale=st.booleans(),
            opaque=st.none() | RAW,
        ),
        min_size=1,
        max_size=3,
    ).map(tuple)
)
def test_challenges_are_read_as_they_are_written(challenges):
    assert parse_challenges(", ".join(map(str, challenges))) == challenges


ENDPOINTS = st.builds(Endpoint, st.ip_addresses().map(str), PORTS)


@UNTIMED
@given(
    host=HOSTS,
    address=ENDPOINTS,
    transport=st.sampled_from(["udp", "tcp", "tls"]),
    local=ENDPOINTS,
    source=ENDPOINTS,
    branch=TOKENS,
    cseq=st.integers(0, 2**31 - 1),
    status=st.integers(100, 699),
    reason=st.text("abc é'=", max_size=10),
)
def test_a_probe_finds_its_own_marks_in_the_answer(
    host, address, transport, local, source, branch, cseq, status, reason
):
    probe = render_options(
        request_host=host,
        address=address,
        transport=transport,
        local=local,
        branch=branch,
        from_tag="a1",
        call_id=f"{branch}@x",
        cseq=cseq,
        user_agent="tonekeeper",
    )
    request = decode_request(probe)
    assert (request.uri.host, request.uri.user, request.uri.transport) == (host, None, transport)
    answer = render_response(request, status, reason, received=source)
    assert decode_response(answer).from_ == request.from_
    reply = decode_reply(answer)
    assert (reply.status, reply.reason, reply.branch, reply.cseq) == (status, reason, branch, cseq)
    assert (reply.call_id, reply.sent_by) == (f"{branch}@x", str(local))
    assert (reply.received, reply.rport) == (source.host, source.port)
