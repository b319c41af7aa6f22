"""The torture messages of RFC 4475, byte for byte.

They are read from the directory that TONEKEEPER_VECTORS names, or from ../shared/vectors beside the repository; where
they are not there, these tests say so and skip. Of the 49 messages 27 must be accepted and 12 refused; with the
other 10 an element may do either, and what this one does is written down too.
"""

import os
from pathlib import Path

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.message import Message, Request, decode_message

REPOSITORY = Path(__file__).resolve().parents[2]
VECTORS = Path(os.environ.get("TONEKEEPER_VECTORS") or REPOSITORY.parent / "shared" / "vectors") / "rfc4475"

# start line, CSeq, Vias, topmost sent-by, its branch, tags of From and To, contacts, bytes of body
MUST_ACCEPT = {
    "wsinv": (
        "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam",
        *("9 INVITE", 3, "192.0.2.2", "390skdjuw", "98asjd8", "1918181833n", 1, 150),
    ),
    "intmeth": (
        "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
        ":&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
        *("139122385 !interesting-Method0123456789_*+`.%indeed'~", 1, "host1.example.com", "z9hG4bK-.!%66*_+`'~"),
        *("_token~1'+`*%!-.", "", 0, 0),
    ),
    "esc01": (
        "INVITE sip:sips%3Auser%40example.com@example.net",
        *("234234 INVITE", 1, "host5.example.net", "z9hG4bKkdjuw", "938", "", 1, 150),
    ),
    "escnull": (
        "REGISTER sip:example.com",
        *("14398234 REGISTER", 1, "host5.example.com", "z9hG4bKkdjuw", "839923423", "", 2, 0),
    ),
    "esc02": (
        "RE%47IST%45R sip:registrar.example.com",
        *("29344 RE%47IST%45R", 1, "host.example.com", "z9hG4bK209%fzsnel234", "f232jadfj23", "", 2, 0),
    ),
    "lwsdisp": (
        "OPTIONS sip:user@example.com",
        *("60 OPTIONS", 1, "funky.example.com", "z9hG4bKkdjuw", "323", "", 0, 0),
    ),
    "longreq": (
        "INVITE sip:user@example.com",
        *("3882340 INVITE", 34, "sip33.example.com", "", "1" + "298" * 50 + "2424", "", 1, 150),
    ),
    "dblreq": (
        "REGISTER sip:example.com",
        *("8 REGISTER", 1, "192.0.2.125", "z9hG4bKkdjuw23492", "43251j3j324", "", 1, 0),
    ),
    "semiuri": (
        "OPTIONS sip:user;par=u%40example.net@example.com",
        *("8 OPTIONS", 1, "192.0.2.1", "z9hG4bKkdjuw", "33242", "", 0, 0),
    ),
    "transports": (
        "OPTIONS sip:user@example.com",
        *("60 OPTIONS", 5, "t1.example.com", "z9hG4bKkdjuw", "323", "", 0, 0),
    ),
    "mpart01": (
        "MESSAGE sip:kumiko@example.org",
        *("1 MESSAGE", 1, "127.0.0.1:5070", "z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-", "2fb0dcc9", "", 1, 553),
    ),
    "unreason": (
        "200 = 2**3 * 5**2 но сто девяносто девять - простое",
        *("35 INVITE", 1, "192.0.2.198", "z9hG4bK1324923", "11141343", "2229", 1, 154),
    ),
    "noreason": ("100 ", "35 INVITE", 1, "192.0.2.105", "z9hG4bK2398ndaoe", "39ansfi3", "902jndnke3", 1, 0),
    "inv2543": ("INVITE sip:UserB@example.com", "56 INVITE", 1, "iftgw.example.com", "", "", "", 0, 105),
    "badbranch": ("OPTIONS sip:user@example.com", "8 OPTIONS", 1, "192.0.2.1", "z9hG4bK", "33242", "", 0, 0),
    "unkscm": (
        "OPTIONS nobodyknowsthisscheme:totallyopaquecontent",
        *("3923423 OPTIONS", 1, "host9.example.com", "z9hG4bKkdjuw39234", "384", "", 0, 0),
    ),
    "novelsc": (
        "OPTIONS soap.beep://192.0.2.103:3002",
        *("3923423 OPTIONS", 1, "host9.example.com", "z9hG4bKkdjuw39234", "384", "", 0, 0),
    ),
    "unksm2": (
        "REGISTER sip:example.com",
        *("234902 REGISTER", 1, "192.0.2.21:5060", "z9hG4bKkdjuw", "3234233", "", 1, 0),
    ),
    "bext01": (
        "OPTIONS sip:user@example.com",
        *("8 OPTIONS", 1, "fold-and-staple.example.com", "z9hG4bKkdjuw", "242etr", "", 0, 0),
    ),
    "invut": (
        "INVITE sip:user@example.com",
        *("235448 INVITE", 1, "somehost.example.com", "z9hG4bKkdjuw", "8392034", "", 1, 40),
    ),
    "regaut01": (
        "REGISTER sip:example.com",
        *("9338 REGISTER", 1, "192.0.2.253", "z9hG4bKkdjuw", "87321hj23128", "", 0, 0),
    ),
    "bcast": ("200 OK", "35 INVITE", 2, "192.0.2.198", "z9hG4bK1324923", "11141343", "2229", 1, 154),
    "zeromf": (
        "OPTIONS sip:user@example.com",
        *("39234321 OPTIONS", 1, "host1.example.com", "z9hG4bKkdjuw2349i", "3ghsd41", "", 0, 0),
    ),
    "cparam01": (
        "REGISTER sip:example.com",
        *("2 REGISTER", 1, "saturn.example.com:5060", "z9hG4bKkdjuw", "DkfVgjkrtMwaerKKpe", "", 1, 0),
    ),
    "cparam02": (
        "REGISTER sip:example.com",
        *("3 REGISTER", 1, "saturn.example.com:5060", "z9hG4bKkdjuw", "838293", "", 1, 0),
    ),
    "regescrt": (
        "REGISTER sip:example.com",
        *("14398234 REGISTER", 1, "host5.example.com", "z9hG4bKkdjuw", "8", "", 1, 0),
    ),
    "sdp01": ("INVITE sip:user@example.com", "8 INVITE", 1, "192.0.2.15", "z9hG4bKkdjuw", "234", "", 1, 150),
}

