from __future__ import annotations

import pytest

from tonekeeper.core.meaning import LONGEST_HOLD, Meaning, hold_of, meaning_of
from tonekeeper.wire.sip.reply import SipReply


def reply(status: int, retry_after: int | None = None) -> SipReply:
    return SipReply(status, "", "z9hG4bK1", "host", 1, "id", 1, "OPTIONS", retry_after=retry_after)


@pytest.mark.parametrize("status", [200, 202, 400, 401, 403, 404, 405, 407, 420, 480, 486, 501, 505, 603])
def test_a_server_that_answers_what_it_thinks_of_the_question_is_alive(status):
    assert meaning_of(reply(status)) is Meaning.ALIVE


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 302, 482, 483])
def test_trouble_at_or_behind_the_server_is_degraded(status):
    assert meaning_of(reply(status)) is Meaning.DEGRADED


def test_503_with_retry_after_wants_to_be_left_alone():
    assert meaning_of(reply(503, 120)) is Meaning.DRAINING
    assert hold_of(reply(503, 120)) == 120


def test_retry_after_zero_means_at_once_and_holds_nothing():
    assert meaning_of(reply(503, 0)) is Meaning.DEGRADED


def test_retry_after_of_a_busy_callee_says_nothing_about_the_server():
    assert meaning_of(reply(486, 3600)) is Meaning.ALIVE


def test_an_absurd_retry_after_is_honoured_for_an_hour_at_most():
    assert hold_of(reply(503, 10**9)) == LONGEST_HOLD


def test_a_provisional_answer_says_only_that_somebody_is_there():
    assert meaning_of(reply(100)) is Meaning.PROVISIONAL
