from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.depth.result import DepthResult, DepthVerdict, VoiceQuality
from tonekeeper.core.functions import (
    ESSENTIAL,
    REFUSALS,
    Failing,
    Fault,
    Function,
    FunctionHealth,
    FunctionState,
    SbcFunctions,
    Trial,
    deepest_function,
    trials_of,
)
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.site import Depth

OK, FAILED, UNKNOWN = FunctionState.OK, FunctionState.FAILED, FunctionState.UNKNOWN

PASS = Trial(Function.REGISTRATION)
DOUBTFUL = Trial(Function.REGISTRATION, Fault.SILENT, "no answer")
CERTAIN = Trial(Function.REGISTRATION, Fault.DENIED, "403 Forbidden", certain=True)

HEARD = VoiceQuality(setup_s=0.3, sent=100, received=100, loss=0.0, jitter_ms=1.0, r_factor=93.0, mos=4.4)
MUTE = VoiceQuality(setup_s=0.3, sent=100, received=0, loss=1.0, one_way="nothing comes back from 192.0.2.1:4000")
POOR = VoiceQuality(setup_s=0.3, sent=100, received=70, loss=0.3, jitter_ms=12.4, r_factor=30.0, mos=1.8)

PASSED = DepthResult(Depth.REGISTER, DepthVerdict.PASSED, statuses=(401, 200))
SILENCE = DepthResult(Depth.REGISTER, DepthVerdict.UNANSWERED, "REGISTER was not answered")
ONE_500 = DepthResult(Depth.REGISTER, DepthVerdict.FAILED, "REGISTER was answered 500", statuses=(500,))
DENIED = DepthResult(Depth.REGISTER, DepthVerdict.DENIED, "the account may not register there", statuses=(401, 403))
CALL_HEARD = DepthResult(Depth.CALL, DepthVerdict.PASSED, voice=HEARD)
CALL_MUTE = DepthResult(Depth.CALL, DepthVerdict.FAILED, voice=MUTE)
CALL_POOR = DepthResult(Depth.CALL, DepthVerdict.PASSED, voice=POOR)
CALL_REFUSED = DepthResult(Depth.CALL, DepthVerdict.FAILED, "the number is not known there", statuses=(404,))


def health(*trials: Trial) -> FunctionHealth:
    """After one trial each second, the first at 1 s."""
    found = FunctionHealth()
    for now, trial in enumerate(trials, 1):
        found.take(trial, float(now))
    return found


def after(*probed: tuple[str, DepthResult]) -> SbcFunctions:
    """After one deep probe each 100 s, the first at 100 s; both WANs answer OPTIONS."""
    functions = SbcFunctions()
    for wan in ("fibre", "lte"):
        functions.answers(wan, 0.0)
    for number, (wan, result) in enumerate(probed, 1):
        functions.probed(wan, result, 100.0 * number)
    return functions


# --- one function over one WAN: every state, every trial


@pytest.mark.parametrize(
    ("history", "trial", "state"),
    [
        ((), PASS, OK),
        ((), DOUBTFUL, UNKNOWN),
        ((), CERTAIN, FAILED),
        ((DOUBTFUL,), PASS, OK),
        ((DOUBTFUL,), DOUBTFUL, FAILED),
        ((DOUBTFUL,), CERTAIN, FAILED),
        ((PASS,), PASS, OK),
        ((PASS,), DOUBTFUL, OK),
        ((PASS,), CERTAIN, FAILED),
        ((PASS, DOUBTFUL), PASS, OK),
        ((PASS, DOUBTFUL), DOUBTFUL, FAILED),
        ((PASS, DOUBTFUL), CERTAIN, FAILED),
        ((CERTAIN,), PASS, OK),
        ((CERTAIN,), DOUBTFUL, FAILED),
        ((CERTAIN,), CERTAIN, FAILED),
    ],
)
def test_every_state_with_every_trial(history, trial, state):
    assert health(*history, trial).state is state


def test_two_failures_with_a_pass_between_them_are_not_two_in_a_row():
    assert health(PASS, DOUBTFUL, PASS, DOUBTFUL).state is OK


def test_a_function_that_comes_back_needs_two_failures_again():
    assert health(CERTAIN, PASS, DOUBTFUL).state is OK


def test_it_knows_since_when_it_is_in_its_state_and_when_the_trouble_began():
    failed = health(PASS, DOUBTFUL, DOUBTFUL, DOUBTFUL)
    assert (failed.since, failed.broken_at, failed.passed_at, failed.failed_at) == (3.0, 2.0, 1.0, 4.0)
    assert (failed.fault, failed.reason) == (Fault.SILENT, "no answer")


def test_what_passed_has_neither_fault_nor_trouble():
    back = health(CERTAIN, PASS)
    assert (back.fault, back.broken_at, back.failures) == (None, NEVER, 0)


