"""What is written in a phone's own words is read back as it was meant."""

import pytest

from tonekeeper.errors import DecodeError
from tonekeeper.phones.native import default_value, fit, read_value, write_value
from tonekeeper.phones.parameter import Capability, Meaning, Notation, Parameter, Scope, Unit


def parameter(unit, default="unknown", capability=Capability.REGISTRATION_RETRY, **keys):
    return Parameter(capability, "p", unit, default, "G", Scope.PHONE, **keys)


SECONDS = parameter(Unit.SECONDS, 30, min=5, max=300, special={"0": Meaning.NEVER})
MINUTES = parameter(Unit.MINUTES, 60, min=1, max=64800)
HUNDREDTHS = parameter(Unit.HUNDREDTHS, 50, steps=(50, 100, 200))
DECIMALS = parameter(Unit.SECONDS, 0.5, min=0.5, max=10)
HEXADECIMAL = parameter(Unit.SECONDS, 180, notation=Notation.HEXADECIMAL)
SWITCH = parameter(Unit.SWITCH, "off", choices={"on": "Yes", "off": "No"})
BACKOFF = parameter(Unit.SECONDS, "", template="{low},{high}:{most}")


@pytest.mark.parametrize(
    ("kind", "value", "native"),
    [
        (SECONDS, 30.0, "30"),
        (SECONDS, Meaning.NEVER, "0"),
        (MINUTES, 3600.0, "60"),
        (HUNDREDTHS, 0.5, "50"),
        (DECIMALS, 1.5, "1.5"),
        (HEXADECIMAL, 180.0, "0xb4"),
        (SWITCH, "on", "Yes"),
        (BACKOFF, {"low": "5", "high": "10", "most": "60"}, "5,10:60"),
        (parameter(Unit.MILLISECONDS, 500), 0.5, "500"),
        (parameter(Unit.TEXT, ""), "sip:a", "sip:a"),
    ],
)
def test_a_value_is_written_and_read_back(kind, value, native):
    assert write_value(kind, value) == native
    assert read_value(kind, native) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (SECONDS, 4.0),
        (SECONDS, 301.0),
        (SECONDS, 30.5),
        (SECONDS, 0.0),
        (SECONDS, float("nan")),
        (SECONDS, "soon"),
        (SECONDS, Meaning.OFF),
        (MINUTES, 90.0),
        (HUNDREDTHS, 0.7),
        (SWITCH, "perhaps"),
        (SWITCH, 1.0),
        (BACKOFF, {"low": "5"}),
        (BACKOFF, {"low": "5,6", "high": "10", "most": "60"}),
        (BACKOFF, 5.0),
    ],
)
def test_a_value_that_the_phone_cannot_hold_is_not_written(kind, value):
    with pytest.raises(ValueError, match="p "):
        write_value(kind, value)


@pytest.mark.parametrize(
    ("kind", "native"),
    [(SECONDS, ""), (SECONDS, "soon"), (SECONDS, "9" * 600), (SWITCH, "no"), (HEXADECIMAL, "180"), (BACKOFF, "5:60")],
)
def test_what_the_phone_could_not_have_written_is_refused(kind, native):
    with pytest.raises(DecodeError):
        read_value(kind, native)


@pytest.mark.parametrize(
    ("kind", "wanted", "fitted"),
    [
        (SECONDS, 47.9, 47.0),
        (SECONDS, 2.0, 5.0),
        (SECONDS, 5000.0, 300.0),
        (parameter(Unit.SECONDS, 30, special={"0": Meaning.OFF}), 0.4, 1.0),
        (MINUTES, 90.0, 60.0),
        (MINUTES, 10.0, 60.0),
        (HUNDREDTHS, 1.9, 1.0),
        (HUNDREDTHS, 0.1, 0.5),
        (DECIMALS, 0.77, 0.7),
        (parameter(Unit.MILLISECONDS, 500), 0.3337, 0.333),
    ],
)
def test_the_nearest_that_fits_is_never_above_what_was_wanted_unless_it_is_the_least(kind, wanted, fitted):
    assert fit(kind, wanted) == pytest.approx(fitted, abs=1e-9)
    assert read_value(kind, write_value(kind, fit(kind, wanted))) == pytest.approx(fitted, abs=1e-9)


def test_a_factory_setting_is_told_by_what_it_means():
    assert default_value(SECONDS) == 30.0
    assert default_value(MINUTES) == 3600.0
    assert default_value(SWITCH) == "off"
    assert default_value(parameter(Unit.SECONDS)) is None
    assert default_value(parameter(Unit.SECONDS, 0, special={"0": Meaning.NEVER})) is Meaning.NEVER
    assert default_value(parameter(Unit.SECONDS, -1, special={"-1": Meaning.BUILT_IN})) is Meaning.BUILT_IN
