"""What the daemon says of the phone models at its site, and that it does not say it anew each minute."""

from dataclasses import replace

import pytest
from tests.unit.faces.reports import behind_nat, healthy, phones
from tests.unit.phones.shipped import PROFILES

from tonekeeper.app.phone_shortcomings import STAYS, WORST_OF, PhoneShortcomings
from tonekeeper.core.checks import Outcome
from tonekeeper.core.findings import CATALOGUE
from tonekeeper.core.report import WanState
from tonekeeper.core.site import LanPolicy
from tonekeeper.phones import tune as tuner

DESK, *_ = phones()
BARESIP = replace(DESK, address="192.168.1.30", profile="baresip-baresip", firmware="1.0.0")


def site(*seen, report=None):
    """Two SBCs, and these phones."""
    return replace(report or healthy(), phones=seen)


def lived(report, seconds):
    """With bindings that live for so long."""
    known = {"unreplied": None, "replied": (seconds, None), "stream": (seconds, None), "tcp": None}
    return replace(report, nat=(replace(behind_nat().nat[0], lifetime_s=known),))


def distant(report, rtt_ms):
    return replace(
        report,
        sbcs=tuple(replace(s, paths=tuple(replace(p, rtt_ms=rtt_ms) for p in s.paths)) for s in report.sbcs),
    )


def codes(result, subject=""):
    return {problem.code for problem in result.observations if subject in ("", problem.subject)}


def knowing(**limits):
    return PhoneShortcomings(PROFILES, LanPolicy(("br-lan",), **limits))


def judged(models, report, now=0.0):
    return models.check(models.circumstances(report, now))


@pytest.fixture
def models():
    return knowing()


@pytest.fixture
def said(models):
    """What is said of a site as it is reported at some moment."""
    return lambda report, now=0.0: judged(models, report, now)


def test_a_model_that_waits_long_for_a_silent_sbc_is_a_finding(said):
    result = said(site(DESK, BARESIP))
    assert result.outcome is Outcome.PROBLEM
    assert codes(result, "baresip-baresip") >= {"phone-cannot-failover-fast"}
    assert codes(result, "yealink-desk") == set()
    assert result.detail.startswith("2 phones of 2 models: ")


def test_each_finding_has_what_its_sentence_needs(said):
    for problem in said(lived(site(*[BARESIP] * 3), 20.0)).observations:
        words = {"subject": problem.subject, **problem.evidence}
        assert "3" in CATALOGUE[problem.code].summary.format_map(words) + problem.evidence["phones"]
        assert CATALOGUE[problem.code].remedy.format_map(words)


def test_models_that_can_do_what_the_site_needs_are_fine(said):
    result = said(site(DESK, DESK))
    assert (result.outcome, result.observations) == (Outcome.OK, ())


@pytest.mark.parametrize(
    ("seen", "told"),
    [((), "no phone seen of a known model"), ((replace(DESK, profile=""),), "1 phone seen, none of a known model")],
)
def test_where_no_model_is_known_nothing_was_checked(said, seen, told):
    result = said(site(*seen))
    assert (result.outcome, result.detail) == (Outcome.NOT_CHECKED, told)


def test_a_keepalive_is_judged_by_the_lifetime_that_was_measured_and_not_before(said):
    about_nat = "phone-keepalive-above-nat-lifetime"
    assert about_nat not in codes(said(site(BARESIP)))
    assert about_nat in codes(said(lived(site(BARESIP), 20.0)))
    assert about_nat not in codes(judged(knowing(), lived(site(BARESIP), 300.0)))


def test_the_limits_of_the_provider_decide_as_the_operator_states_them():
    crowd = site(*(replace(BARESIP, address=f"192.168.2.{number}") for number in range(1, 101)))
    assert "phones-exceed-registrar" not in codes(judged(knowing(), crowd))
    assert "phones-exceed-registrar" not in codes(judged(knowing(registrar_rate=1000.0), crowd))
    assert "phones-exceed-registrar" in codes(judged(knowing(registrar_rate=0.5), crowd))
    about_nat = "phone-keepalive-above-nat-lifetime"
    assert about_nat in codes(judged(knowing(min_expiry=3600.0), lived(site(BARESIP), 300.0)))


def test_phones_that_register_over_connections_are_judged_by_how_long_those_live(said):
    short = lived(site(replace(BARESIP, transport="tcp")), 20.0)
    hidden = lived(site(replace(BARESIP, transport="", seen_by=("connection",))), 20.0)
    for report in (short, hidden):
        assert "phone-keepalive-above-nat-lifetime" not in codes(said(report))


def test_a_model_stays_for_a_while_after_its_last_phone(said):
    said(site(BARESIP), 0.0)
    assert codes(said(site(DESK), STAYS - 1)) != set()
    assert codes(said(site(DESK), STAYS)) == set()


def test_a_phone_that_is_taken_for_one_model_and_another_in_turn_changes_nothing(models):
    known = BARESIP.address
    taken_for = [site(BARESIP), site(replace(DESK, address=known))]
    found = [models.circumstances(taken_for[turn % 2], turn * 30.0) for turn in range(1, 20)]
    assert len(set(found[1:])) == 1


def test_the_worst_of_an_hour_counts(models):
    found = [
        models.circumstances(distant(site(DESK), rtt), now).conditions.rtt_s
        for rtt, now in ((40.0, 0.0), (180.0, 60.0), (40.0, 120.0), (40.0, WORST_OF + 59.0), (40.0, WORST_OF + 60.0))
    ]
    assert found == [0.04, 0.18, 0.18, 0.18, 0.04]


def test_what_wavers_a_little_is_the_same(models):
    found = {models.circumstances(distant(site(DESK), 31.0 + turn / 2), turn * 60.0) for turn in range(10)}
    assert len(found) == 1


def test_a_lifetime_is_remembered_while_its_wan_is_away(models):
    assert models.circumstances(lived(site(DESK), 60.0), 0.0).conditions.lifetime_s == 60.0
    assert models.circumstances(site(DESK), 1800.0).conditions.lifetime_s == 60.0
    assert models.circumstances(site(DESK), WORST_OF).conditions.lifetime_s is None


def test_a_wan_that_was_not_trusted_within_the_hour_is_flapping(models):
    first, *others = healthy().wans
    suppressed = replace(site(DESK), wans=(replace(first, state=WanState.SUPPRESSED), *others))
    found = [models.circumstances(*seen).conditions.flapping for seen in ((suppressed, 0.0), (site(DESK), 600.0))]
    assert found == [True, True]
    assert not models.circumstances(site(DESK), WORST_OF).conditions.flapping


def test_only_a_model_whose_conditions_changed_is_tuned_anew(said, monkeypatch):
    tuned = []
    monkeypatch.setattr(
        tuner, "tune", lambda profile, *rest, tune=tuner.tune: tuned.append(profile.id) or tune(profile, *rest)
    )
    said(site(DESK, BARESIP))
    said(site(DESK, BARESIP), 60.0)
    said(site(DESK, BARESIP, replace(BARESIP, address="192.168.1.31")), 120.0)
    assert tuned == ["baresip-baresip", "yealink-desk", "baresip-baresip"]
