"""Firmware compares by its numbers, and a range says what it cannot know."""

import pytest

from tonekeeper.phones.firmware import FirmwareRange, is_version, numbers


@pytest.mark.parametrize(
    ("range_", "firmware", "answer"),
    [
        (FirmwareRange(), "", True),
        (FirmwareRange(since="4.1"), "4.1.0", True),
        (FirmwareRange(since="4.1"), "4.0.9", False),
        (FirmwareRange(since="4.9"), "4.10", True),
        (FirmwareRange(before="4.10"), "4.9.99", True),
        (FirmwareRange(before="4.10"), "4.10", False),
        (FirmwareRange(since="4.1.0"), "4.1", True),
        (FirmwareRange(before="4.1.0"), "4.1", False),
        (FirmwareRange(since="*.84"), "108.86.0.20", True),
        (FirmwareRange(since="*.84"), "108.83.9.9", False),
        (FirmwareRange(since="83.2.39"), "83.V2.11.0+build.a546b91", False),
        (FirmwareRange(since="7.20"), "7.20A.258", True),
        (FirmwareRange(since="4.1"), "", None),
        (FirmwareRange(since="4.1"), "beta", None),
    ],
)
def test_a_range_knows_what_lies_in_it(range_, firmware, answer):
    assert range_.contains(firmware) is answer


def test_ten_is_more_than_nine():
    assert numbers("1.0.10.6") > numbers("1.0.9.103")


@pytest.mark.parametrize(
    ("one", "other", "disjoint"),
    [
        (FirmwareRange(before="4"), FirmwareRange(since="4"), True),
        (FirmwareRange(before="4.1"), FirmwareRange(since="4"), False),
        (FirmwareRange(), FirmwareRange(since="4"), False),
        (FirmwareRange(before="*.80"), FirmwareRange(since="*.80"), True),
        (FirmwareRange(before="*.80"), FirmwareRange(since="81"), False),
    ],
)
def test_ranges_are_apart_only_when_no_firmware_is_in_both(one, other, disjoint):
    assert one.is_disjoint(other) is disjoint
    assert other.is_disjoint(one) is disjoint


def test_a_range_that_ends_before_it_begins_is_upside_down():
    assert FirmwareRange(since="5", before="4.9").is_upside_down
    assert FirmwareRange(since="5", before="5.0").is_upside_down
    assert not FirmwareRange(since="4.9", before="4.10").is_upside_down


@pytest.mark.parametrize("text", ["4", "4.1", "*.84", "83.2.39"])
def test_numbers_with_dots_are_a_version(text):
    assert is_version(text)


@pytest.mark.parametrize("text", ["", "V84", "4.", "four", "1" * 13])
def test_other_texts_are_none(text):
    assert not is_version(text)
