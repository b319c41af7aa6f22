"""Which file a phone asks for, and which NOTIFY makes it ask again."""

from __future__ import annotations

import pytest
from tests.unit.phones.shipped import profile

from tonekeeper.errors import DecodeError
from tonekeeper.phones.firmware import FirmwareRange
from tonekeeper.phones.profile import Delivery, Format, Reread, Restarts
from tonekeeper.phones.reread import file_name, gentlest_reread, is_met, needs_consent

MAC = "00:15:65:aa:00:01"


def delivery(file, *reread):
    return Delivery(Format.YEALINK_CFG, file, "S", reread=reread)


class Family:
    def __init__(self, *reread):
        self.delivery = delivery("{mac}.cfg", *reread)


def reread(restarts, event, **rest):
    return Reread(restarts, "S", event, **rest)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{mac}.cfg", "001565aa0001.cfg"),
        ("cfg{MAC}.xml", "cfg001565AA0001.xml"),
        ("{model}-{mac}.xml", "T46U-001565aa0001.xml"),
    ],
)
def test_a_file_is_named_after_its_phone(pattern, name):
    assert file_name(delivery(pattern), MAC, "T46U") == name


@pytest.mark.parametrize(("pattern", "reason"), [("", "not in a file"), ("{model}.xml", "nobody knows the model")])
def test_a_name_that_nobody_knows_is_refused(pattern, reason):
    with pytest.raises(DecodeError, match=reason):
        file_name(delivery(pattern), MAC, "")


def test_the_event_that_restarts_the_phone_least_is_chosen():
    hard, soft = reread(Restarts.YES, "reboot"), reread(Restarts.IF_NEEDED, "check-sync;reboot=false")
    unknown = reread(Restarts.UNKNOWN, "check-sync")
    assert gentlest_reread(Family(hard, unknown, soft), "") is soft
    assert gentlest_reread(Family(hard, unknown), "") is unknown
    assert gentlest_reread(Family(hard), "") is hard


def test_what_another_firmware_heeds_and_what_is_no_notify_does_not_count():
    newer = reread(Restarts.NO, "resync", firmware=FirmwareRange(since="2.0"))
    old = reread(Restarts.UNKNOWN, "check-sync")
    assert gentlest_reread(Family(newer, old), "1.5") is old
    assert gentlest_reread(Family(newer, old), "2.5") is newer
    assert gentlest_reread(Family(Reread(Restarts.NO, "S", action="pjsip reload")), "") is None


def test_only_what_is_known_not_to_restart_it_goes_without_consent():
    consent = {each for each in Restarts if needs_consent(each)}
    assert consent == {Restarts.YES, Restarts.UNKNOWN}


@pytest.mark.parametrize(
    ("id", "needs", "content", "met"),
    [
        ("yealink-desk", "", b"", True),
        ("yealink-desk", "sip.notify_reboot_enable = 0", b"sip.notify_reboot_enable = 0\n", True),
        ("yealink-desk", "sip.notify_reboot_enable = 0", b"sip.notify_reboot_enable = 2\n", False),
        ("yealink-desk", "sip.notify_reboot_enable = 0", b"account.1.label = x\n", False),
        ("cisco-mpp", "Resync_From_SIP = Yes", b"<flat-profile/>", True),
        ("audiocodes-mp1xx", "EnableSIPRemoteReset = 1", b"[x]\n", False),
        ("obihai-phone", "X_AcceptResync", b"", False),
        ("mitel-68xx", "sip xml notify event = 1", b"sip xml notify event: 1\n", True),
    ],
)
def test_what_a_notify_needs_is_looked_for_in_the_file_and_then_among_the_factory_settings(id, needs, content, met):
    assert is_met(needs, profile(id), content) is met
