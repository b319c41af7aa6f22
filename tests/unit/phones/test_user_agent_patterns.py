"""Patterns read a User-Agent in one pass, and two that overlap are found without an example."""

import re

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.phones.pattern import parse_pattern
from tonekeeper.phones.pattern_parts import LONGEST_USER_AGENT


@pytest.mark.parametrize(
    ("pattern", "user_agent", "read"),
    [
        ("Acme {model} {firmware}", "Acme T46U 108.86.0.20", ("T46U", "108.86.0.20")),
        ("Acme {model} {firmware}", "Acme T46U", None),
        ("Acme {model} {firmware}", "Acme  108.86", None),
        ("Acme {model} {firmware}", "acme T46U 1.0", None),
        ("Acme {model} {firmware}", "Acme T46U 1.0 and more", None),
        ("Acme {model=T4*|CP9*} {firmware}", "Acme T46U 1.0", ("T46U", "1.0")),
        ("Acme {model=T4*|CP9*} {firmware}", "Acme CP9 1.0", ("CP9", "1.0")),
        ("Acme {model=T4*|CP9*} {firmware}", "Acme T54 1.0", None),
        ("Acme {model=HT8*V2} {firmware}", "Acme HT802V2 1.0", ("HT802V2", "1.0")),
        ("Acme {model=HT8*V2} {firmware}", "Acme HT802 1.0", None),
        ("Acme {model=T2|T21} {firmware}", "Acme T21 1.0", ("T21", "1.0")),
        ("Acme {model=Mediant 800}/v.{firmware}", "Acme Mediant 800/v.7.20A.258", ("Mediant 800", "7.20A.258")),
        ("Acme-{model}-UA/{firmware}[_{mac}]", "Acme-VVX_400-UA/4.1.4_010203040506", ("VVX_400", "4.1.4")),
        ("Acme-{model}-UA/{firmware}[_{mac}]", "Acme-VVX_400-UA/4.1.4", ("VVX_400", "4.1.4")),
        ("[{mac} ]Acme/{model}-{firmware}", "00a0b0c0d0e0 Acme/PAP2-3.1.9(LSc)", ("PAP2", "3.1.9(LSc)")),
        ("Acme {firmware}[ ({rest}]", "Acme 1.0 (a b) c", ("", "1.0")),
        ("Acme {firmware} {word}", "Acme 1.0 (a)", ("", "1.0")),
        ("Acme {firmware} {word}", "Acme 1.0 (a) b", None),
    ],
)
def test_a_pattern_reads_model_and_firmware_or_nothing(pattern, user_agent, read):
    assert parse_pattern(pattern).read(user_agent) == read


@pytest.mark.parametrize(
    "user_agent",
    [
        "Acme " + "9" * 1_000_000,
        "Acme\x00 1.0",
        "Acme 1.0\n",
        "Acme 1.0\r\nX: y",
        "Acme \u0661.0",
        "Acme 1.0" + " " * 300,
        "",
    ],
)
def test_an_absurd_user_agent_is_nobodys(user_agent):
    assert parse_pattern("Acme {firmware}[ {rest}]").read(user_agent) is None


def test_a_user_agent_as_long_as_allowed_is_read():
    pattern = parse_pattern("Acme {firmware} {rest}")
    assert pattern.read("Acme 1.0 " + "x" * (LONGEST_USER_AGENT - 9)) == ("", "1.0")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "has 0 characters"),
        ("Acme {modell}", "{modell} is not one of"),
        ("Acme {model", "is not a field"),
        ("Acme }", "has no counterpart"),
        ("Acme [x", "is not an optional part"),
        ("Acme [a[b]]", "stands inside another bracket"),
        ("Acme {model}{firmware}", "touch"),
        ("Acme {model}[{firmware}]", "touch"),
        ("Acme {rest} {firmware}", "{rest} can only stand at the end"),
        ("Acme {model} {model}", "more than one {model}"),
        ("Acme {firmware=1*}", "takes no choices"),
        ("Acme {model=*}", "is not a model"),
        ("Acme {model=T*1*}", "is not a model"),
        ("Acme {model=T4||T5}", "is not a model"),
        ("{model}/{firmware}", "fewer than 3 letters"),
        ("[Acme ]{model}/{firmware}", "fewer than 3 letters"),
        ("Acme [a][b][c][d]{firmware}", "more than three optional parts"),
        ("Acm\u00e9 {model}", "other than printable ASCII"),
    ],
)
def test_a_pattern_that_is_none_says_why(pattern, reason):
    with pytest.raises(DecodeError, match=re.escape(reason)):
        parse_pattern(pattern)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme {model} {firmware}", "Acme {model=T4*} {firmware}"),
        ("Acme {model=T4*} {firmware}", "Acme {model=T*U} {firmware}"),
        ("Acme {model=T4*} {firmware}", "Acme T46 {firmware}"),
        ("Acme {firmware}[ {mac}]", "Acme {firmware} {rest}"),
        ("Acme {word}", "Acme {firmware}"),
    ],
)
def test_patterns_that_overlap_are_found_with_a_text_that_fits_both(one, other):
    first, second = parse_pattern(one), parse_pattern(other)
    text = first.common_text(second)
    assert first.read(text) is not None
    assert second.read(text) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme {model=T4*} {firmware}", "Acme {model=T5*} {firmware}"),
        ("Acme {model=W6*} {firmware}", "Acme SIP-{model} {firmware}"),
        ("Acme {model=HT801|HT802} {firmware}", "Acme {model=HT801V2|HT802V2} {firmware}"),
        ("Acme {firmware}", "Acme {model=T*} {firmware}"),
    ],
)
def test_patterns_that_cannot_meet_have_no_text_in_common(one, other):
    assert parse_pattern(one).common_text(parse_pattern(other)) is None


def retracing(parsed):
    """The repetitions that an engine may go back into."""
    for operation, argument in parsed:
        match str(operation):
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, repeated = argument
                if (least, most) != (0, 1):
                    yield f"{least} to {most} of {repeated}"
                yield from retracing(repeated)
            case "SUBPATTERN":
                yield from retracing(argument[3])
            case "BRANCH":
                for branch in argument[1]:
                    yield from retracing(branch)


@pytest.mark.parametrize(
    "pattern", ["[{mac} ]Acme {model=T*1|U*} {firmware}[ {mac}][ ({word})]", "Acme {model} {firmware} {rest}"]
)
def test_no_pattern_goes_back_over_what_it_has_read(pattern):
    expression = parse_pattern(pattern)._expression.pattern
    assert list(retracing(re._parser.parse(expression))) == []
    assert list(retracing(re._parser.parse("(a+)+b")))
