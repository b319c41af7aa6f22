"""The DNS codec against anything: a value, whatever the octets; and what real servers may write is read."""

from __future__ import annotations

import dns.message
import dns.rcode
import dns.rrset
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.events import NameFailure
from tonekeeper.core.location import Answer, HostAddress, Naptr, NoAnswer, Question, RecordType, Srv
from tonekeeper.edge.dns_messages import Unusable, decode_answer, encode_query
from tonekeeper.errors import DecodeError

IDS = SHORT = st.integers(0, 65535)
LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join)
QUESTIONS = st.builds(Question, NAMES, st.sampled_from(RecordType))
RECORDS = {
    RecordType.A: st.builds(HostAddress, st.ip_addresses(v=4).map(str)),
    RecordType.AAAA: st.builds(HostAddress, st.ip_addresses(v=6).map(str)),
    RecordType.SRV: st.builds(Srv, SHORT, SHORT, SHORT, NAMES),
    RecordType.NAPTR: st.builds(Naptr, SHORT, SHORT, st.sampled_from("sua"), st.sampled_from(["SIP+D2U", "x"]), NAMES),
}


def written(record):
    match record:
        case HostAddress(address):
            return address
        case Srv(priority, weight, port, target):
            return f"{priority} {weight} {port} {target}."
        case Naptr(order, preference, flags, service, replacement):
            return f'{order} {preference} "{flags}" "{service}" "" {replacement}.'


def response(question, ident, rcode=dns.rcode.NOERROR, records=(), ttl=300):
    answer = dns.message.make_response(dns.message.from_wire(encode_query(question, ident)))
    answer.set_rcode(rcode)
    if records:
        name = question.name + "."
        answer.answer.append(dns.rrset.from_text(name, ttl, "IN", question.type, *map(written, records)))
    return answer


@given(QUESTIONS, IDS, st.binary(max_size=300))
def test_any_octets_behind_our_id_are_a_value(question, ident, octets):
    assert isinstance(decode_answer(octets, question, ident), Answer | NoAnswer | Unusable)
    behind_our_id = ident.to_bytes(2, "big") + b"\x81\x80" + octets
    assert isinstance(decode_answer(behind_our_id, question, ident), Answer | NoAnswer | Unusable)


@given(st.data(), QUESTIONS, IDS)
def test_an_answer_that_was_damaged_on_the_way_is_a_value(data, question, ident):
    records = data.draw(st.lists(RECORDS[question.type], min_size=1, max_size=4, unique=True))
    wire = bytearray(response(question, ident, records=records).to_wire())
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(2, len(wire) - 1))] = data.draw(st.integers(0, 255))
    wire = wire[: data.draw(st.integers(0, len(wire)))]
    assert isinstance(decode_answer(bytes(wire), question, ident), Answer | NoAnswer | Unusable)


@given(st.text(max_size=80))
def test_any_text_is_a_question_or_a_decode_error(name):
    try:
        query = encode_query(Question(name, RecordType.A), 1)
    except DecodeError:
        return
    assert len(dns.message.from_wire(query).question) == 1


@given(st.data(), QUESTIONS, IDS, st.integers(0, 2**31 - 1))
def test_what_a_server_wrote_is_read(data, question, ident, ttl):
    records = data.draw(st.lists(RECORDS[question.type], min_size=1, max_size=5, unique=True))
    wire = response(question, ident, records=records, ttl=ttl).to_wire()
    answer = decode_answer(wire, question, ident)
    assert set(answer.records) == set(records)
    assert answer.ttl == ttl


@given(QUESTIONS, IDS, st.sampled_from(dns.rcode.Rcode))
def test_every_code_of_a_server_is_an_answer_or_a_named_failure(question, ident, rcode):
    reply = decode_answer(response(question, ident, rcode).to_wire(), question, ident)
    match rcode:
        case dns.rcode.NOERROR:
            assert reply == Answer()
        case dns.rcode.FORMERR:
            assert reply is Unusable.PLAIN_ONLY
        case _:
            assert isinstance(reply, NoAnswer)
            assert reply.failure in (NameFailure.NXDOMAIN, NameFailure.REFUSED, NameFailure.SERVFAIL)
            assert dns.rcode.to_text(rcode) in reply.reason


@given(QUESTIONS, QUESTIONS, IDS, IDS)
def test_the_answer_to_another_question_or_with_another_id_is_a_strangers(question, other, ident, other_ident):
    wire = response(other, other_ident).to_wire()
    if (question, ident) != (other, other_ident):
        assert decode_answer(wire, question, ident) is Unusable.STRANGER
