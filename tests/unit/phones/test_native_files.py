"""A phone's own file with new values in it: the rest of it stays as it is, to the byte."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.errors import DecodeError
from tonekeeper.phones.native_formats.writing import SYNTAXES, Change, entry_of, patched, read_back
from tonekeeper.phones.parameter import Capability, Parameter, Scope, Unit
from tonekeeper.phones.profile import Format
from tonekeeper.phones.tuned import Setting


def made(name, native, *, account=0, aliases=()):
    scope = Scope.ACCOUNT if account else Scope.PHONE
    parameter = Parameter(
        Capability.REGISTRATION_EXPIRY, name, Unit.SECONDS, 3600, "G", scope=scope, aliases=tuple(aliases)
    )
    return Setting(parameter, name, float(native), native, "because", account=account or 1)


YEALINK = (
    b"#!version:1.0.0.1\r\n"
    b"# account.1.reg_fail_retry_interval = 99\r\n"
    b"account.1.password = s3cret = \xe9\r\n"
    b"account.1.sip_server.1.expires=3600\r\n"
    b"  account.1.reg_fail_retry_interval =   30  \r\n"
    b"account.1.label =\r\n"
)
SNOM = (
    b'<?xml version="1.0"?>\n<settings><phone-settings>\n'
    b'  <user_pass idx="1" perm="">s3cret</user_pass>\n'
    b'  <!-- <user_expiry idx="1">1</user_expiry> -->\n'
    b'  <user_expiry idx="1" perm="RW">3600</user_expiry>\n'
    b'  <user_expiry idx="2" perm="RW">1800</user_expiry>\n'
    b"</phone-settings></settings>\n"
)
POLYCOM = b'<PHONE_CONFIG><ALL reg.1.auth.password="s3cret"\n  reg.1.server.1.expires="3600"/></PHONE_CONFIG>'
ASTERISK = (
    b"[auth1]\ntype=auth\npassword=s3cret\n\n"
    b"[provider]\ntype = registration ; ours\nserver_uri=sip:sbc.example.net\nexpiration = 3600 ; an hour\n\n"
    b"[other]\ntype=registration\nexpiration=1800\n"
)
BARESIP = b'#<sip:x@y>;regint=1\n"A" <sip:alice@example.net;transport=udp>;auth_pass=s3cret;regint=600\n'
OBI = (
    b"<ParameterList><O><N>VoiceService.1.VoiceProfile.1.SIP.</N>\n"
    b'<P><N>TimerT1</N><V X_UD="Y" X_DV="500">500</V></P>\n'
    b'<P><N>AuthPassword</N><V X_UD="N">s3cret</V></P>\n</O></ParameterList>'
)
FREESWITCH = (
    b'<include>\n  <gateway name="a">\n    <param name="password" value="s3cret"/>\n'
    b"    <param name='expire-seconds' value='3600'/>\n  </gateway>\n  <gateway name=\"b\">\n"
    b'    <param name="expire-seconds" value="60"/>\n  </gateway>\n</include>\n'
)


def test_a_value_is_replaced_where_it_stands_and_comments_are_left_alone():
    done = patched(Format.YEALINK_CFG, YEALINK, [made("account.1.reg_fail_retry_interval", "45", account=1)])
    assert done.content == YEALINK.replace(b"=   30  ", b"=   45  ")
    assert done.changes == (Change("account.1.reg_fail_retry_interval", "30", "45"),)


def test_a_setting_that_is_missing_is_added_with_the_files_own_line_ends():
    done = patched(Format.YEALINK_CFG, YEALINK, [made("sip.timer_t1", "1")])
    assert done.content == YEALINK + b"sip.timer_t1 = 1\r\n"
    assert done.changes == (Change("sip.timer_t1", None, "1"),)
    without_end = patched(Format.YEALINK_CFG, b"a = 1", [made("b", "2"), made("c", "3")])
    assert without_end.content == b"a = 1\nb = 2\nc = 3"


def test_a_setting_under_an_older_name_is_changed_there():
    old = made("account.1.sip_server.1.expires", "60", account=1, aliases=["account.{account}.expires"])
    done = patched(Format.YEALINK_CFG, b"account.1.expires = 3600\n", [old])
    assert done.content == b"account.1.expires = 60\n"


def test_what_is_as_wanted_already_is_no_change():
    done = patched(Format.POLYCOM_XML, POLYCOM, [made("reg.1.server.1.expires", "3600", account=1)])
    assert (done.content, done.changes) == (POLYCOM, ())


def test_an_element_is_found_by_its_account():
    done = patched(Format.SNOM_XML, SNOM, [made("user_expiry", "60", account=2), made("sip_retry_t1", "250")])
    added = b'">60</user_expiry>\n  <sip_retry_t1 perm="">250</sip_retry_t1>\n'
    assert done.content == SNOM.replace(b'">1800</user_expiry>\n', added)


def test_an_empty_element_is_opened_for_its_value():
    base = b'<flat-profile><SIP_T1 ua="na"/><Reg_Retry_Intvl>30</Reg_Retry_Intvl></flat-profile>'
    done = patched(Format.CISCO_XML, base, [made("SIP_T1", ".5")])
    assert done.content == base.replace(b'<SIP_T1 ua="na"/>', b'<SIP_T1 ua="na">.5</SIP_T1>')
    assert done.changes == (Change("SIP_T1", "", ".5"),)


def test_an_attribute_is_added_beside_the_others():
    done = patched(Format.POLYCOM_XML, POLYCOM, [made("nat.keepalive.interval", "22")])
    assert done.content == POLYCOM.replace(b'"3600"/>', b'"3600" nat.keepalive.interval="22"/>')


def test_an_option_is_changed_in_the_section_of_its_kind_and_number():
    done = patched(Format.ASTERISK_CONF, ASTERISK, [made("expiration", "60", account=1), made("timer_t1", "120")])
    assert b"expiration = 60 ; an hour" in done.content
    assert b"expiration=1800" in done.content
    assert done.content.endswith(b"\n[system]\ntype=system\ntimer_t1=120\n")
    second = patched(Format.ASTERISK_CONF, ASTERISK, [made("retry_interval", "45", account=2)])
    assert second.content == ASTERISK.replace(b"expiration=1800", b"expiration=1800\nretry_interval=45")


def test_an_option_whose_section_has_the_operators_name_is_left_out_where_there_is_none():
    done = patched(Format.ASTERISK_CONF, ASTERISK, [made("qualify_frequency", "60", account=1)])
    assert (done.content, done.left_out) == (ASTERISK, ("qualify_frequency",))


def test_an_aor_takes_an_option_if_it_is_a_servers_and_the_only_one():
    of_a_phone = b"[phone]\ntype=aor\nmax_contacts=1\nqualify_frequency=30\n"
    of_a_server = b"[provider]\ntype=aor\ncontact=sip:sbc.example.net\n"
    setting = made("qualify_frequency", "60", account=1)
    done = patched(Format.ASTERISK_CONF, ASTERISK + of_a_phone + of_a_server, [setting])
    assert done.content == ASTERISK + of_a_phone + of_a_server[:-1] + b"\nqualify_frequency=60\n"
    for unclear in (of_a_phone, of_a_server + of_a_server):
        assert patched(Format.ASTERISK_CONF, ASTERISK + unclear, [setting]).left_out == ("qualify_frequency",)


def test_a_parameter_of_an_account_line_is_changed_behind_its_address():
    done = patched(Format.BARESIP_ACCOUNTS, BARESIP, [made("regint", "60", account=1), made("rwait", "75", account=1)])
    assert done.content == BARESIP.replace(b";regint=600\n", b";regint=60;rwait=75\n")


def test_a_value_that_was_not_in_use_is_put_in_use():
    done = patched(Format.OBI_XML, OBI, [made("VoiceService.1.VoiceProfile.1.SIP.TimerT1", "1000", account=1)])
    assert done.content == OBI.replace(b'X_UD="Y" X_DV="500">500', b'X_UD="N" X_DV="500">1000')
    assert done.changes[0].before == "500"


def test_a_parameter_of_a_gateway_is_changed_in_that_gateway():
    done = patched(
        Format.FREESWITCH_XML, FREESWITCH, [made("expire-seconds", "90", account=1), made("ping", "30", account=2)]
    )
    assert b"value='90'" in done.content
    assert b'<gateway name="b">\n    <param name="ping" value="30"/>' in done.content


def test_both_generations_of_grandstream_are_understood():
    old = b'<gs_provision version="1"><config version="1"><P32>60</P32></config></gs_provision>'
    new = b'<config version="2"><item name="account.1.sip.registerExpiration">60</item></config>'
    expiry = made("P32", "2", account=1, aliases=["account.{account}.sip.registerExpiration"])
    assert patched(Format.GRANDSTREAM_XML, old, [expiry]).content == old.replace(b"60<", b"2<")
    assert patched(Format.GRANDSTREAM_XML, new, [expiry]).content == new.replace(b"60<", b"2<")
    assert patched(Format.GRANDSTREAM_XML, new, [made("P84", "20")]).left_out == ("P84",)


def test_lines_of_a_fanvil_are_told_apart():
    base = (
        b'<sysConf><sip><line index="1"><RegisterTTL>3600</RegisterTTL></line>'
        b'<line index="2"><RegisterTTL>1800</RegisterTTL></line></sip></sysConf>'
    )
    done = patched(Format.FANVIL_XML, base, [made("RegisterTTL", "60", account=2)])
    assert done.content == base.replace(b"1800", b"60")


def test_quotes_and_angle_brackets_are_escaped_and_read_back():
    odd = dataclasses.replace(made("reg.1.server.1.address", "0", account=1), native="a<b>&\"c'")
    done = patched(Format.POLYCOM_XML, POLYCOM, [odd])
    assert read_back(Format.POLYCOM_XML, done.content.decode(), entry_of(odd)) == odd.native


@pytest.mark.parametrize(
    ("format", "content", "reason"),
    [
        (Format.YEALINK_CFG, b"\xff\xfea\x00", "no text"),
        (Format.CISCO_XML, b"account.1.expires = 60\n", "no setting in it"),
        (Format.UNKNOWN, b"x", "nobody knows"),
    ],
)
def test_a_file_of_another_kind_is_refused_without_a_word_of_what_is_in_it(format, content, reason):
    with pytest.raises(DecodeError, match=reason) as refused:
        patched(format, content, [made("a", "1")])
    assert "60" not in str(refused.value)


@pytest.mark.parametrize(
    ("format", "content"),
    [
        (Format.YEALINK_CFG, YEALINK),
        (Format.SNOM_XML, SNOM),
        (Format.POLYCOM_XML, POLYCOM),
        (Format.ASTERISK_CONF, ASTERISK),
        (Format.BARESIP_ACCOUNTS, BARESIP),
        (Format.OBI_XML, OBI),
        (Format.FREESWITCH_XML, FREESWITCH),
    ],
)
def test_a_password_stays_where_it_is_and_is_told_to_nobody(format, content):
    done = patched(format, content, [made("nothing.like.it", "1"), made("regint", "60", account=1)])
    assert done.content.count(b"s3cret") == content.count(b"s3cret") == 1
    assert "s3cret" not in repr(done.changes) + repr(done.left_out)


@given(
    st.sampled_from(list(SYNTAXES)),
    st.binary(max_size=300) | st.text('<>/="ab \n;[]#.:-&', max_size=120).map(str.encode),
)
def test_any_file_is_patched_or_refused_and_patching_twice_changes_nothing_more(format, content):
    settings = [made("ab", "7"), made("a.b", "8", account=1)]
    try:
        once = patched(format, content, settings)
    except DecodeError:
        return
    twice = patched(format, once.content, settings)
    assert (twice.content, twice.changes) == (once.content, ())
