"""Computed timers as text: each with its reason and its price, then what stays and what the model cannot do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from tonekeeper.core.report import FindingReport
from tonekeeper.faces.profile_text import printable_lines
from tonekeeper.faces.wording import duration, size
from tonekeeper.phones.native import Value
from tonekeeper.phones.native_formats.writing import Patched
from tonekeeper.phones.parameter import SECONDS
from tonekeeper.phones.tuned import Cost, Kept, Setting, Tuning

_INDENT = "    "


def render_tuning(tuning: Tuning, findings: Sequence[FindingReport], *, width: int = 100) -> str:
    room = max(width, 60)
    lines = [*_head(tuning, room), "", "SETTINGS"]
    for _, group in groupby(tuning.settings, key=lambda each: (each.capability, each.native, each.why, each.caution)):
        lines += _setting(list(group), room)
    if tuning.kept:
        lines += ["", "UNCHANGED"]
    for _, kept in groupby(sorted(tuning.kept, key=lambda each: each.why), key=lambda each: each.why):
        lines += _kept(list(kept), room)
    for finding in findings:
        told = f"{finding.severity.upper()} {finding.code}: {finding.summary} {finding.remedy}"
        lines += ["", *textwrap.wrap(told, room, subsequent_indent=_INDENT)]
    return printable_lines(lines)


def render_changes(patched: Patched) -> str:
    """One line for each setting that another value comes into; nothing else of the file."""
    return printable_lines(
        [
            f"{each.name}: {'(not there)' if each.before is None else each.before or '(empty)'} -> {each.after}"
            for each in patched.changes
        ]
    )


def tuning_document(tuning: Tuning, findings: Sequence[FindingReport], native: str | None) -> dict[str, object]:
    """For JSON: values in our units (seconds), `native` as the phone has them; null is unknown."""
    return {
        "profile": tuning.profile,
        "aim": tuning.aim,
        "phones": tuning.phones,
        "noticed_s": tuning.noticed_s,
        "given_up_s": tuning.given_up_s,
        "registrations_per_s": {
            "steady": tuning.steady_rate,
            "after_outage": tuning.storm_rate,
            "registrar": tuning.registrar_rate,
        },
        "cost_per_hour": _cost_document(tuning.cost),
        "settings": [_setting_document(setting) for setting in tuning.settings],
        "kept": [{"capability": each.capability, "name": each.name, "why": each.why} for each in tuning.kept],
        "findings": [
            {
                "code": each.code,
                "severity": each.severity,
                "subject": each.subject,
                "summary": each.summary,
                "evidence": each.evidence,
                "remedy": each.remedy,
            }
            for each in findings
        ],
        "format": tuning.format,
        "native": native,
    }


def _setting_document(setting: Setting) -> dict[str, object]:
    return {
        "capability": setting.capability,
        "name": setting.name,
        "server": setting.server or None,
        "value": setting.value,
        "native": setting.native,
        "unit": setting.parameter.unit,
        "default": setting.parameter.default,
        "why": setting.why,
        "caution": setting.caution,
        "cost_per_hour": _cost_document(setting.cost),
    }


def _cost_document(cost: Cost) -> dict[str, float]:
    return {
        "registrations": round(cost.registrations, 1),
        "packets": round(cost.packets, 1),
        "bytes": round(cost.bytes),
    }


def _head(tuning: Tuning, room: int) -> Iterator[str]:
    of = "" if tuning.phones == 1 else f", {tuning.phones} phones"
    yield f"{tuning.profile}, {tuning.aim}{of}"
    noticed = "nobody knows when" if tuning.noticed_s is None else f"within {duration(tuning.noticed_s)}"
    given_up = "an unknown time" if tuning.given_up_s is None else duration(tuning.given_up_s)
    told = f"A silent SBC is noticed {noticed} without a call, and given up after {given_up}."
    yield from textwrap.wrap(f"{told} {_price(tuning)}", room)


def _price(tuning: Tuning) -> str:
    told = f"Each phone costs {_cost(tuning.cost)} an hour."
    if tuning.phones == 1 or tuning.steady_rate is None:
        return told
    told += f" All of them make {tuning.steady_rate:.2g} registrations per second"
    if tuning.storm_rate is not None:
        told += f", and {tuning.storm_rate:.2g} on average when service returns after ten minutes or less"
    return f"{told}; the registrar takes {tuning.registrar_rate:g}." if tuning.registrar_rate else f"{told}."


def _cost(cost: Cost) -> str:
    parts = [
        f"{cost.registrations:.0f} registrations" if cost.registrations else "",
        f"{cost.packets:.0f} keepalive packets" if cost.packets else "",
    ]
    told = " and ".join(part for part in parts if part)
    return f"{told} ({size(round(cost.bytes))})" if told else "nothing"


def _setting(group: Sequence[Setting], room: int) -> Iterator[str]:
    """Settings that each server has with the same value stand together."""
    for setting in group:
        yield f"{setting.name} = {setting.native}{_meant(setting)}"
    first = group[0]
    yield from _wrapped(first.why, room)
    if first.cost.bytes:
        yield from _wrapped(f"costs {_cost(first.cost)} an hour", room)
    if first.caution:
        yield from _wrapped(f"caution: {first.caution}", room)


def _meant(setting: Setting) -> str:
    """What the phone's word means, where it does not say so itself, and what it was."""
    known = _seconds(setting.value) if setting.parameter.unit in SECONDS else _word(setting.value, setting.native)
    before = setting.parameter.default
    was = f"factory {before if before != '' else 'empty'}"
    return f"   ({', '.join(part for part in (known, was) if part)})"


def _seconds(value: Value) -> str:
    return duration(float(value)) if isinstance(value, float | int) else str(value)


def _word(value: Value, native: str) -> str:
    return value if isinstance(value, str) and not isinstance(value, Mapping) and value != native else ""


def _kept(group: Sequence[Kept], room: int) -> Iterator[str]:
    names = ", ".join(dict.fromkeys(each.name for each in group))
    yield from textwrap.wrap(f"{names}: {group[0].why}", room, subsequent_indent=_INDENT)


def _wrapped(text: str, room: int) -> list[str]:
    return textwrap.wrap(text, room, initial_indent=_INDENT, subsequent_indent=_INDENT)
