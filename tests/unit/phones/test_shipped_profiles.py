"""Every profile in firmware-profiles/ can be used as it is, and claims its own phones only."""

import math

import jsonschema
import pytest
from tests.unit.phones.shipped import DIRECTORY, PROFILES

from tonekeeper.edge.yaml_document import parse_yaml
from tonekeeper.phones.compiled import read_compiled, write_compiled
from tonekeeper.phones.match import Match
from tonekeeper.phones.native import default_value, fit, read_value, write_value
from tonekeeper.phones.parameter import NUMBERS, SECONDS, UNKNOWN
from tonekeeper.phones.schema import json_schema

FILES = sorted(DIRECTORY.glob("*/*.yaml"))
EXAMPLES = [(profile.id, example) for profile in PROFILES.profiles for example in profile.examples]
SCHEMA = jsonschema.Draft202012Validator(json_schema())

of_every_profile = pytest.mark.parametrize("profile", PROFILES.profiles, ids=lambda profile: profile.id)
of_every_example = pytest.mark.parametrize(
    ("id", "example"), EXAMPLES, ids=[f"{id}-{example.user_agent}" for id, example in EXAMPLES]
)


def test_every_file_is_a_profile():
    assert len(PROFILES) == len(FILES) > 0


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_profile_fits_the_json_schema(file):
    SCHEMA.validate(parse_yaml(file.read_text(), str(file)).value)


def test_the_json_schema_is_one_and_refuses_what_the_program_refuses():
    jsonschema.Draft202012Validator.check_schema(json_schema())
    document = parse_yaml(FILES[0].read_text(), "").value
    with pytest.raises(jsonschema.ValidationError, match="colour"):
        SCHEMA.validate(document | {"colour": "red"})


@of_every_example
def test_a_real_user_agent_matches_its_own_profile_and_no_other(id, example):
    match = PROFILES.match(example.user_agent)
    assert match is not None
    assert (match.profile, match.model, match.firmware) == (id, example.model, example.firmware)


@of_every_example
def test_a_user_agent_that_is_cut_or_has_something_before_or_after_it_is_nobodys(id, example):
    for changed in (f"x{example.user_agent}", f"{example.user_agent}\x00", example.user_agent[:3]):
        assert PROFILES.match(changed) is None


@pytest.mark.parametrize(
    "user_agent",
    [
        "friendly-scanner",
        "sipcli/v1.8",
        "Zoiper rv2.10.20.4",
        "AVM FRITZ!Box 7170 Annex A 58.04.85 (Apr  4 2011)",
        "Cisco-SIPGateway/IOS-15.2.4.M3",
        "Cisco-CP7960G/8.0",
        "Grandstream UCM6202V1.4A 1.0.15.16",
        "PolycomRealPresenceGroup700/6.2.0",
        "Yealink",
        "Kamailio (1.5.2-notls (i386/linux))",
    ],
)
def test_what_is_no_phone_that_is_known_is_nobodys(user_agent):
    assert PROFILES.match(user_agent) is None


@of_every_profile
def test_a_factory_setting_and_every_choice_are_read_back_as_they_were_meant(profile):
    for parameter in profile.parameters:
        default = default_value(parameter)
        if default is not None and default != "":
            assert read_value(parameter, write_value(parameter, default)) == default, parameter.name
        for word in parameter.choices:
            assert read_value(parameter, write_value(parameter, word)) == word, parameter.name
        for meaning in set(parameter.special.values()):
            assert read_value(parameter, write_value(parameter, meaning)) is meaning, parameter.name


@of_every_profile
def test_every_number_that_is_fitted_is_read_back_as_it_was_meant(profile):
    for parameter in profile.parameters:
        if parameter.unit not in NUMBERS or parameter.template:
            continue
        length = SECONDS.get(parameter.unit, 1.0)
        limits = [each * length for each in (parameter.min, parameter.max) if each is not None]
        for wanted in (0.0, 0.1, 0.5, 1.0, 7.3, 29.9, 61.0, 330.0, 3600.0, 90000.0, *limits):
            fitted = fit(parameter, wanted)
            written = write_value(parameter, fitted)
            assert math.isclose(read_value(parameter, written), fitted, rel_tol=1e-6), parameter.name
            assert fitted <= wanted + 1e-9 or fitted <= fit(parameter, 0.0) + 1e-9, parameter.name


@of_every_profile
def test_what_a_profile_does_not_know_it_says_in_one_word(profile):
    for parameter in profile.parameters:
        if isinstance(parameter.default, str) and parameter.unit in NUMBERS:
            assert parameter.default in ("", UNKNOWN, *parameter.special)


def test_profiles_that_were_compiled_are_the_same():
    compiled = read_compiled(write_compiled(PROFILES.profiles))
    assert compiled.profiles == PROFILES.profiles
    assert compiled.match("Yealink SIP-T46U 108.86.0.20") == Match(
        "yealink-desk", "Yealink", "T46U", "108.86.0.20", 1.0
    )
