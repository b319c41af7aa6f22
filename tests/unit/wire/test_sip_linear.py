"""One hostile datagram must not stop the prober: decoding costs no more than the datagram is long.

Time is not measured. The patterns are checked not to go back over what they have read, and the lines of the decoder
that run are counted while the input grows.
"""

import ast
import importlib
import pkgutil
import re
import sys
from pathlib import Path

import pytest

import tonekeeper.wire.sip
from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.challenge import parse_challenges
from tonekeeper.wire.sip.message import decode_message
from tonekeeper.wire.sip.name_addr import parse_contacts
from tonekeeper.wire.sip.reply import decode_reply
from tonekeeper.wire.sip.uri import parse_uri
from tonekeeper.wire.sip.via import parse_vias

PACKAGE = Path(tonekeeper.wire.sip.__file__).parent
MODULES = [importlib.import_module(f"tonekeeper.wire.sip.{module.name}") for module in pkgutil.iter_modules([PACKAGE])]
PATTERNS = sorted(
    {value.pattern for module in MODULES for value in vars(module).values() if isinstance(value, re.Pattern)}
)
ONE_CHARACTER = {"IN", "LITERAL", "NOT_LITERAL", "ANY"}


def retracing(parsed, *, in_atomic=False):
    """The repetitions in a parsed pattern that an engine may go back into, or gets wrong in Python 3.11.0 to 3.11.4."""
    for operation, argument in parsed:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            _, most, repeated = argument
            once = str(most) != "MAXREPEAT" and most <= 4
            held = name == "POSSESSIVE_REPEAT" and [str(inner[0]) in ONE_CHARACTER for inner in repeated] == [True]
            if not once and not held and not in_atomic:
                yield f"{name} of {repeated}"
            yield from retracing(repeated)
        elif name == "ATOMIC_GROUP":
            yield from retracing(argument, in_atomic=len(argument) == 1)
        elif name == "SUBPATTERN":
            yield from retracing(argument[3])
        elif name == "BRANCH":
            for branch in argument[1]:
                yield from retracing(branch)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_pattern_goes_back_over_what_it_has_read(pattern):
    assert list(retracing(re._parser.parse(pattern))) == []


@pytest.mark.parametrize("pattern", [r"(a+)+b", r"(?:a*)*", r"(?:ab?)++", r"a*b", r"(?>a*b*)c", r"(?:a|aa)+"])
def test_the_check_finds_patterns_that_do(pattern):
    assert list(retracing(re._parser.parse(pattern)))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_patterns_are_applied_at_one_place_only(module):
    tree = ast.parse(Path(module.__file__).read_text())
    called = {node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and hasattr(node.func, "attr")}
    assert called.isdisjoint({"search", "finditer", "findall", "sub", "subn"})


def in_response(line, *, tail=""):
    head = "SIP/2.0 401 No\r\nVia: SIP/2.0/UDP a\r\nf: <sip:b>\r\nt: <sip:c>\r\ni: d\r\nCSeq: 1 OPTIONS\r\n"
    return f"{head}{line}\r\n{tail}\r\n".encode()


HOSTILE = {
    "challenge of quotes": (parse_challenges, lambda n: "Digest " + '"' * n),
    "challenge of escaped quotes": (parse_challenges, lambda n: 'Digest realm="' + '\\"' * n),
    "challenge of commas": (parse_challenges, lambda n: "Digest realm=a" + "," * n),
    "challenge of blanks": (parse_challenges, lambda n: "Digest realm" + " " * n + "="),
    "challenge of params": (parse_challenges, lambda n: "Digest a=1" + ",a=1" * n),
    "challenge of empty strings": (parse_challenges, lambda n: 'Digest a=""' + ', a=""' * n + '"'),
    "challenge of schemes": (parse_challenges, lambda n: "a b=c," * n),
    "via of blanks": (parse_vias, lambda n: "SIP/2.0/UDP a" + " \t" * n + "b"),
    "via of semicolons": (parse_vias, lambda n: "SIP/2.0/UDP a;" + " ;" * n),
    "via of params": (parse_vias, lambda n: "SIP/2.0/UDP a" + ";b=c" * n),
    "via of open quotes": (parse_vias, lambda n: "SIP/2.0/UDP a" + ';b="\\"' * n),
    "via of vias": (parse_vias, lambda n: "SIP/2.0/UDP a," * n),
    "via of labels": (parse_vias, lambda n: "SIP/2.0/UDP " + "a-." * n),
    "via of dashes": (parse_vias, lambda n: "SIP/2.0/UDP a" + "-" * n),
    "uri of users": (parse_uri, lambda n: "sip:" + "a:" * n),
    "uri of escapes": (parse_uri, lambda n: "sip:" + "%41" * n + "%"),
    "uri of params": (parse_uri, lambda n: "sip:a" + ";b=c" * n + "<"),
    "uri of headers": (parse_uri, lambda n: "sip:a?b=c" + "&b=c" * n + "<"),
    "uri of labels": (parse_uri, lambda n: "sip:" + "a." * n + "-"),
    "uri of colons": (parse_uri, lambda n: "sip:[" + ":" * n + "]"),
    "tel of escapes": (parse_uri, lambda n: "tel:" + "%41" * n + "%"),
    "contact of words": (parse_contacts, lambda n: "a " * n),
    "contact of brackets": (parse_contacts, lambda n: "<" * n),
    "contact of contacts": (parse_contacts, lambda n: "<sip:a>," * n),
    "message of line breaks": (decode_message, lambda n: b"\r\n" * n),
    "message of folds": (decode_reply, lambda n: in_response("X: a" + "\r\n b" * n)),
    "message of blank folds": (decode_reply, lambda n: in_response("X: a" + "\r\n " * n)),
    "message of blanks": (decode_reply, lambda n: in_response("X" + " " * n + "y: a")),
    "message of headers": (decode_reply, lambda n: in_response("X: a", tail="y:\r\n" * n)),
    "message of vias": (decode_reply, lambda n: in_response("X: a", tail="v: SIP/2.0/UDP a\r\n" * n)),
    "message of digits": (decode_reply, lambda n: in_response("Retry-After: " + "9" * n)),
    "message of zeros": (decode_reply, lambda n: in_response("l: " + "0" * n)),
    "message of comments": (decode_reply, lambda n: in_response("Retry-After: 1" + "(" * n)),
    "message without an end": (decode_reply, lambda n: b"\r\n" + b"a: b\r\n" * n),
}


def lines_run(function, argument):
    """How many lines of the decoder run, comprehensions and calls into the library included in their line."""
    lines = 0

    def count(frame, event, _):
        nonlocal lines
        if not frame.f_code.co_filename.startswith(str(PACKAGE)):
            return None
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        function(argument)
    except DecodeError:
        pass
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("attack", HOSTILE)
def test_work_grows_no_faster_than_the_datagram(attack):
    decode, make = HOSTILE[attack]
    small, large = (lines_run(decode, make(size)) for size in (100, 1600))
    assert 0 < small <= large <= 16 * small + 100
