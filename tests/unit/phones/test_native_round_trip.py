"""Every parameter of every profile, with values from its whole range, in the model's own syntax and back."""

import itertools

import pytest
from tests.unit.phones.shipped import PROFILES
from tests.unit.phones.tuning import site

from tonekeeper.phones.conditions import Aim
from tonekeeper.phones.native import default_value, fit, read_value, write_value
from tonekeeper.phones.native_formats.writing import SYNTAXES, entry_of, fragment, read_back
from tonekeeper.phones.parameter import NUMBERS, SECONDS, Unit
from tonekeeper.phones.profile import Format
from tonekeeper.phones.tune import name_of, tune
from tonekeeper.phones.tuned import Setting

KNOWN = [profile for profile in PROFILES.profiles if profile.delivery.format in SYNTAXES]
TEXTS = {Unit.HOST: "sbc2.example.net:5070", Unit.ADDRESS: "192.0.2.77", Unit.TEXT: "5??,6??"}
PLACES = {
    "low": "30",
    "high": "60",
    "most": "900",
    "first": "192.0.2.1",
    "second": "192.0.2.2",
    "third": "192.0.2.3",
    "transport": "udp",
}


def values_of(parameter):
    """Something of everything that it can hold."""
    yield from parameter.choices
    yield from set(parameter.special.values())
    default = default_value(parameter)
    if default not in (None, ""):
        yield default
    if parameter.template:
        yield {place: text for place, text in PLACES.items() if f"{{{place}}}" in parameter.template}
    elif parameter.unit in NUMBERS:
        length = SECONDS.get(parameter.unit, 1.0)
        limits = [each * length for each in (parameter.min, parameter.max) if each is not None]
        yield from (fit(parameter, wanted) for wanted in (0.5, 7.3, 29.9, 61.0, 3600.0, *limits))
    elif parameter.unit in TEXTS:
        yield TEXTS[parameter.unit]


def test_every_format_but_the_unknown_one_has_a_syntax():
    assert set(SYNTAXES) == set(Format) - {Format.UNKNOWN}


@pytest.mark.parametrize("profile", KNOWN, ids=lambda profile: profile.id)
def test_what_is_written_for_a_parameter_is_read_back_as_it_was_meant(profile):
    for parameter, account in itertools.product(profile.parameters, (1, 2)):
        for value in values_of(parameter):
            made = Setting(parameter, name_of(parameter, account), value, write_value(parameter, value), "", 0, account)
            text = fragment(profile.delivery.format, [made])
            assert text is not None, made.name
            native = read_back(profile.delivery.format, text, entry_of(made))
            assert native is not None, made.name
            assert read_value(parameter, native) == value, made.name


@pytest.mark.parametrize("profile", PROFILES.profiles, ids=lambda profile: profile.id)
@pytest.mark.parametrize("aim", Aim)
def test_a_whole_tuning_is_read_back_from_its_fragment(profile, aim):
    tuning = tune(profile, site(), aim)
    text = fragment(tuning.format, tuning.settings)
    if tuning.format is Format.UNKNOWN:
        assert text is None
        return
    for made in tuning.settings:
        assert read_back(tuning.format, text, entry_of(made)) == made.native, made.name
