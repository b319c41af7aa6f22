"""rp_filter as the kernel applies it."""

from __future__ import annotations

import pytest

from tonekeeper.edge.sysctl import reverse_path_filter


def conf(directory, **modes: str):
    for name, mode in modes.items():
        (directory / name).mkdir()
        (directory / name / "rp_filter").write_text(mode + "\n")
    return directory


@pytest.mark.parametrize(
    ("everywhere", "own", "in_force"), [("0", "0", 0), ("0", "1", 1), ("1", "0", 1), ("2", "1", 2)]
)
def test_the_larger_of_the_two_is_in_force(tmp_path, everywhere, own, in_force):
    assert reverse_path_filter("eth0", conf(tmp_path, all=everywhere, eth0=own)) == in_force


def test_an_interface_that_does_not_exist_has_none(tmp_path):
    assert reverse_path_filter("eth0", conf(tmp_path, all="1")) is None


@pytest.mark.parametrize("name", ["", ".", "..", "all", "default", "../all"])
def test_a_name_that_is_no_interface_has_none(tmp_path, name):
    assert reverse_path_filter(name, conf(tmp_path, all="1", default="1")) is None


def test_what_is_no_number_is_no_answer(tmp_path):
    assert reverse_path_filter("eth0", conf(tmp_path, all="1", eth0="strict")) is None
