"""Every profile in firmware-profiles/ can be used as it is, and claims its own phones only."""

from pathlib import Path

import jsonschema
import pytest

from tonekeeper.app.profile_set import read_profiles
from tonekeeper.edge.yaml_document import parse_yaml
from tonekeeper.phones.compiled import read_compiled, write_compiled
from tonekeeper.phones.match import Match
from tonekeeper.phones.native import default_value, fit, read_value, write_value
from tonekeeper.phones.parameter import NUMBERS, SECONDS, UNKNOWN
from tonekeeper.phones.schema import json_schema

DIRECTORY = Path(__file__).parents[3] / "firmware-profiles"
FILES = sorted(DIRECTORY.glob("*/*.yaml"))
PROFILES = read_profiles(DIRECTORY)
EXAMPLES = [(profile.id, example) for profile in PROFILES.profiles for example in profile.examples]
PARAMETERS = [(profile.id, parameter) for profile in PROFILES.profiles for parameter in profile.parameters]
NUMERIC = [each for each in PARAMETERS if each[1].unit in NUMBERS and not each[1].template]


def name_of(value):
    id, inner = value
    return f"{id}-{getattr(inner, 'user_agent', None) or inner.capability}"


def test_every_file_is_a_profile():
    assert len(PROFILES) == len(FILES) > 0


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_profile_fits_the_json_schema(file):
    jsonschema.validate(parse_yaml(file.read_text(), str(file)).value, json_schema())


def test_the_json_schema_is_one_and_refuses_what_the_program_refuses():
    jsonschema.Draft202012Validator.check_schema(json_schema())
    document = parse_yaml(FILES[0].read_text(), "").value
    with pytest.raises(jsonschema.ValidationError, match="colour"):
        jsonschema.validate(document | {"colour": "red"}, json_schema())


@pytest.mark.parametrize(("id", "example"), EXAMPLES, ids=[name_of(each) for each in EXAMPLES])
def test_a_real_user_agent_matches_its_own_profile_and_no_other(id, example):
    match = PROFILES.match(example.user_agent)
    assert match is not None
    assert (match.profile, match.model, match.firmware) == (id, example.model, example.firmware)


@pytest.mark.parametrize(("id", "example"), EXAMPLES, ids=[name_of(each) for each in EXAMPLES])
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


@pytest.mark.parametrize(("id", "parameter"), PARAMETERS, ids=[name_of(each) for each in PARAMETERS])
def test_a_factory_setting_and_every_choice_are_read_back_as_they_were_meant(id, parameter):
    default = default_value(parameter)
    if default is not None and default != "":
        assert read_value(parameter, write_value(parameter, default)) == default
    for word in parameter.choices:
        assert read_value(parameter, write_value(parameter, word)) == word
    for meaning in set(parameter.special.values()):
        assert read_value(parameter, write_value(parameter, meaning)) is meaning


@pytest.mark.parametrize(("id", "parameter"), NUMERIC, ids=[name_of(each) for each in NUMERIC])
def test_every_number_that_is_fitted_is_read_back_as_it_was_meant(id, parameter):
    length = SECONDS.get(parameter.unit, 1.0)
    limits = [each * length for each in (parameter.min, parameter.max) if each is not None]
    for wanted in (0.0, 0.1, 0.5, 1.0, 7.3, 29.9, 61.0, 330.0, 3600.0, 90000.0, *limits):
        fitted = fit(parameter, wanted)
        assert read_value(parameter, write_value(parameter, fitted)) == pytest.approx(fitted)
        assert fitted <= wanted + 1e-9 or fitted <= fit(parameter, 0.0) + 1e-9


@pytest.mark.parametrize("profile", PROFILES.profiles, ids=lambda profile: profile.id)
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
