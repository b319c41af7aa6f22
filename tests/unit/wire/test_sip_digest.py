"""Answers to Digest challenges, against the examples of RFC 2617 and RFC 7616."""

import hashlib
import re

import pytest

from tonekeeper.wire.secret import Secret
from tonekeeper.wire.sip.challenge import Challenge
from tonekeeper.wire.sip.digest import Credentials, answer, can_answer, strongest

RFC7616 = {
    "realm": "http-auth@example.org",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "qop": ("auth", "auth-int"),
    "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
}
RFC7616_CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def credentials(user="Mufasa", password="Circle of Life"):
    return Credentials(user, Secret(password))


def part(value, name):
    found = re.search(rf'[ ,]{name}="?([^",]*)', value)
    return found and found[1]


def md5(text):
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_rfc2617_example_with_qop_auth():
    challenge = Challenge(
        "testrealm@host.com",
        "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        qop=("auth", "auth-int"),
        opaque="5ccc069c403ebaf9f0171e9517f40e41",
    )
    value = answer(
        challenge, credentials(password="Circle Of Life"), method="GET", uri="/dir/index.html", cnonce="0a4f113b"
    )
    assert value == (
        'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'uri="/dir/index.html", response="6629fae49393a05397450978507c4ef1", algorithm=MD5, cnonce="0a4f113b", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41", qop=auth, nc=00000001'
    )


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_rfc7616_example_of_both_algorithms(algorithm, response):
    challenge = Challenge(algorithm=algorithm, **RFC7616)
    value = answer(challenge, credentials(), method="GET", uri="/dir/index.html", cnonce=RFC7616_CNONCE)
    assert part(value, "response") == response
    assert part(value, "algorithm") == algorithm


def test_rfc7616_example_of_sha_512_256_as_erratum_4897_has_it():
    challenge = Challenge(
        "api@example.org",
        "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        "SHA-512-256",
        ("auth",),
        opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS",
    )
    jason = credentials("J\u00e4s\u00f8n Doe", "Secret, or not?")
    value = answer(
        challenge, jason, method="GET", uri="/doe.json", cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"
    )
    assert part(value, "response") == "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"


def test_a_server_without_qop_gets_the_answer_of_rfc_2069():
    value = answer(Challenge("a", "n"), credentials("u", "p"), method="REGISTER", uri="sip:a", cnonce="c")
    assert part(value, "response") == md5(f"{md5('u:a:p')}:n:{md5('REGISTER:sip:a')}")
    assert part(value, "cnonce") is None
    assert part(value, "nc") is None
    assert part(value, "qop") is None


def test_a_session_algorithm_hashes_both_nonces_into_the_secret():
    challenge = Challenge("a", "n", "MD5-sess", ("auth",))
    value = answer(challenge, credentials("u", "p"), method="REGISTER", uri="sip:a", cnonce="c", nonce_count=2)
    secret = md5(f"{md5('u:a:p')}:n:c")
    assert part(value, "response") == md5(f"{secret}:n:00000002:c:auth:{md5('REGISTER:sip:a')}")
    assert part(value, "nc") == "00000002"


def test_auth_int_covers_the_body_where_the_server_offers_nothing_else():
    challenge = Challenge("a", "n", qop=("auth-int",))
    value = answer(challenge, credentials("u", "p"), method="INVITE", uri="sip:a", cnonce="c", body=b"v=0")
    asked = md5(f"INVITE:sip:a:{md5('v=0')}")
    assert part(value, "response") == md5(f"{md5('u:a:p')}:n:00000001:c:auth-int:{asked}")
    assert part(value, "qop") == "auth-int"


def test_a_quote_in_the_user_name_is_escaped_where_it_is_quoted():
    value = answer(Challenge("a", "n"), credentials('u"v\\'), method="REGISTER", uri="sip:a", cnonce="c")
    assert value.startswith(r'Digest username="u\"v\\", realm="a"')


def test_of_several_challenges_the_strongest_known_one_is_answered():
    md5_one, sha, unknown = (Challenge("a", name, name) for name in ("MD5", "SHA-256", "SHA3-999"))
    assert strongest([unknown, md5_one, sha]) is sha
    assert strongest([md5_one, unknown]) is md5_one
    assert strongest([unknown]) is None
    assert strongest([]) is None


def test_of_equal_challenges_the_topmost_is_answered():
    first, second = Challenge("a", "1"), Challenge("b", "2")
    assert strongest([first, second]) is first


@pytest.mark.parametrize("algorithm", ["md5", "MD5-SESS", "sha-256", "SHA-256-sess", "sha-512-256"])
def test_algorithms_are_known_in_any_case(algorithm):
    assert can_answer(Challenge("a", "n", algorithm, ("AUTH",)))


@pytest.mark.parametrize("challenge", [Challenge("a", "n", "AKAv1-MD5"), Challenge("a", "n", qop=("auth-conf",))])
def test_what_is_not_known_is_not_answered(challenge):
    assert not can_answer(challenge)
    with pytest.raises(ValueError, match="cannot answer"):
        answer(challenge, credentials(), method="REGISTER", uri="sip:a", cnonce="c")


def test_the_answer_does_not_contain_the_password():
    value = answer(Challenge("a", "n"), credentials(password="opensesame"), method="REGISTER", uri="sip:a", cnonce="c")
    assert "opensesame" not in value