@given(st.lists(st.sampled_from([PASS, DOUBTFUL, CERTAIN])))
def test_it_is_failed_exactly_while_the_failures_since_the_last_pass_are_two_or_certain(trials):
    since_pass: list[Trial] = []
    for trial in trials:
        since_pass = [] if trial is PASS else [*since_pass, trial]
    expected = len(since_pass) >= 2 or CERTAIN in since_pass
    assert (health(*trials).state is FAILED) is expected


# --- what a deep probe says


@pytest.mark.parametrize("depth", [Depth.REGISTER, Depth.VOICEMAIL])
@pytest.mark.parametrize("verdict", [DepthVerdict.DRAINING, DepthVerdict.NOT_CHECKED])
def test_what_was_not_asked_says_nothing(depth, verdict):
    assert trials_of(DepthResult(depth, verdict, statuses=(503,))) == ()


@pytest.mark.parametrize("status", sorted(REFUSALS))
def test_a_refusal_that_will_be_repeated_leaves_no_doubt(status):
    (trial,) = trials_of(DepthResult(Depth.REGISTER, DepthVerdict.FAILED, statuses=(401, status)))
    assert trial.certain


def test_wrong_credentials_leave_no_doubt():
    assert trials_of(DENIED) == (
        Trial(Function.REGISTRATION, Fault.DENIED, "the account may not register there", certain=True),
    )


def test_one_server_error_leaves_doubt_and_two_do_not():
    (once,) = trials_of(ONE_500)
    (twice,) = trials_of(DepthResult(Depth.REGISTER, DepthVerdict.FAILED, statuses=(500, 503)))
    assert (once.certain, twice.certain) == (False, True)


def test_a_call_that_is_heard_proves_calls_and_media():
    assert trials_of(CALL_HEARD) == (Trial(Function.CALLS), Trial(Function.MEDIA))


def test_a_call_that_is_silent_one_way_was_set_up_all_the_same():
    calls, media = trials_of(CALL_MUTE)
    assert calls.fault is None
    assert (media.fault, media.reason) == (Fault.ONE_WAY, "nothing comes back from 192.0.2.1:4000")


def test_a_call_that_sounds_bad_says_how_bad():
    assert trials_of(CALL_POOR)[1] == Trial(
        Function.MEDIA, Fault.POOR, "MOS 1.8: 30% of the voice lost, 12 ms of jitter"
    )


def test_a_call_that_is_not_set_up_says_nothing_of_media():
    assert [trial.function for trial in trials_of(CALL_REFUSED)] == [Function.CALLS]


def test_voicemail_is_a_function_of_its_own():
    functions = after(("fibre", DepthResult(Depth.VOICEMAIL, DepthVerdict.FAILED, "no such", statuses=(489,))))
    assert functions.degraded() == "the voicemail light fails: no such"
    assert functions.degraded_over("fibre", ESSENTIAL) == ""


# --- an SBC over several WANs


def test_an_sbc_that_nobody_probed_deeply_is_not_degraded():
    functions = after()
    assert functions.state(Function.REGISTRATION) is UNKNOWN
    assert (functions.degraded(), functions.failing()) == ("", [])


def test_what_fails_over_every_wan_that_was_asked_degrades_the_sbc():
    functions = after(("fibre", DENIED), ("lte", DENIED))
    assert functions.degraded() == "registration fails: the account may not register there"


def test_an_account_that_is_refused_over_one_wan_is_no_better_over_one_that_was_not_asked():
    functions = after(("fibre", DENIED))
    assert functions.degraded_over("lte") == functions.degraded_over("fibre") != ""


def test_what_fails_over_one_wan_alone_degrades_the_place_and_not_the_sbc():
    functions = after(("lte", PASSED), ("fibre", DENIED))
    assert functions.state(Function.REGISTRATION) is OK
    assert functions.degraded() == ""
    assert functions.degraded_over("fibre") == "registration fails: the account may not register there"
    assert functions.degraded_over("lte") == ""
    assert [one.sentence for one in functions.failing()] == [
        "registration fails over fibre: the account may not register there"
    ]


def test_with_one_wan_what_fails_is_laid_at_the_sbc():
    assert after(("fibre", DENIED)).failing() == [
        Failing(
            Function.REGISTRATION, ("fibre",), True, Fault.DENIED, "the account may not register there", since=100.0
        )
    ]


def test_functions_that_fail_are_told_in_the_order_of_their_weight():
    functions = after(("fibre", CALL_MUTE), ("fibre", CALL_MUTE), ("fibre", DENIED))
    assert [one.function for one in functions.failing()] == [Function.REGISTRATION, Function.MEDIA]
    assert functions.degraded() == (
        "registration fails: the account may not register there; "
        "calls are not heard well: nothing comes back from 192.0.2.1:4000"
    )


def test_an_sbc_that_does_not_answer_is_down_and_not_degraded():
    functions = after(("fibre", DENIED))
    functions.is_silent("fibre", "5 probes in a row unanswered", 200.0)
    functions.is_silent("lte", "5 probes in a row unanswered", 200.0)
    assert functions.state(Function.SIGNALLING) is FAILED
    assert (functions.degraded(), functions.degraded_over("fibre")) == ("", "")


