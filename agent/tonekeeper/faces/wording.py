"""How every face says a value of the report: the verdict in one line, times, shares, text that came from outside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.core.nat.result import NOT_CHECKED
from tonekeeper.core.report import (
    CallQualityReport,
    FindingReport,
    FunctionReport,
    NatReport,
    PathReport,
    PathState,
    Report,
    SbcReport,
    Severity,
    WanReport,
)
from tonekeeper.core.verdict import verdict_of


class Tone(StrEnum):
    """How bad it is, for whoever picks the colour."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The first line a face shows."""

    tone: Tone
    word: str
    sentence: str


_TONES = {
    "up": Tone.GOOD,
    "healthy": Tone.GOOD,
    "ok": Tone.GOOD,
    "suspect": Tone.WARNING,
    "suppressed": Tone.WARNING,
    "degraded": Tone.WARNING,
    "draining": Tone.WARNING,
    "warning": Tone.WARNING,
    "down": Tone.BAD,
    "failed": Tone.BAD,
    "critical": Tone.BAD,
}


_STEPS = {
    "resting": "",
    "asking": "looking for connected calls",
    "applying": "changing the routes",
    "flushing": "deleting flows that sit on another WAN",
    "freeing": "deleting flows that stayed where they were steered to",
}

_PARTS = {"sip_alg": "SIP ALG"}


def tone_of(state: str) -> Tone:
    """The tone of a state or severity; `info` and words of a newer agent have none."""
    return _TONES.get(state, Tone.UNKNOWN)


def verdict(report: Report) -> Verdict:
    worst = next(iter(report.findings), None)
    sentence = verdict_of(report)
    if worst is not None and worst.severity is not Severity.INFO:
        word = "PROBLEM" if worst.severity is Severity.CRITICAL else "WARNING"
        return Verdict(tone_of(worst.severity), word, sentence)
    is_up = any(path.state is PathState.UP for sbc in report.sbcs for path in sbc.paths)
    return Verdict(Tone.GOOD, "OK", sentence) if is_up else Verdict(Tone.UNKNOWN, "UNKNOWN", sentence)


def failback_wait(report: Report) -> str:
    """When the way back is possible; empty when there is nowhere better to go."""
    wait = report.active.failback_s
    return "" if wait is None else f"way back possible in {duration(wait)}" if wait > 0 else "way back possible now"


def voicemail_elsewhere(report: Report) -> str:
    """Where voicemail works, when it fails where the site is; empty otherwise."""
    return f"works at {report.active.voicemail}, not where the site is" if report.active.voicemail else ""


def storm_guard(report: Report) -> str:
    """What it held back; empty while everything may be sent."""
    probing = report.probing
    if not probing.postponed:
        return ""
    limits = f"{probing.packets_per_second:g} packets/s and {size(probing.bytes_per_day)} a day are the limit"
    return f"{counted(probing.postponed, 'probe')} postponed since the start; {limits}"


def steering(report: Report) -> str:
    """Where SIP and RTP are steered and how far a move has come; empty where nothing is steered at all."""
    now = report.steering
    if now.phase == "off":
        return ""
    wan = next((wan.name for wan in report.wans if wan.interface == now.interface), now.interface)
    where = f"{counted(len(now.destinations), 'destination')} over {wan}" if now.interface else "nothing yet"
    parts = [
        where,
        _STEPS.get(now.phase, now.phase),
        f"{counted(now.kept_calls, 'call')} kept on the WAN it began on" if now.kept_calls else "",
        f"{counted(len(now.stale_flows), 'flow')} still on another WAN" if now.stale_flows else "",
        f"{counted(now.moves, 'move')} and {counted(now.flushed_flows, 'flow')} deleted since the start"
        if now.moves
        else "",
    ]
    return "; ".join(part for part in parts if part)


