"""Thirty virtual days on a line that loses, and then two hundred deaths: few false alarms *and* quick true ones.

One path, `false_alarms_per_month` = 1, a 5 s cadence. Every `down` in the thirty days is wrong, for nothing died.
Run with `-s` to see the table.
"""

from __future__ import annotations

import os
from math import sqrt
from statistics import median

import pytest

from tonekeeper.core.site import Sbc, Wan
from tonekeeper.drivers.sim.simulation import Simulation, days, minutes

pytestmark = pytest.mark.simulation

DEATHS = 200
BUDGET = 1
THOROUGH = os.environ.get("TONEKEEPER_EXAMPLES") == "thorough"
LEARNING = 4
"""Wrong verdicts on the first day of a line that falls silent for a second each minute."""
DETECTED_WITHIN = {0.0: 6.0, 0.02: 6.0, 0.10: 6.5}
"""Seconds, for every one of the deaths: a whole interval, then the confirming probes that this loss asks for."""
MEDIAN_WITHIN = {0.0: 3.2, 0.02: 3.5, 0.10: 4.0}
SHOWN = 200
"""Probes that the shown share of losses is worth: each counts a hundredth less with the next one."""


@pytest.fixture
def one_path(simulate):
    return simulate(
        wans=(Wan("fibre", "eth0"),), sbcs=(Sbc("primary", "sip:sbc1.example.net", "sbc1.example.net", 5060),)
    )


@pytest.mark.parametrize("loss", [0.02, 0.10])
def test_thirty_days_of_random_loss_stay_within_the_budget_and_deaths_are_still_found_quickly(one_path, loss):
    one_path.network.path("fibre", "primary").lose(loss)
    assert len(wrong_verdicts_of(one_path, days(30), loss)) <= BUDGET


def test_a_line_that_loses_nothing_is_never_called_down_and_deaths_are_found_quickly(one_path):
    """Three days: nothing but jitter is random there, and what builds up over weeks builds up on the others as well."""
    assert wrong_verdicts_of(one_path, days(3), 0.0) == []


def wrong_verdicts_of(sim: Simulation, length: float, loss: float):
    sim.run(for_=length)
    wrong = verdicts(sim)
    confirmations, measured = path(sim).confirmations, path(sim).loss
    took = sorted(die(sim) for _ in range(DEATHS))
    print(
        f"\nloss {loss:5.0%} (measured {measured:6.2%})  confirmations {confirmations:2}  wrong verdicts {len(wrong)}"
        f"  detection median {median(took):.2f} s  maximum {took[-1]:.2f} s"
    )
    assert measured == pytest.approx(loss, abs=max(0.03, 3 * sqrt(loss * (1 - loss) / SHOWN)))
    assert median(took) <= MEDIAN_WITHIN[loss]
    assert took[-1] <= DETECTED_WITHIN[loss]
    return wrong


@pytest.mark.parametrize(
    ("burst", "length", "median_within"),
    [(0.1, days(30 if THOROUGH else 10), 3.5), (0.5, days(30 if THOROUGH else 10), 8.0), (1.0, days(30), 12.0)],
    ids=["100 ms", "500 ms", "1 s"],
)
def test_a_month_of_bursts_stays_within_the_budget_and_deaths_are_still_found(one_path, burst, length, median_within):
    """Gilbert and Elliott: nothing gets through while the line is bad, which lasts `burst` seconds in the mean.

    What a line is like has to be learnt first: the day that takes is counted apart. Of the shorter bursts a third of
    the month is tried, and the whole of it before a change lands.
    """
    one_path.network.path("fibre", "primary").lose_in_bursts(good_for=60.0, bad_for=burst)
    one_path.run(for_=days(1))
    learnt = len(verdicts(one_path))
    one_path.run(for_=length - days(1))
    wrong = verdicts(one_path)
    confirmations = path(one_path).confirmations
    took = sorted(die(one_path) for _ in range(DEATHS // 4))
    print(
        f"\nbursts of {burst:3.1f} s every minute  confirmations {confirmations:2}  wrong verdicts {len(wrong)}"
        f" ({learnt} on the first day)  detection median {median(took):.2f} s  maximum {took[-1]:.2f} s"
    )
    assert len(wrong) - learnt <= BUDGET
    assert learnt <= LEARNING
    assert median(took) <= median_within


# --- reading and hurting the simulation


def path(sim: Simulation):
    return sim.report().sbcs[0].paths[0]


def verdicts(sim: Simulation):
    return [entry for entry in sim.log if entry.subject.startswith("path ") and entry.after == "down"]


def die(sim: Simulation) -> float:
    """A minute's silence at a random phase, after some minutes of health; seconds until the verdict."""
    sim.run(minutes(2) + 10.0 * sim.random.random())
    before = len(verdicts(sim))
    sim.network.path("fibre", "primary").fall_silent()
    took = sim.run_until(lambda: len(sim.log) > before and len(verdicts(sim)) > before, within=30.0)
    sim.run(60.0)
    sim.network.path("fibre", "primary").recover()
    sim.run_until(lambda: path(sim).state == "up", within=minutes(2))
    return took
