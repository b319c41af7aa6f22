import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.message import decode_message, decode_request, decode_response

RESPONSE = b"\r\n".join(
    [
        b"SIP/2.0 200 OK",
        b"Via: SIP/2.0/UDP 10.0.0.2:49152;branch=z9hG4bK1;received=203.0.113.7;rport=1024",
        b"From: <sip:tonekeeper@10.0.0.2>;tag=a1",
        b"To: <sip:sbc1.example.net>;tag=b2",
        b"Call-ID: c3@10.0.0.2",
        b"CSeq: 4711 OPTIONS",
        b"Contact: <sip:198.51.100.20:5060>",
        b"Content-Length: 0",
        b"\r\n",
    ]
)
REQUEST = RESPONSE.replace(b"SIP/2.0 200 OK", b"OPTIONS sip:sbc1.example.net SIP/2.0")


def with_line(old, new, message=RESPONSE):
    lines = [new if line.startswith(old) else line for line in message.split(b"\r\n")]
    assert new in lines
    return b"\r\n".join(lines)


def without(name, message=RESPONSE):
    return b"\r\n".join(line for line in message.split(b"\r\n") if not line.startswith(name))


def test_a_response_gives_what_it_is_matched_by():
    response = decode_response(RESPONSE)
    assert (response.status, response.reason, response.call_id) == (200, "OK", "c3@10.0.0.2")
    assert (response.vias[0].branch, str(response.cseq), response.to.tag) == ("z9hG4bK1", "4711 OPTIONS", "b2")


def test_a_request_gives_method_and_target():
    request = decode_request(REQUEST)
    assert (request.method, str(request.uri), request.from_.tag) == ("OPTIONS", "sip:sbc1.example.net", "a1")


def test_headers_are_found_by_their_long_name_in_any_case():
    response = decode_response(with_line(b"Contact", b"M : <sip:a>\r\nm:<sip:b>,<sip:c>"))
    assert response.header("CONTACT") == "<sip:a>"
    assert response.header_values("Contact") == ("<sip:a>", "<sip:b>,<sip:c>")
    assert [str(contact.uri) for contact in response.contacts()] == ["sip:a", "sip:b", "sip:c"]
    assert response.header("Server") is None


@pytest.mark.parametrize("compact", [b"V", b"v", b"v \t"])
def test_compact_names_count_as_the_long_ones(compact):
    data = RESPONSE.replace(b"Via:", compact + b":").replace(b"Call-ID:", b"i:").replace(b"To:", b"T:")
    assert decode_response(data).vias == decode_response(RESPONSE).vias


@pytest.mark.parametrize("fold", [b"\r\n ", b"\r\n\t", b" \r\n \t "])
def test_a_folded_header_is_one_line(fold):
    response = decode_response(RESPONSE.replace(b"CSeq: 4711 ", b"CSeq: 4711" + fold))
    assert str(response.cseq) == "4711 OPTIONS"


def test_line_breaks_before_the_start_line_are_skipped():
    assert decode_response(b"\r\n\r\n" + RESPONSE) == decode_response(RESPONSE)


def test_bytes_after_content_length_are_noise():
    assert decode_response(with_line(b"Content-Length", b"l: 2") + b"hello").body == b"he"


def test_a_datagram_without_content_length_is_the_whole_message():
    assert decode_response(without(b"Content-Length") + b"hello").body == b"hello"


def test_latin_1_bytes_are_read_too():
    assert decode_response(with_line(b"SIP/2.0", b"SIP/2.0 404 Nicht verf\xfcgbar")).reason == "Nicht verfügbar"


def test_a_quoted_nul_is_part_of_the_display_name():
    response = decode_response(with_line(b"To", b'To: "a\\\x00 \\"b\\", <c>" <sip:d>;tag=e'))
    assert (response.to.display, response.to.tag) == ('"a\\\x00 \\"b\\", <c>"', "e")


@pytest.mark.parametrize(
    ("to", "uri", "tag"),
    [
        (b"sip:a@b;tag=c", "sip:a@b", "c"),
        (b"<sip:a;b?c@d;e?f=g>;tag=h", "sip:a;b?c@d;e?f=g", "h"),
        (b"tel:+12025550123;tag=a", "tel:+12025550123", "a"),
        (b"<urn:service:sos>", "urn:service:sos", ""),
        (b"A. Bell<sip:a@b> ; tag = c", "sip:a@b", "c"),
        (b"<sip:a@b>;tag=YWJj/ZGVm==", "sip:a@b", "YWJj/ZGVm=="),
    ],
)
def test_to_is_read_in_every_form_it_comes_in(to, uri, tag):
    response = decode_response(with_line(b"To", b"To: " + to))
    assert (str(response.to.uri), response.to.tag) == (uri, tag)


def test_all_bindings_is_a_contact_of_its_own():
    assert decode_request(with_line(b"Contact", b"Contact: *", REQUEST)).contacts() == ()


def test_a_malformed_contact_of_a_response_hurts_only_who_asks_for_it():
    response = decode_response(with_line(b"Contact", b"Contact: <sip:a"))
    with pytest.raises(DecodeError, match="cannot decode Contact"):
        response.contacts()


