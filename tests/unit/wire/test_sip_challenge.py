import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.wire.sip.challenge import Challenge, parse_challenges


@pytest.mark.parametrize(
    ("value", "challenge"),
    [
        ('Digest realm="example.net", nonce="abc"', Challenge("example.net", "abc")),
        ('Digest realm="example.net",nonce="abc"', Challenge("example.net", "abc")),
        ('DIGEST  Realm = "example.net" ,\tNONCE="abc"', Challenge("example.net", "abc")),
        ('Digest realm="a, b", nonce="c=="', Challenge("a, b", "c==")),
        ('Digest realm="a", nonce="c", qop="auth,auth-int"', Challenge("a", "c", qop=("auth", "auth-int"))),
        ('Digest realm="a", nonce="c", qop=auth', Challenge("a", "c", qop=("auth",))),
        ('Digest realm="a", nonce="c", algorithm=SHA-256', Challenge("a", "c", algorithm="SHA-256")),
        ('Digest realm="a", nonce="c", algorithm="MD5"', Challenge("a", "c")),
        ('Digest realm="a", nonce="c", stale=TRUE', Challenge("a", "c", stale=True)),
        ('Digest realm="a", nonce="c", stale=false, opaque=""', Challenge("a", "c", opaque="")),
        ('Digest realm="a", nonce="c", domain="sip:b", x-new=1', Challenge("a", "c")),
        (r'Digest realm="say \"hi\"", nonce="c"', Challenge(r"say \"hi\"", "c")),
    ],
)
def test_a_digest_challenge_gives_its_parameters(value, challenge):
    assert parse_challenges(value) == (challenge,)


def test_several_challenges_in_one_field_are_told_apart():
    value = 'Digest realm="a", nonce="1", algorithm=SHA-256, Digest realm="a", nonce="2"'
    assert [challenge.nonce for challenge in parse_challenges(value)] == ["1", "2"]


@pytest.mark.parametrize("other", ['Basic realm="x, y"', "NTLM TlRMTVNTUAAC==", "Negotiate", 'Bearer a="b", c="d"'])
def test_schemes_that_are_not_digest_are_skipped(other):
    assert parse_challenges(other) == ()
    assert parse_challenges(f'{other}, Digest realm="a", nonce="c"') == (Challenge("a", "c"),)


@pytest.mark.parametrize(
    "value",
    [
        "",
        'realm="a", nonce="c"',
        "Digest",
        'Digest realm="a"',
        'Digest nonce="c"',
        'Digest realm="a", nonce="c',
        'Digest realm="a" nonce="c"',
        'Digest realm="a", realm="b", nonce="c"',
        'Digest realm="a", nonce="c", =d',
    ],
)
def test_what_is_no_challenge_is_refused(value):
    with pytest.raises(DecodeError, match="cannot decode challenge"):
        parse_challenges(value)


def test_what_is_written_is_read_the_same_way():
    challenge = Challenge("a, b", "c==", "SHA-256", ("auth", "auth-int"), stale=True, opaque="")
    assert parse_challenges(str(challenge)) == (challenge,)
