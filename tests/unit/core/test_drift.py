from __future__ import annotations

from dataclasses import fields, replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.depth.result import DepthResult, DepthVerdict
from tonekeeper.core.drift import TLS_VERSIONS, Difference, ServerTraits, compare, product_of
from tonekeeper.core.events import TlsFacts
from tonekeeper.core.functions import SbcFunctions
from tonekeeper.core.site import Depth
from tonekeeper.wire.sip.self_description import SelfDescription

FULL = ServerTraits(
    methods=("ACK", "BYE", "CANCEL", "INVITE", "REFER", "REGISTER", "SUBSCRIBE"),
    extensions=("100rel", "replaces", "timer"),
    bodies=("application/dtmf-relay", "application/sdp"),
    events=("dialog", "message-summary"),
    product="SBC",
    version="5.6.3",
    tls_version="TLSv1.3",
    tls_cipher="TLS_AES_256_GCM_SHA384",
    tls_issuer="CN=R11, O=Example Trust, C=US",
    realm="voice.example",
    algorithm="MD5",
    registers=True,
    calls=True,
    media=True,
    voicemail=True,
)


def differences(**alternate: object) -> list[tuple[str, str, str]]:
    return [(one.trait, one.primary, one.alternate) for one in compare(FULL, replace(FULL, **alternate))]


def sentence(**alternate: object) -> str:
    (difference,) = compare(FULL, replace(FULL, **alternate))
    return difference.sentence


# --- what counts


def test_two_servers_alike_do_not_differ():
    assert compare(FULL, FULL) == ()


def test_a_missing_method_is_named_with_what_it_costs():
    assert compare(FULL, replace(FULL, methods=("ACK", "BYE", "CANCEL", "INVITE", "REGISTER", "SUBSCRIBE"))) == (
        Difference("method", "REFER", "", "the alternate does not allow REFER: calls cannot be transferred"),
    )


@pytest.mark.parametrize("extension", ["100rel", "replaces", "timer"])
def test_a_missing_extension_is_named(extension):
    left = tuple(one for one in ("100rel", "replaces", "timer") if one != extension)
    assert differences(extensions=left) == [("extension", extension, "")]


def test_a_missing_event_package_is_named_with_what_stays_dark():
    assert sentence(events=("dialog",)) == "the alternate does not know message-summary: the voicemail light stays dark"


def test_a_missing_body_is_named():
    assert differences(bodies=("application/sdp",)) == [("body", "application/dtmf-relay", "")]


@pytest.mark.parametrize("bodies", [("*/*",), ("application/*",), ("application/dtmf-relay", "application/*")])
def test_an_open_range_accepts_what_falls_into_it(bodies):
    assert differences(bodies=bodies) == []


def test_what_the_alternate_has_beyond_the_primary_is_missed_by_nobody():
    assert compare(replace(FULL, methods=("INVITE",), extensions=(), tls_version="TLSv1.2"), FULL) == ()


def test_what_no_phone_uses_is_missed_by_nobody():
    richer = replace(FULL, methods=(*FULL.methods, "KDMQ"), extensions=(*FULL.extensions, "x-vendor"))
    assert compare(richer, FULL) == ()


def test_another_realm_and_another_algorithm_are_two_differences():
    assert differences(realm="other.example", algorithm="SHA-256") == [
        ("realm", "voice.example", "other.example"),
        ("algorithm", "MD5", "SHA-256"),
    ]


def test_an_algorithm_is_the_same_in_any_case():
    assert differences(algorithm="md5") == []


def test_another_version_of_the_same_product_is_a_difference():
    assert sentence(version="5.7.1") == "the alternate runs SBC 5.7.1, the primary 5.6.3"


def test_another_product_is_a_difference_and_its_version_is_not_another_one():
    assert differences(product="Other", version="1.0") == [("product", "SBC", "Other")]


@pytest.mark.parametrize("version", TLS_VERSIONS[:-1])
def test_a_lower_tls_version_is_a_difference(version):
    assert differences(tls_version=version) == [("tls-version", "TLSv1.3", version)]


def test_another_cipher_is_none():
    assert differences(tls_cipher="TLS_CHACHA20_POLY1305_SHA256") == []


def test_another_certificate_authority_is_a_difference():
    issuer = "CN=Private CA, O=Somebody Else"
    assert differences(tls_issuer=issuer) == [("tls-issuer", FULL.tls_issuer, issuer)]


def test_another_intermediate_of_the_same_authority_is_none():
    assert differences(tls_issuer="CN=E5, O=Example Trust, C=US") == []


@pytest.mark.parametrize("trait", ["registers", "calls", "media", "voicemail"])
def test_what_passes_at_the_primary_and_fails_at_the_alternate_is_a_difference(trait):
    (lost,) = compare(FULL, replace(FULL, **{trait: False}))
    assert (lost.primary, lost.alternate) == ("passes", "fails")
    assert "fails at the alternate" in lost.sentence


@pytest.mark.parametrize("trait", ["registers", "calls", "media", "voicemail"])
def test_what_fails_at_the_primary_alone_is_the_primarys_trouble_and_no_drift(trait):
    assert compare(replace(FULL, **{trait: False}), FULL) == ()


