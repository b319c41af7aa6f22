from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.depth.result import DepthResult, DepthVerdict, VoiceQuality
from tonekeeper.core.site import Depth
from tonekeeper.core.tallies import BOUNDS, MOST_CODES, Latency, MediaTally, Recovery, ResponseTally, SbcTallies

GOOD = VoiceQuality(setup_s=0.3, sent=100, received=98, loss=0.02, jitter_ms=1.5, round_trip_ms=20.0, mos=4.1)
MUTE = VoiceQuality(setup_s=0.4, sent=100, received=0, loss=1.0, one_way="nothing comes back")


def told(*statuses: int) -> ResponseTally:
    tally = ResponseTally()
    for status in statuses:
        tally.count(status)
    return tally


def after(*results: DepthResult) -> SbcTallies:
    tallies = SbcTallies()
    for result in results:
        tallies.probed(result)
    return tallies


# --- response codes


def test_responses_are_counted_by_code():
    assert told(200, 404, 200, 503).by_code == {"200": 2, "404": 1, "503": 1}


def test_codes_beyond_the_bound_share_a_line_with_their_class():
    many = told(*range(400, 400 + MOST_CODES))
    many.count(499)
    many.count(498)
    many.count(699)
    many.count(400)
    assert many.by_code["400"] == 2
    assert many.by_code["4xx"] == 2
    assert many.by_code["6xx"] == 1


@given(st.lists(st.integers(100, 699), max_size=700))
def test_no_server_makes_the_lines_grow_without_end_and_no_reply_is_lost(statuses):
    counts = told(*statuses).by_code
    assert len(counts) <= MOST_CODES + 6
    assert sum(counts.values()) == len(statuses)
    for code_class in "123456":
        inside = sum(replies for code, replies in counts.items() if code[0] == code_class)
        assert inside == sum(str(status)[0] == code_class for status in statuses)


# --- latency


def test_a_latency_on_a_bound_belongs_below_it():
    latency = Latency()
    latency.add(0.25)
    assert dict(latency.cumulative())[0.1] == 0
    assert dict(latency.cumulative())[0.25] == 1


def test_what_takes_longer_than_every_bound_is_still_counted():
    latency = Latency()
    latency.add(100.0)
    assert list(latency.cumulative())[-2:] == [(32.0, 0), (None, 1)]
    assert (latency.count, latency.sum_s) == (1, 100.0)


@given(st.lists(st.floats(0, 100), max_size=50))
def test_buckets_say_how_many_took_no_longer(seconds):
    latency = Latency()
    for one in seconds:
        latency.add(one)
    assert list(latency.cumulative()) == [
        *((bound, sum(one <= bound for one in seconds)) for bound in BOUNDS),
        (None, len(seconds)),
    ]


# --- deep probes


def test_a_registration_that_passes_is_an_attempt_a_success_and_a_latency():
    tallies = after(DepthResult(Depth.REGISTER, DepthVerdict.PASSED, statuses=(401, 200, 200), elapsed_s=0.12))
    assert (tallies.registrations.attempts, tallies.registrations.successes) == (1, 1)
    assert tallies.registrations.latency.sum_s == 0.12
    assert tallies.responses.by_code == {"401": 1, "200": 2}


@pytest.mark.parametrize(
    "verdict", [DepthVerdict.FAILED, DepthVerdict.DENIED, DepthVerdict.UNANSWERED, DepthVerdict.DRAINING]
)
def test_whatever_keeps_a_phone_from_registering_is_an_attempt_without_success_or_latency(verdict):
    tallies = after(DepthResult(Depth.REGISTER, verdict, elapsed_s=32.0))
    assert (tallies.registrations.attempts, tallies.registrations.successes) == (1, 0)
    assert tallies.registrations.latency.count == 0


@pytest.mark.parametrize("depth", Depth)
def test_what_could_not_be_asked_is_no_attempt(depth):
    tallies = after(DepthResult(depth, DepthVerdict.NOT_CHECKED))
    assert tallies == SbcTallies()


def test_each_depth_has_an_account_of_its_own():
    tallies = after(
        DepthResult(Depth.VOICEMAIL, DepthVerdict.PASSED, elapsed_s=0.2),
        DepthResult(Depth.CALL, DepthVerdict.FAILED),
    )
    assert (tallies.voicemail.successes, tallies.calls.attempts, tallies.registrations.attempts) == (1, 1, 0)


def test_a_call_is_timed_until_it_is_set_up_and_not_until_it_ends():
    tallies = after(DepthResult(Depth.CALL, DepthVerdict.PASSED, elapsed_s=2.9, voice=GOOD))
    assert tallies.calls.latency.sum_s == 0.3
    assert (tallies.media.loss, tallies.media.jitter_ms, tallies.media.mos) == (0.02, 1.5, 4.1)


def test_a_call_that_nobody_heard_was_set_up_all_the_same():
    tallies = after(DepthResult(Depth.CALL, DepthVerdict.FAILED, voice=MUTE))
    assert (tallies.calls.attempts, tallies.calls.successes) == (1, 1)
    assert (tallies.media.one_way, tallies.media.lost) == (1, 100.0)


def test_loss_over_many_calls_is_what_was_lost_of_what_was_sent():
    media = MediaTally()
    media.heard(GOOD)
    media.heard(MUTE)
    assert media.lost / media.sent == pytest.approx(0.51)
    assert (media.sent, media.received, media.loss, media.mos) == (200, 98, 1.0, None)


def test_replies_to_options_are_counted_with_the_others():
    tallies = after(DepthResult(Depth.REGISTER, DepthVerdict.FAILED, statuses=(500,)))
    tallies.replied(500)
    assert tallies.responses.by_code == {"500": 2}


# --- recovery


def test_what_came_back_knows_the_last_and_the_worst_outage():
    recovery = Recovery()
    for broke, back in ((10.0, 40.0), (100.0, 105.0)):
        recovery.broke(broke)
        recovery.came_back(back)
    assert (recovery.count, recovery.sum_s, recovery.last_s, recovery.worst_s) == (2, 35.0, 5.0, 30.0)


def test_an_outage_that_is_told_twice_began_the_first_time():
    recovery = Recovery()
    recovery.broke(10.0)
    recovery.broke(20.0)
    assert recovery.came_back(25.0) == 15.0


def test_what_was_not_broken_cannot_come_back():
    recovery = Recovery()
    assert recovery.came_back(5.0) is None
    assert recovery == Recovery()


def test_an_outage_that_nobody_watches_any_more_is_not_counted():
    recovery = Recovery()
    recovery.broke(10.0)
    recovery.gave_up()
    assert recovery.came_back(25.0) is None
    assert recovery == Recovery()


def test_they_survive_a_checkpoint():
    tallies = after(DepthResult(Depth.CALL, DepthVerdict.PASSED, statuses=(200,), elapsed_s=2.9, voice=GOOD))
    assert msgspec.json.decode(msgspec.json.encode(tallies), type=SbcTallies) == tallies
    recovery = Recovery(broken_at=4.0)
    assert msgspec.json.decode(msgspec.json.encode(recovery), type=Recovery) == recovery
