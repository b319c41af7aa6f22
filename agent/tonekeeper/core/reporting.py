"""The report, read from the situation. Durations are rounded to milliseconds; nothing is decided here."""

from __future__ import annotations

from tonekeeper.core import diagnosis, server_report
from tonekeeper.core.egress import watch as egress_watch
from tonekeeper.core.flap import WINDOW, Damper
from tonekeeper.core.functions import Function, FunctionState
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.keepalive import keepalive_policy
from tonekeeper.core.keeping import method_of
from tonekeeper.core.lookups import is_address
from tonekeeper.core.nat.result import NatResult
from tonekeeper.core.paths import patience_for
from tonekeeper.core.probe import PathProbe
from tonekeeper.core.probe_allowance import ProbeAllowance
from tonekeeper.core.report import (
    ActiveReport,
    AgentReport,
    ChangeReport,
    CheckReport,
    NatReport,
    PathReport,
    ProbingReport,
    Report,
    SbcReport,
    SbcState,
    SteeringReport,
    TlsReport,
    WanReport,
    WanState,
)
from tonekeeper.core.site import Depth, Mode, Sbc, Transport, Wan
from tonekeeper.core.situation import Situation


def report_on(situation: Situation, now: float) -> Report:
    site = situation.site
    return Report(
        agent=AgentReport(
            name=site.name,
            version=situation.version,
            role=str(site.role),
            uptime_s=round(now - situation.started, 3),
            mode=str(site.failover.mode),
        ),
        wans=tuple(_wan(situation, wan, now) for wan in site.wans),
        sbcs=tuple(_sbc(situation, sbc, now) for sbc in site.sbcs),
        active=_active(situation, now),
        steering=_steering(situation),
        nat=tuple(
            _nat(known.result, now - known.measured_at) for known in situation.nats.values() if known.result is not None
        ),
        findings=tuple(diagnosis.visible(situation, now)),
        explained=tuple(diagnosis.explained(situation, now)),
        firewall=situation.firewall.flows if situation.firewall is not None else (),
        egress=egress_watch.reports(situation),
        phones=situation.phones.reports(now),
        checks=tuple(
            CheckReport(str(check), str(known.result.outcome), known.result.detail, round(now - known.at, 3))
            for check, known in situation.checks.items()
        ),
        probing=_probing(situation.allowance),
        changes=tuple(
            ChangeReport(round(now - change.at, 3), change.subject, change.before, change.after, change.reason)
            for change in situation.changes
        ),
    )


def _wan(situation: Situation, wan: Wan, now: float) -> WanReport:
    health = situation.wan_health(wan.name)
    link = situation.links.get(wan.interface)
    carrier = "not checked" if link is None else ("yes" if link.carrier else "no")
    damper = situation.wan_damper(wan.name)
    suppressed = damper.is_suppressed and health.state == WanState.UP
    return WanReport(
        name=wan.name,
        interface=wan.interface,
        state=WanState.SUPPRESSED if suppressed else WanState(health.state),
        penalty=round(damper.level(situation.site.damping, now), 1),
        transitions=health.transitions,
        losses_1h=len(damper.losses_since(now - WINDOW)),
        suppressed_s=_remaining(damper, now),
        blamed=situation.attribution.of_wan(wan.name) is not None,
        carrier=carrier,
        addresses=link.addresses if link is not None else (),
        metered=wan.metered,
        probing_bytes=situation.meter(wan.name).spent if wan.metered else None,
        probing_budget_bytes=wan.budget if wan.metered else None,
        since_s=round(now - health.since, 3),
    )


def _sbc(situation: Situation, sbc: Sbc, now: float) -> SbcReport:
    health = situation.sbc_health(sbc.name)
    active = situation.failover.active
    return SbcReport(
        name=sbc.name,
        uri=sbc.uri,
        state=SbcState(health.state),
        control=_control(situation, sbc, SbcState(health.state)),
        media=_media(situation, sbc, SbcState(health.state)),
        active=active is not None and active.sbc == sbc.name,
        penalty=round(situation.sbc_damper(sbc.name).level(situation.site.damping, now), 1),
        suppressed_s=_remaining(situation.sbc_damper(sbc.name), now),
        reason=health.reason,
        since_s=round(now - health.since, 3),
        paths=tuple(_path(situation, probe, now) for probe in situation.probes_of(sbc=sbc.name)),
        functions=server_report.functions(situation, sbc, now),
        responses=dict(situation.tallies_of(sbc.name).responses.by_code),
        registrations=server_report.attempts(situation, sbc, Depth.REGISTER),
        calls=server_report.attempts(situation, sbc, Depth.CALL),
        voicemail=server_report.attempts(situation, sbc, Depth.VOICEMAIL),
        call_quality=server_report.call_quality(situation, sbc),
        confirmed_s=_confirmed(situation, sbc, now),
    )


