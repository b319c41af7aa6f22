"""A User-Agent finds its family, or nobody's."""

import pytest
from tests.unit.phones.documents import named

from tonekeeper.phones.clash import clashes
from tonekeeper.phones.match import Match, ProfileSet
from tonekeeper.phones.schema import read_profile


def profile(*arguments, **keys):
    read, mistakes = read_profile(named(*arguments, **keys))
    assert mistakes == []
    return read


DESK = profile("acme-desk", "Acme {model=T*}[ {firmware}]", "Acme T1 2.0", model="T1", firmware="2.0")
DECT = profile("acme-dect", "Acme {model=W*} {firmware}", "Acme W1 2.0", model="W1", firmware="2.0")
OLD = profile(
    "acme-old",
    "Acme {model=X*}[ {firmware}]",
    "Acme X1 1.0",
    model="X1",
    firmware="1.0",
    match__firmware={"before": "2"},
)
NEW = profile(
    "acme-new",
    "Acme {model=X*}[ {firmware}]",
    "Acme X1 2.0",
    model="X1",
    firmware="2.0",
    match__firmware={"since": "2"},
)
GREEDY = profile("other-all", "Acme {rest}", "Acme anything")
WEAK = profile(
    "acme-weak", "Acme-weak {firmware}", "Acme-weak 1.0", firmware="1.0", match__weak_user_agents=["Weak {model}"]
)


def test_vendor_model_and_firmware_are_told_with_the_family():
    assert ProfileSet([DESK, DECT]).match("Acme T1 3.0") == Match("acme-desk", "Acme", "T1", "3.0", 1.0)


def test_a_model_never_seen_and_a_firmware_not_told_are_less_certain():
    profiles = ProfileSet([DESK])
    assert profiles.match("Acme T2 3.0").confidence == 0.9
    assert profiles.match("Acme T2").confidence == 0.7


def test_a_weak_pattern_is_hardly_believed():
    assert ProfileSet([WEAK]).match("Weak one").confidence < 0.5 < ProfileSet([WEAK]).match("Acme-weak 1.0").confidence


def test_what_two_families_claim_is_nobodys():
    assert ProfileSet([DESK, GREEDY]).match("Acme T1 3.0") is None
    assert ProfileSet([GREEDY]).match("Acme T1 3.0").profile == "other-all"


@pytest.mark.parametrize(("firmware", "family"), [("1.9", "acme-old"), ("2.0", "acme-new"), ("10.0", "acme-new")])
def test_families_that_share_a_pattern_are_parted_by_firmware(firmware, family):
    assert ProfileSet([OLD, NEW]).match(f"Acme X1 {firmware}").profile == family


def test_without_the_firmware_that_parts_them_it_is_neither():
    assert ProfileSet([OLD, NEW]).match("Acme X1") is None


@pytest.mark.parametrize(
    "user_agent", ["", " ", "\x00", "Acme", "Acme W", "T1", "A" * 1_000_000, "Acme T1 3.0\x07", "\ud800"]
)
def test_what_fits_nothing_is_nobodys(user_agent):
    assert ProfileSet([DESK, DECT]).match(user_agent) is None


def test_two_profiles_that_claim_one_user_agent_are_told_with_the_user_agent():
    (clash,) = clashes([DESK, GREEDY])
    assert (clash.first, clash.second) == ("acme-desk", "other-all")
    assert "is claimed by acme-desk too: both match" in str(clash.mistake)
    assert DESK.match.user_agents[0] != GREEDY.match.user_agents[0]


def test_profiles_parted_by_model_or_firmware_do_not_clash():
    assert list(clashes([DESK, DECT, OLD, NEW])) == []


def test_a_prefix_tells_the_vendor_unless_two_have_it():
    one = profile("acme-one", "Acme1 {model}", "Acme1 x", model="x", match__mac_prefixes=["00:00:5e", "00:00:5f"])
    other = profile("bell-one", "Bell1 {model}", "Bell1 x", model="x", vendor="Bell", match__mac_prefixes=["00:00:5f"])
    profiles = ProfileSet([one, other])
    assert profiles.vendor_of("00-00-5E-00-53-01") == "Acme"
    assert profiles.vendor_of("00:00:5f:00:53:01") == ""
    assert profiles.vendor_of("") == ""