def test_what_fails_at_both_is_no_difference():
    broken = replace(FULL, registers=False)
    assert compare(broken, broken) == ()


@pytest.mark.parametrize("trait", [field.name for field in fields(ServerTraits)])
def test_what_is_unknown_of_either_is_no_difference(trait):
    unknown = getattr(ServerTraits(), trait)
    assert compare(FULL, replace(FULL, **{trait: unknown})) == ()
    assert compare(replace(FULL, **{trait: unknown}), FULL) == ()


def test_nothing_is_said_of_a_server_that_nobody_has_heard():
    assert compare(FULL, ServerTraits()) == compare(ServerTraits(), FULL) == ()


def test_what_breaks_calls_is_told_first():
    assert differences(version="5.7.1", methods=("INVITE",), registers=False)[0] == ("registration", "passes", "fails")


def test_every_difference_has_a_sentence_without_full_stop():
    other = ServerTraits(
        (), (), (), (), "Other", "1", "TLSv1", "", "O=Else", "r", "SHA-256", False, False, False, False
    )
    found = compare(FULL, other)
    assert len({one.trait for one in found}) == 13
    for one in found:
        assert "primary" in one.sentence or "alternate" in one.sentence
        assert not one.sentence.endswith(".")


# --- how it is learnt


def test_an_answer_to_options_teaches_what_it_says():
    description = SelfDescription(methods=("BYE", "INVITE"), extensions=(), server="kamailio (5.6.3 (x86_64/linux))")
    assert ServerTraits().described(description) == ServerTraits(
        methods=("BYE", "INVITE"), extensions=(), product="kamailio", version="5.6.3"
    )


def test_what_an_answer_leaves_out_stays_known():
    assert FULL.described(SelfDescription()) == FULL
    assert FULL.described(SelfDescription(extensions=())).extensions == ()


def test_a_challenge_teaches_realm_and_algorithm():
    probed = DepthResult(Depth.REGISTER, DepthVerdict.PASSED, realm="r", algorithm="SHA-256")
    assert ServerTraits().probed(probed) == ServerTraits(realm="r", algorithm="SHA-256")
    assert FULL.probed(DepthResult(Depth.REGISTER, DepthVerdict.UNANSWERED)) == FULL
    assert ServerTraits().described(SelfDescription(realm="r", algorithm="MD5")).realm == "r"


def test_a_handshake_teaches_version_cipher_and_issuer():
    facts = TlsFacts(version="TLSv1.2", cipher="ECDHE-RSA-AES256-GCM-SHA384", issuer="O=Trust")
    learnt = ServerTraits().shook_hands(facts)
    assert (learnt.tls_version, learnt.tls_cipher, learnt.tls_issuer) == (facts.version, facts.cipher, facts.issuer)


def test_a_handshake_that_failed_early_teaches_nothing():
    assert FULL.shook_hands(TlsFacts(problem="it does not speak TLS")) == FULL
    assert FULL.shook_hands(TlsFacts("it is self-signed", "TLSv1.2", "", "CN=me", "CN=me")) == FULL


def test_two_failures_of_a_deep_probe_make_a_difference_and_one_does_not():
    functions = SbcFunctions()
    refused = DepthResult(Depth.REGISTER, DepthVerdict.FAILED, statuses=(500,))
    assert ServerTraits().works(functions).registers is None
    functions.probed("fibre", DepthResult(Depth.REGISTER, DepthVerdict.PASSED), 1.0)
    functions.probed("fibre", refused, 2.0)
    assert ServerTraits().works(functions).registers is True
    functions.probed("fibre", refused, 3.0)
    assert ServerTraits().works(functions).registers is False


# --- product and version


@pytest.mark.parametrize(
    ("server", "product", "version"),
    [
        ("kamailio (5.6.3 (x86_64/linux))", "kamailio", "5.6.3"),
        ("OpenSIPS (3.4.2 (x86_64/linux))", "OpenSIPS", "3.4.2"),
        ("SBC 5.6.3", "SBC", "5.6.3"),
        ("FPBX-16.0.40(18.9)", "FPBX", "16.0.40"),
        ("Asterisk PBX 20.5.0", "Asterisk PBX", "20.5.0"),
        ("FreeSWITCH-mod_sofia/1.10.9-release~64bit", "FreeSWITCH-mod_sofia", "1.10.9-release~64bit"),
        ("AS5300/1.2", "AS5300", "1.2"),
        ("3CXPhoneSystem 18.0.5", "3CXPhoneSystem", "18.0.5"),
        ("Cisco-SIPGateway/IOS-15.2", "Cisco-SIPGateway/IOS", "15.2"),
        ("Mediant 800B/v.7.20A.258", "Mediant 800B", "7.20A.258"),
        ("Exchange 9", "Exchange", "9"),
        ("Sippy", "Sippy", ""),
        ("5.6.3", "5.6.3", ""),
        ("", "", ""),
    ],
)
def test_servers_of_the_field_are_read(server, product, version):
    assert product_of(server) == (product, version)


@given(st.text(max_size=128))
def test_any_name_has_a_product_unless_it_is_blank(server):
    product, version = product_of(server)
    assert product in server
    assert version in server


def test_they_survive_a_checkpoint():
    assert msgspec.json.decode(msgspec.json.encode(FULL), type=ServerTraits) == FULL