def _control(situation: Situation, sbc: Sbc, state: SbcState) -> str:
    """Signalling, registration and the setting up of calls, whatever is heard in them."""
    functions = situation.functions_of(sbc.name)
    if state is SbcState.DEGRADED and all(f.function is Function.MEDIA for f in functions.failing() if f.everywhere):
        return str(SbcState.HEALTHY if functions.degraded() else state)
    return str(state)


def _media(situation: Situation, sbc: Sbc, state: SbcState) -> str:
    match situation.functions_of(sbc.name).state(Function.MEDIA):
        case FunctionState.OK:
            return str(SbcState.HEALTHY)
        case FunctionState.FAILED:
            return str(SbcState.DOWN if state is SbcState.DOWN else SbcState.DEGRADED)
        case FunctionState.UNKNOWN:
            return "not checked"


def _confirmed(situation: Situation, sbc: Sbc, now: float) -> float | None:
    lookup = situation.lookups.get(sbc.name)
    if lookup is None or is_address(sbc.host) or lookup.confirmed_at == LONG_AGO:
        return None
    return round(now - lookup.confirmed_at, 3)


def _probing(allowance: ProbeAllowance) -> ProbingReport:
    return ProbingReport(
        packets_per_second=round(allowance.rate, 3),
        burst=allowance.burst,
        bytes_per_day=allowance.bytes_per_day,
        sent_packets=allowance.sent,
        sent_bytes=allowance.sent_bytes,
        postponed=allowance.refused,
    )


def _tls(probe: PathProbe, now: float) -> TlsReport | None:
    facts = probe.tls
    if facts is None:
        return None
    left = None if facts.expires_in_s is None else round(facts.expires_in_s - (now - probe.tls_at), 3)
    return TlsReport(facts.problem, facts.version, facts.cipher, facts.subject, facts.issuer, left)


def _path(situation: Situation, probe: PathProbe, now: float) -> PathReport:
    share = probe.loss.share
    return PathReport(
        wan=probe.path.wan,
        transport=str(probe.path.transport),
        address=str(probe.path.address),
        state=probe.state,
        rtt_ms=round(probe.timeout.srtt * 1000, 3) if probe.timeout.samples else None,
        loss=None if share is None else round(share, 4),
        last_reply=probe.last_reply,
        last_reply_s=None if probe.answered_at == LONG_AGO else round(now - probe.answered_at, 3),
        since_s=round(now - probe.since, 3),
        sent=probe.probes_sent,
        received=probe.replies,
        ignored=probe.ignored,
        confirmations=patience_for(situation, probe, now).confirmations,
        timeout_ms=round(probe.timeout.value * 1000, 3),
        reason=probe.reason,
        tls=_tls(probe, now),
        keepalive=str(method_of(probe)),
    )


def _nat(result: NatResult, age: float) -> NatReport:
    lifetimes = result.lifetime_s
    policy = keepalive_policy(Transport.UDP, lifetimes)
    known = lifetimes.replied is not None or lifetimes.stream is not None
    return NatReport(
        wan=result.wan,
        mapping=str(result.mapping),
        filtering=str(result.filtering),
        mapped_address=result.mapped_address,
        lifetime_s={
            "unreplied": lifetimes.unreplied,
            "replied": lifetimes.replied,
            "stream": lifetimes.stream,
            "tcp": lifetimes.tcp,
        },
        sip_alg=str(result.sip_alg),
        keepalive_s=round(min(policy.first_s, policy.steady_s), 1) if known else None,
        reasons=result.reasons,
        age_s=round(age, 3),
    )


def _steering(situation: Situation) -> SteeringReport:
    steering = situation.steering
    return SteeringReport(
        phase=str(steering.phase) if situation.site.failover.mode is Mode.STEER else "off",
        interface=steering.goal.interface,
        destinations=tuple(destination.address for destination in steering.goal.destinations),
        kept_calls=len(steering.pins),
        stale_flows=steering.stale,
        moves=steering.moves,
        flushed_flows=steering.flushed,
    )


def _remaining(damper: Damper, now: float) -> float | None:
    return round(max(0.0, damper.reuse_at - now), 3) if damper.is_suppressed else None


def _active(situation: Situation, now: float) -> ActiveReport:
    failover = situation.failover
    return ActiveReport(
        wan=failover.active.wan if failover.active is not None else "",
        sbc=failover.active.sbc if failover.active is not None else "",
        since_s=round(now - failover.since, 3) if failover.active is not None else 0.0,
        reason=failover.reason,
        switches=failover.switches,
        voicemail=str(situation.voicemail_at or ""),
        failback_s=round(max(0.0, failover.failback_at - now), 3) if failover.failback_at < NEVER else None,
    )
