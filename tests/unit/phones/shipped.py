"""The profiles of firmware-profiles/, read once for all tests."""

from __future__ import annotations

from pathlib import Path

from tonekeeper.app.profile_set import read_profiles
from tonekeeper.phones.profile import Kind

DIRECTORY = Path(__file__).parents[3] / "firmware-profiles"
PROFILES = read_profiles(DIRECTORY)
DESK_PHONES = [profile for profile in PROFILES.profiles if profile.kind is Kind.DESK_PHONE]


def profile(id):
    found = PROFILES.get(id)
    assert found is not None
    return found


def as_read_before(directory, tell):
    """Stands for `load_profiles` where what is tested is a command."""
    assert Path(directory) == DIRECTORY
    return PROFILES
