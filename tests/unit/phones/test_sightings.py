"""What of the signs of phones the core is told, and how often."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tonekeeper.app.profile_set import read_profiles
from tonekeeper.app.sightings import NEW_AT_ONCE, REFRESH, Sightings
from tonekeeper.core.events import PhoneRegistration, PhoneSeen, PhoneSign
from tonekeeper.core.site import Transport
from tonekeeper.edge.neighbours import LanNeighbour
from tonekeeper.wire.leases import Lease

SHIPPED = Path(__file__).parents[3] / "firmware-profiles"
HOST, MAC, LAPTOP = "192.168.1.20", "00:15:65:aa:bb:cc", "02:00:00:00:00:01"
REGISTER = PhoneSeen(
    HOST,
    PhoneSign.REGISTER,
    "br-lan",
    user_agent="Yealink SIP-T46U 108.86.0.20",
    registration=PhoneRegistration(Transport.UDP, 3600, 600, 200, 540.0, 30.0),
)


@pytest.fixture(scope="module")
def profiles(tmp_path_factory):
    directory = tmp_path_factory.mktemp("profiles")
    shutil.copytree(SHIPPED / "yealink", directory / "yealink")
    return read_profiles(directory)


@pytest.fixture
def sightings(profiles):
    known = Sightings(["br-lan"], 0.0)
    known.use(profiles)
    return known


def changed(**changes):
    return replace(REGISTER, registration=replace(REGISTER.registration, **changes))


def test_a_user_agent_becomes_vendor_profile_model_and_firmware(sightings):
    told = sightings.hear(REGISTER, 1.0)
    assert (told.vendor, told.profile, told.model, told.firmware) == (
        "Yealink",
        "yealink-desk",
        "T46U",
        "108.86.0.20",
    )


def test_a_user_agent_that_no_profile_knows_is_told_as_it_is(sightings):
    told = sightings.hear(replace(REGISTER, user_agent="Unheard-Of 1.0"), 1.0)
    assert (told.user_agent, told.vendor, told.profile) == ("Unheard-Of 1.0", "", "")


def test_a_lease_with_a_phone_vendors_prefix_is_a_phone_and_any_other_is_nobodys_business(sightings):
    leases = [Lease(HOST, MAC), Lease("192.168.1.21", LAPTOP), Lease("192.168.1.22", "")]
    (told,) = sightings.look(leases, [LanNeighbour("192.168.1.23", LAPTOP, "br-lan")], 1.0)
    assert (told.address, told.by, told.vendor, told.mac) == (HOST, PhoneSign.LEASE, "Yealink", MAC)


def test_the_interface_of_a_lease_is_that_of_the_neighbour_or_the_only_one(profiles):
    several = Sightings(["br-lan", "br-voice"], 0.0)
    several.use(profiles)
    lease, neighbour = several.look([Lease(HOST, MAC)], [LanNeighbour(HOST, MAC, "br-voice")], 1.0)
    assert (lease.interface, neighbour.interface) == ("br-voice", "br-voice")
    (alone,) = several.look([Lease("192.168.1.21", MAC)], [], 2.0)
    assert alone.interface == ""


def test_a_device_that_speaks_sip_is_a_phone_whatever_its_mac(sightings):
    assert sightings.look([Lease(HOST, LAPTOP)], [], 1.0) == []
    told = sightings.hear(REGISTER, 2.0)
    assert told.mac == LAPTOP
    (lease,) = sightings.look([Lease(HOST, LAPTOP)], [], 3.0)
    assert lease.by is PhoneSign.LEASE


def test_link_local_neighbours_are_left_out(sightings):
    assert sightings.look([], [LanNeighbour("fe80::15:65ff:feaa:bbcc", MAC, "br-lan")], 1.0) == []


def test_what_is_no_news_is_told_again_after_a_while_only(sightings):
    heard = [at for at in range(0, 1801, 60) if sightings.hear(REGISTER, float(at)) is not None]
    assert heard == [0, 600, 1200, 1800]


def test_several_signs_of_one_phone_do_not_make_it_told_oftener(sightings):
    told = 0
    for at in range(0, 7200, 60):
        told += len(sightings.look([Lease(HOST, MAC)], [LanNeighbour(HOST, MAC, "br-lan")], float(at)))
        told += sightings.hear(REGISTER, float(at)) is not None
    assert told <= 3 + 7200 / REFRESH


@pytest.mark.parametrize(
    ("changes", "is_news"),
    [
        ({}, False),
        ({"retry_s": 560.0}, False),
        ({"keepalive_s": 29.0}, False),
        ({"retry_s": 60.0}, True),
        ({"keepalive_s": None}, True),
        ({"expiry_s": 120}, True),
        ({"granted_s": 60}, True),
        ({"status": 503}, True),
        ({"transport": Transport.TCP}, True),
    ],
)
def test_what_a_register_says_is_news_where_it_says_something_else(sightings, changes, is_news):
    sightings.hear(REGISTER, 1.0)
    assert (sightings.hear(changed(**changes), 2.0) is not None) == is_news


def test_made_up_phones_are_told_up_to_a_bound_and_those_known_before_still(sightings):
    sightings.hear(REGISTER, 0.0)
    told = 0
    for number in range(3000):
        made_up = replace(REGISTER, address=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        told += sightings.hear(made_up, 1.0 + number / 1000) is not None
    assert told <= NEW_AT_ONCE + 4
    assert sightings.hear(changed(status=503), 1000.0) is not None


def test_new_profiles_make_everything_news(sightings, profiles):
    sightings.hear(REGISTER, 1.0)
    sightings.use(profiles)
    assert sightings.hear(REGISTER, 2.0) is not None


def test_without_profiles_phones_that_speak_are_told_and_no_others():
    bare = Sightings(["br-lan"], 0.0)
    assert bare.look([Lease(HOST, MAC)], [], 1.0) == []
    told = bare.hear(REGISTER, 2.0)
    assert (told.user_agent, told.profile, told.mac) == (REGISTER.user_agent, "", MAC)
