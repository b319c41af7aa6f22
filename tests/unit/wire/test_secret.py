"""A secret is not seen where it passes."""

import copy
import pickle

import msgspec
import pytest

from tonekeeper.wire.secret import Secret
from tonekeeper.wire.sip.digest import Credentials

PASSWORD = "opensesame"


def test_neither_it_nor_what_holds_it_shows_it_when_printed():
    for holder in (Secret(PASSWORD), Credentials("100", Secret(PASSWORD)), [Secret(PASSWORD)]):
        assert PASSWORD not in f"{holder} {holder!r} {[holder]}"


def test_it_cannot_be_encoded():
    for holder in (Secret(PASSWORD), Credentials("100", Secret(PASSWORD))):
        with pytest.raises(TypeError):
            msgspec.json.encode(holder)


def test_it_cannot_be_pickled_or_copied():
    with pytest.raises(TypeError):
        pickle.dumps(Secret(PASSWORD))
    with pytest.raises(TypeError):
        copy.copy(Secret(PASSWORD))


def test_who_asks_gets_it():
    assert Secret(PASSWORD).reveal() == PASSWORD
