"""A document becomes a profile, or every mistake in it is named with its key path and a remedy."""

import pytest
from tests.unit.phones.documents import SMALLEST, UNKNOWN_FAILURES, document

from tonekeeper.phones.parameter import Capability, Unit
from tonekeeper.phones.schema import read_profile


def mistakes_in(changed):
    profile, mistakes = read_profile(changed)
    assert (profile is None) == bool(mistakes)
    return [str(mistake) for mistake in mistakes]


def parameter(**keys):
    return {"capability": "registration-retry", "name": "r", "unit": "s", "default": 30, "source": "G"} | keys


def reaction(**retry):
    failures = UNKNOWN_FAILURES | {"no-answer": {"then": "next-server", "retry": retry, "source": "G"}}
    return {"behaviour__failures": failures}


def test_the_smallest_profile_is_read():
    profile, mistakes = read_profile(SMALLEST)
    assert mistakes == []
    assert profile.setting(Capability.REGISTRATION_RETRY).unit is Unit.SECONDS


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, 'colour = "red": unknown key; known here: schema, id'),
        ({"parameters__0__defualt": 3}, "parameters[0].defualt = 3: unknown key; did you mean default?"),
        ({"behaviour__failures__no-anser": "unknown"}, "behaviour.failures.no-anser"),
        ({"parameters__0__unit": "fortnight"}, 'parameters[0].unit = "fortnight": is no known word; known here: ms'),
        ({"parameters__0__unit": "secs"}, "parameters[0].unit"),
        ({"parameters__0__capability": "registration-retries"}, "did you mean registration-retry?"),
        ({"parameters__0__min": "5"}, 'parameters[0].min = "5": is text; write a number'),
        ({"parameters__0__default": None}, "parameters[0].default: is nothing"),
        ({"examples__0__firmware": 2.1}, "examples[0].firmware = 2.1: is a number; write text, in quotes"),
        ({"kind": "toaster"}, 'kind = "toaster": is no known word; known here: desk-phone'),
        ({"match": ["x"]}, "match: is a list; write a map of keys"),
        ({"sources": {1: "x"}}, "sources: has a key that is no text; put the key in quotes"),
        ({"parameters__0__min": 40}, "parameters[0].default = 30: is outside 40 to any"),
        ({"parameters__0": parameter(min=50, max=40, default="unknown")}, "the range is upside down"),
        ({"parameters__0": parameter(steps=[10, 20])}, "parameters[0].default = 30: is none of the steps"),
        ({"parameters__0": parameter(unit="count")}, "is no unit for registration-retry; write one of ms, 10ms, s"),
        ({"parameters__0": parameter(default="soon")}, "is no number of s; write a number or unknown"),
        ({"parameters__0": parameter(firmware={"since": "5", "before": "4"})}, "firmware = 5 - 4: is upside down"),
        ({"parameters__0": parameter(firmware={"since": "V84"})}, "parameters[0].firmware.since = V84: is no version"),
        ({"parameters__0": parameter(name="r{line}")}, "has the unknown place {line}"),
        ({"parameters__0": parameter(name="r{account}")}, "write scope: account"),
        ({"parameters__0": parameter(template="{low}-{hi}", default="")}, "has the unknown place {hi}"),
        ({"parameters__1": parameter(name="retry")}, "gives registration-retry a second time for the same firmware"),
        ({"parameters__1": parameter(capability="rport", unit="switch", default="on")}, "choices: are missing"),
        (
            {"parameters__1": parameter(capability="rport", unit="switch", default="on", choices={"yes": 1, "on": 2})},
            "parameters[1].choices.yes: is no word for rport; use off, on",
        ),
        (
            {"parameters__1": parameter(capability="rport", unit="switch", default="on", choices={"off": 1, "on": 1})},
            "have one native value twice",
        ),
        (
            {"parameters__1": parameter(capability="dns-mode", unit="choice", default="mx", choices={"srv": 1})},
            "parameters[1].default = mx: is none of the choices; write one of srv",
        ),
        ({"match__user_agents__0": "Acme {modell}"}, "match.user_agents[0]"),
        ({"match__mac_prefixes": ["000413"]}, 'is no prefix of a MAC address; write it as "00:15:65"'),
        ({"examples__0__user_agent": "Other One5 2.0"}, "is matched by no pattern of this profile"),
        ({"examples__0__model": "One6"}, 'is read as model "One5", firmware "2.0"'),
        ({"match__firmware": {"since": "3"}}, "is outside match.firmware"),
        ({"examples": []}, "examples: are missing"),
        ({"schema": 2}, "schema = 2: is a version this program does not know; write 1"),
        ({"id": "Acme One"}, "id = Acme One: is no name for a profile"),
        ({"delivery__source": "H p.3"}, 'names the source "H" that is not listed; begin with one of G'),
        ({"sources": {"G": "a guide", "H": "another"}}, "sources.H: is named by no statement"),
        ({"quirks": [{"code": "No Good", "text": "x", "source": "G"}]}, "is no code; write kebab-case"),
        ({"delivery__reread": [{"restarts": "no", "source": "G"}]}, "needs an event or an action"),
        ({"behaviour__timeout": {"after": "timer-f"}}, "behaviour.timeout.after = timer-f: is no parameter"),
        ({"behaviour__timeout": {}}, "behaviour.timeout: needs exactly one key"),
        ({"behaviour__refresh": {"margin": 5, "percent": 50}}, "behaviour.refresh: needs exactly one key"),
        (reaction(shape="fixed", first="timer-t1"), "retry.first = timer-t1: is no parameter of this profile"),
        (reaction(shape="spiral", first=3), 'retry.shape = "spiral": is no known word; known here: fixed'),
        (reaction(shape="fixed", first=3, spread=[2, 1]), "retry.spread = [2.0, 1.0]: is upside down"),
    ],
)
def test_a_mistake_is_named_with_what_to_write(changes, said):
    found = mistakes_in(document(**changes))
    assert any(said in mistake for mistake in found), found


def test_a_mistake_in_one_parameter_hides_none_in_the_next():
    changed = document(parameters__0__min="5", parameters__1=parameter(unit="aeon"), colour="red", shape="round")
    found = mistakes_in(changed)
    assert [each.split(" ")[0] for each in found] == ["parameters[0].min", "parameters[1].unit", "colour", "shape"]


@pytest.mark.parametrize("other", [None, [], "text", 3, True])
def test_a_document_that_is_no_map_is_refused(other):
    assert mistakes_in(other) == ["file: is no map of keys; begin with schema: 1 and id: VENDOR-MODEL"]


def test_a_family_whose_user_agent_nobody_knows_is_chosen_by_its_id_alone():
    assert mistakes_in(document(examples=[], match={"user_agents": []})) == []