def damping(subject: WanReport | SbcReport) -> str:
    """Penalty and losses of one that flaps, and when it is trusted again; empty for one that is quiet."""
    losses = subject.losses_1h if isinstance(subject, WanReport) else 0
    parts = [
        f"penalty {subject.penalty:.0f}" if subject.penalty >= 1 else "",
        f"{counted(losses, 'loss', 'losses')} in 1 h" if losses else "",
        f"trusted again in {duration(subject.suppressed_s)}" if subject.suppressed_s is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def wan_notes(wan: WanReport) -> list[str]:
    """What is worth saying of a WAN beside its state, carrier, addresses and damping."""
    notes = [f"metered{_spent(wan)}"] if wan.metered else []
    return notes + (["at fault"] if wan.blamed else [])


def _spent(wan: WanReport) -> str:
    if wan.probing_bytes is None or not wan.probing_budget_bytes:
        return ""
    return f" ({share(wan.probing_bytes / wan.probing_budget_bytes)} of {size(wan.probing_budget_bytes)})"


def sbc_facts(sbc: SbcReport) -> str:
    """What is known of an SBC beside its state and paths; empty where only OPTIONS are sent to an address."""
    heard = sbc.media != NOT_CHECKED
    parts = [
        f"control {sbc.control}, media {sbc.media}" if heard else "",
        f"latest call: {_sound(sbc.call_quality)}" if sbc.call_quality is not None else "",
        f"addresses confirmed {duration(sbc.confirmed_s)} ago" if sbc.confirmed_s is not None else "",
        *_certificates(sbc),
    ]
    return "; ".join(part for part in parts if part)


def _sound(call: CallQualityReport) -> str:
    parts = [
        f"MOS {call.mos:.1f}" if call.mos is not None else "",
        f"{share(call.loss)} lost" if call.loss is not None else "",
        f"jitter {call.jitter_ms:.0f} ms" if call.jitter_ms is not None else "",
        f"round trip {call.round_trip_ms:.0f} ms" if call.round_trip_ms is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _certificates(sbc: SbcReport) -> list[str]:
    """What its addresses show, each thing once; of those that are acceptable the one that expires first."""
    shown = [path.tls for path in sbc.paths if path.tls is not None]
    refused = dict.fromkeys(f"certificate not acceptable: {tls.problem}" for tls in shown if tls.problem)
    lasting = [tls.expires_s for tls in shown if tls.expires_s is not None and not tls.problem]
    return [*refused, *([f"certificate good for {duration(min(lasting))}"] if lasting else [])]


def functions(sbc: SbcReport) -> list[FunctionReport]:
    """What deep probes say; whether signalling works is the state of the SBC."""
    return [one for one in sbc.functions if one.function != "signalling"]


def passed(one: FunctionReport) -> str:
    return "never" if one.passed_s is None else f"{duration(one.passed_s)} ago"


def failure(one: FunctionReport) -> str:
    """Where and why it fails; empty where it does not."""
    where = f"fails over {' and '.join(one.failing_wans)}" if one.failing_wans else ""
    return ": ".join(part for part in (where, one.reason) if part)


def nat(one: NatReport) -> str:
    """What was measured of it, then what was not checked and why."""
    known = {"mapping": one.mapping, "filtering": one.filtering, "seen as": one.mapped_address}
    lifetimes = [f"{kind} {interval(bounds)}" for kind, bounds in one.lifetime_s.items() if bounds is not None]
    parts = (
        ", ".join(f"{part} {value}" for part, value in known.items() if value not in ("", NOT_CHECKED)),
        f"idle bindings live: {', '.join(lifetimes)}" if lifetimes else "",
        "" if one.sip_alg == NOT_CHECKED else f"SIP ALG: {one.sip_alg}",
        "" if one.keepalive_s is None else f"keepalives at most {one.keepalive_s:g} s apart",
        f"not checked: {unchecked}" if (unchecked := nat_unchecked(one)) else "",
        f"measured {duration(one.age_s)} ago",
    )
    return "; ".join(part for part in parts if part)


def nat_unchecked(nat: NatReport) -> str:
    """Parts and, in brackets, why; empty where all is known."""
    values = {"mapping": nat.mapping, "filtering": nat.filtering, **nat.lifetime_s, "sip_alg": nat.sip_alg}
    by_reason: dict[str, list[str]] = {}
    for part, value in values.items():
        if value is None or value == NOT_CHECKED:
            by_reason.setdefault(nat.reasons.get(part, ""), []).append(_PARTS.get(part, part))
    told = [f"{', '.join(parts)} ({reason})" if reason else ", ".join(parts) for reason, parts in by_reason.items()]
    return ", ".join(told)


def interval(bounds: tuple[float, float | None]) -> str:
    """`28-30 s`; `over 300 s` for what outlived the measurement, `up to 2 s` for what was never seen alive."""
    low, high = bounds
    if high is None:
        return f"over {round(low, 1):g} s"
    return f"{round(low, 1):g}-{round(high, 1):g} s" if low else f"up to {round(high, 1):g} s"


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def size(count: int) -> str:
    """`900 B`, `12 KiB`, `1.4 MiB`."""
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if value < 999.5:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 9.95 else f"{value:.1f} {unit}"


def evidence(finding: FindingReport) -> str:
    """What was measured, as `key: value` pairs."""
    return ", ".join(f"{key}: {value}" for key, value in finding.evidence.items())


def duration(seconds: float | None) -> str:
    """`0.4 s`, `42 s`, `3 min 12 s`, `5 h 2 min`, `9 d 3 h`; a dash where nobody knows."""
    if seconds is None:
        return "-"
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit} {rest} {name}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def rtt(path: PathReport) -> str:
    if path.rtt_ms is None:
        return "-"
    return f"{path.rtt_ms:.1f} ms" if path.rtt_ms < 9.95 else f"{path.rtt_ms:.0f} ms"


def loss(path: PathReport) -> str:
    return "-" if path.loss is None else share(path.loss)


def share(ratio: float) -> str:
    percent = ratio * 100
    return f"{percent:.1f} %" if 0 < percent < 9.95 else f"{percent:.0f} %"


def printable(text: str) -> str:
    """`text` without anything that moves a cursor, rings, or turns the reading direction: such characters escaped."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
