"""What the report says of one SBC beyond its paths: functions, attempts, the sound of calls."""

from __future__ import annotations

from tonekeeper.core.functions import Function, SbcFunctions
from tonekeeper.core.instants import LONG_AGO
from tonekeeper.core.report import AttemptsReport, CallQualityReport, FunctionReport, LatencyReport
from tonekeeper.core.site import Depth, Sbc
from tonekeeper.core.situation import Situation
from tonekeeper.core.tallies import Attempts, Recovery


def functions(situation: Situation, sbc: Sbc, now: float) -> tuple[FunctionReport, ...]:
    known = situation.functions_of(sbc.name)
    seen = {function for of_wan in known.over.values() for function in of_wan}
    return tuple(_function(known, function, now) for function in Function if function in seen)


def _function(known: SbcFunctions, function: Function, now: float) -> FunctionReport:
    failing = next((one for one in known.failing() if one.function is function), None)
    recovery = known.recoveries.get(function, Recovery())
    passed_at = known.passed_at(function)
    return FunctionReport(
        function=str(function),
        state=str(known.state(function)),
        failing_wans=failing.wans if failing is not None else (),
        reason=failing.reason if failing is not None else "",
        passed_s=None if passed_at == LONG_AGO else round(now - passed_at, 3),
        recoveries=recovery.count,
        recovery_s=None if recovery.last_s is None else round(recovery.last_s, 3),
        worst_recovery_s=round(recovery.worst_s, 3) if recovery.count else None,
        recoveries_sum_s=round(recovery.sum_s, 3),
    )


def attempts(situation: Situation, sbc: Sbc, depth: Depth) -> AttemptsReport | None:
    if not any(policy.depth is depth for policy in sbc.depths):
        return None
    tallies = situation.tallies_of(sbc.name)
    match depth:
        case Depth.REGISTER:
            return _attempts(tallies.registrations)
        case Depth.CALL:
            return _attempts(tallies.calls)
        case Depth.VOICEMAIL:
            return _attempts(tallies.voicemail)


def _attempts(known: Attempts) -> AttemptsReport:
    latency = known.latency
    took = LatencyReport(latency.count, round(latency.sum_s, 6), tuple(latency.cumulative()))
    return AttemptsReport(known.attempts, known.successes, took)


def call_quality(situation: Situation, sbc: Sbc) -> CallQualityReport | None:
    media = situation.tallies_of(sbc.name).media
    if media.loss is None:
        return None
    return CallQualityReport(
        loss=round(media.loss, 4),
        jitter_ms=media.jitter_ms,
        round_trip_ms=media.round_trip_ms,
        mos=media.mos,
        packets_sent=media.sent,
        packets_lost=round(media.lost, 2),
        one_way_calls=media.one_way,
    )