def test_silence_to_a_deep_probe_says_nothing_where_not_even_options_are_answered():
    functions = after(("fibre", PASSED))
    functions.is_silent("fibre", "icmp", 150.0)
    assert functions.probed("fibre", SILENCE, 200.0) == []
    assert functions.probed("fibre", SILENCE, 300.0) == []
    assert functions.state_over("fibre", Function.REGISTRATION) is OK


def test_silence_to_a_deep_probe_counts_where_options_are_answered():
    functions = after(("fibre", PASSED), ("fibre", SILENCE), ("fibre", SILENCE))
    assert functions.state_over("fibre", Function.REGISTRATION) is FAILED
    assert functions.failing()[0].fault is Fault.SILENT


def test_a_change_is_told_once():
    functions = after(("fibre", PASSED), ("fibre", ONE_500))
    (change,) = functions.probed("fibre", ONE_500, 300.0)
    assert (change.function, change.wan, change.before, change.after) == (Function.REGISTRATION, "fibre", OK, FAILED)
    assert change.reason == "REGISTER was answered 500"
    assert functions.probed("fibre", ONE_500, 400.0) == []


def test_a_call_may_change_two_functions_at_once():
    functions = after(("fibre", CALL_REFUSED), ("fibre", CALL_MUTE))
    changes = functions.probed("fibre", CALL_MUTE, 300.0)
    assert [(one.function, one.after) for one in changes] == [(Function.MEDIA, FAILED)]
    assert functions.state(Function.CALLS) is OK


def test_when_it_last_passed_over_any_wan_is_known():
    functions = after(("fibre", PASSED), ("lte", PASSED), ("lte", DENIED))
    assert functions.passed_at(Function.REGISTRATION) == 200.0
    assert functions.passed_at(Function.CALLS) == LONG_AGO


@pytest.mark.parametrize(
    ("depths", "function"),
    [
        ([], Function.SIGNALLING),
        ([Depth.VOICEMAIL], Function.SIGNALLING),
        ([Depth.VOICEMAIL, Depth.REGISTER], Function.REGISTRATION),
        ([Depth.REGISTER, Depth.CALL], Function.MEDIA),
    ],
)
def test_a_standby_is_proven_by_the_deepest_probe_that_is_switched_on(depths, function):
    assert deepest_function(depths) is function


# --- time to recovery


def test_recovery_is_timed_from_the_first_failure_to_the_pass():
    functions = after(("fibre", PASSED), ("fibre", ONE_500), ("fibre", ONE_500), ("fibre", PASSED))
    recovery = functions.recoveries[Function.REGISTRATION]
    assert (recovery.count, recovery.last_s) == (1, 200.0)


def test_one_failure_that_is_taken_back_is_no_outage():
    functions = after(("fibre", PASSED), ("fibre", ONE_500), ("fibre", PASSED))
    assert functions.recoveries[Function.REGISTRATION].count == 0


def test_an_outage_begins_when_the_last_wan_loses_the_function_and_ends_when_any_has_it():
    functions = after(("fibre", PASSED), ("lte", PASSED), ("fibre", DENIED), ("lte", DENIED), ("lte", PASSED))
    recovery = functions.recoveries[Function.REGISTRATION]
    assert (recovery.count, recovery.last_s, recovery.broken_at) == (1, 100.0, None)


def test_an_sbc_that_fell_silent_is_timed_as_well():
    functions = SbcFunctions()
    functions.answers("fibre", 0.0)
    functions.is_silent("fibre", "unanswered", 10.0)
    functions.is_silent("fibre", "unanswered", 20.0)
    functions.answers("fibre", 40.0)
    assert functions.recoveries[Function.SIGNALLING].last_s == 30.0


# --- the configuration


def test_what_is_not_probed_any_more_is_unknown_again():
    functions = after(("fibre", DENIED), ("lte", CALL_HEARD))
    functions.keep_only(["fibre", "lte"], [Depth.CALL])
    assert functions.state(Function.REGISTRATION) is UNKNOWN
    assert functions.recoveries[Function.REGISTRATION].broken_at is None
    assert (functions.state(Function.CALLS), functions.state(Function.SIGNALLING)) == (OK, OK)


def test_a_wan_that_is_gone_takes_what_it_knew_with_it():
    functions = after(("fibre", PASSED), ("lte", DENIED))
    functions.keep_only(["lte"], [Depth.REGISTER])
    assert functions.state(Function.REGISTRATION) is FAILED


def test_what_is_still_probed_stays_as_it_is():
    functions = after(("fibre", DENIED), ("lte", CALL_MUTE))
    before = msgspec.json.encode(functions)
    functions.keep_only(["fibre", "lte"], [Depth.REGISTER, Depth.CALL])
    assert msgspec.json.encode(functions) == before


def test_it_survives_a_checkpoint():
    functions = after(("fibre", DENIED), ("lte", CALL_POOR), ("lte", CALL_POOR))
    assert msgspec.json.decode(msgspec.json.encode(functions), type=SbcFunctions) == functions