def test_challenges_come_from_every_field_that_has_them():
    lines = b'WWW-Authenticate: Digest realm="a", nonce="1"\r\nproxy-authenticate: Digest realm="b", nonce="2"'
    response = decode_response(with_line(b"Contact", lines))
    assert [challenge.realm for challenge in response.challenges()] == ["a", "b"]


@pytest.mark.parametrize(
    "line",
    [
        b"SIP/2.0 099 Early",
        b"SIP/2.0 700 Late",
        b"SIP/2.0 20 Short",
        b"SIP/2.0 2000 Long",
        b"SIP/2.0 200",
        b"SIP/2.0  200 OK",
        b"SIP/3.0 200 OK",
        b"SIP/2.0 200 O\x00K",
        b"SIP/2.0 200\r\n OK",
        "SIP/2.0 20\N{FULLWIDTH DIGIT TWO} OK".encode(),
    ],
)
def test_an_impossible_status_line_is_refused(line):
    with pytest.raises(DecodeError):
        decode_response(with_line(b"SIP/2.0", line))


@pytest.mark.parametrize(
    "line",
    [
        b"OPTIONS sip:a",
        b"OPTIONS sip:a SIP/2.0 ",
        b"OPTIONS  sip:a SIP/2.0",
        b"OPTIONS <sip:a> SIP/2.0",
        b"OPTIONS sip:a?b=c SIP/2.0",
        b"OPTIONS sip:a SIP/2.1",
        b"OPT@ONS sip:a SIP/2.0",
        "OPTIONS sip:a \u017fIP/2.0".encode(),
        b" OPTIONS sip:a SIP/2.0",
    ],
)
def test_an_impossible_request_line_is_refused(line):
    with pytest.raises(DecodeError):
        decode_request(with_line(b"OPTIONS", line, REQUEST))


@pytest.mark.parametrize("name", [b"Via", b"From", b"To", b"Call-ID", b"CSeq"])
def test_a_missing_mandatory_header_is_refused(name):
    with pytest.raises(DecodeError, match=f"{name.decode().lower()} is missing"):
        decode_response(without(name))


@pytest.mark.parametrize("name", [b"From", b"To", b"Call-ID", b"CSeq", b"Content-Length"])
def test_a_header_that_stands_once_is_refused_twice(name):
    (line,) = (line for line in RESPONSE.split(b"\r\n") if line.startswith(name))
    with pytest.raises(DecodeError, match="appears twice"):
        decode_response(with_line(name, line + b"\r\n" + line))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (b"CSeq", b"CSeq: 2147483648 OPTIONS"),
        (b"CSeq", b"CSeq: -1 OPTIONS"),
        (b"CSeq", b"CSeq: 1"),
        (b"CSeq", b"CSeq: " + b"9" * 5000 + b" OPTIONS"),
        (b"Call-ID", b"Call-ID: a b"),
        (b"Call-ID", b"Call-ID:"),
        (b"Call-ID", b"Call-ID: a@b@c"),
        (b"From", b'From: "a <sip:b>'),
        (b"From", b"From: a, b <sip:c>"),
        (b"From", b"From: sip:a?b=c"),
        (b"From", b"From: <sip:a> x"),
        (b"Content-Length", b"Content-Length: 1"),
        (b"Content-Length", b"Content-Length: -1"),
        (b"Content-Length", b"Content-Length: +0"),
        (b"Content-Length", b"Content-Length:"),
        (b"Contact", b"no colon"),
        (b"Contact", b": no name"),
        (b"Contact", b"two words: x"),
        (b"Contact", b"X: a\nb"),
        (b"Contact", b"X: a\rb"),
    ],
)
def test_a_malformed_header_is_refused(name, line):
    with pytest.raises(DecodeError):
        decode_response(with_line(name, line))


@pytest.mark.parametrize("value", [b"256", b"-1", b"x", b""])
def test_an_impossible_max_forwards_is_refused(value):
    with pytest.raises(DecodeError, match="cannot decode Max-Forwards"):
        decode_request(with_line(b"Contact", b"Max-Forwards: " + value, REQUEST))


def test_a_request_whose_cseq_has_another_method_is_refused():
    with pytest.raises(DecodeError, match="'INVITE' is not the request's, 'OPTIONS'"):
        decode_request(with_line(b"CSeq", b"CSeq: 1 INVITE", REQUEST))


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\x00\x00\x00\x00", b"\r\n", b"jaK", RESPONSE[:-2], b"x\r\n\r\n"])
def test_what_is_no_message_is_refused(data):
    with pytest.raises(DecodeError):
        decode_message(data)


def test_a_request_is_not_a_response_nor_the_other_way_round():
    with pytest.raises(DecodeError, match=r"'OPTIONS sip:sbc1.example.net SIP/2.0' is not a response"):
        decode_response(REQUEST)
    with pytest.raises(DecodeError, match=r"'SIP/2.0 200 OK' is not a request"):
        decode_request(RESPONSE)


def test_what_a_stranger_sent_fills_no_log():
    with pytest.raises(DecodeError) as refusal:
        decode_response(with_line(b"CSeq", b"CSeq: " + b"x" * 60000))
    assert len(str(refusal.value)) < 200