# The part of the message that is wrong, as the error names it.
MUST_REFUSE = {
    "badinv01": "Via",
    "clerr": "Content-Length",
    "ncl": "Content-Length",
    "scalar02": "CSeq",
    "scalarlg": "CSeq",
    "quotbal": "To",
    "badvers": "request line",
    "mismatch01": "CSeq",
    "mismatch02": "CSeq",
    "bigcode": "status line",
    "multi01": "message",
    "mcl01": "message",
}

MAY_REFUSE = {
    "ltgtruri": "URI",
    "lwsruri": "request line",
    "lwsstart": "request line",
    "trws": "request line",
    "escruri": "request line",
    "regbadct": "Contact",
    "badaspec": "URI",
    "baddn": "message",
    "insuf": "message",
}

# Date matters to nobody here.
MAY_ACCEPT = {"baddate": "INVITE sip:user@example.com"}

UNLABELLED = "test"


def read(vector: str) -> bytes:
    file = VECTORS / f"{vector}.dat"
    if not file.exists():
        pytest.skip(f"no RFC 4475 vectors in {VECTORS}; TONEKEEPER_VECTORS names their directory")
    return file.read_bytes()


def start_line(message: Message) -> str:
    if isinstance(message, Request):
        return f"{message.method} {message.uri}"
    return f"{message.status} {message.reason}"


def facts(message: Message) -> tuple[object, ...]:
    via = message.vias[0]
    tags = (message.from_.tag, message.to.tag)
    sizes = (len(message.contacts()), len(message.body))
    return (start_line(message), str(message.cseq), len(message.vias), via.sent_by, via.branch, *tags, *sizes)


@pytest.mark.parametrize("vector", MUST_ACCEPT)
def test_rfc4475(vector):
    assert facts(decode_message(read(vector))) == MUST_ACCEPT[vector]


@pytest.mark.parametrize("vector", [*MUST_REFUSE, *MAY_REFUSE])
def test_rfc4475_refuses(vector):
    with pytest.raises(DecodeError) as refusal:
        decode_message(read(vector))
    assert refusal.value.subject == (MUST_REFUSE | MAY_REFUSE)[vector]


@pytest.mark.parametrize("vector", MAY_ACCEPT)
def test_rfc4475_tolerates(vector):
    assert start_line(decode_message(read(vector))) == MAY_ACCEPT[vector]


def test_rfc4475_escapes_stay_escaped():
    contacts = decode_message(read("escnull")).contacts()
    assert [str(contact.uri) for contact in contacts] == [
        "sip:%00@host5.example.com",
        "sip:%00%00@host5.example.com",
    ]


def test_rfc4475_folded_vias_unfold_in_order():
    assert [str(via) for via in decode_message(read("wsinv")).vias] == [
        "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw",
        "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8",
        "SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239",
    ]


def test_every_vector_is_judged():
    assert (len(MUST_ACCEPT), len(MUST_REFUSE), len(MAY_REFUSE) + len(MAY_ACCEPT)) == (27, 12, 10)
    read("wsinv")
    judged = {*MUST_ACCEPT, *MUST_REFUSE, *MAY_REFUSE, *MAY_ACCEPT, UNLABELLED}
    assert {file.stem for file in VECTORS.glob("*.dat")} == judged
