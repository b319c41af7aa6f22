"""A firmware profile as text: what can be set, what the phone does when a server fails, and where that is from."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from tonekeeper.faces.wording import printable
from tonekeeper.phones.behaviour import Backoff, Behaviour, Count, Reaction, Refresh, Timeout, Wait
from tonekeeper.phones.firmware import FirmwareRange
from tonekeeper.phones.match import Match
from tonekeeper.phones.parameter import Parameter
from tonekeeper.phones.profile import Profile
from tonekeeper.phones.record import Confidence

_LABEL = 24


def render_list(profiles: Sequence[Profile]) -> str:
    widest = max((len(profile.id) for profile in profiles), default=0)
    lines = [f"{profile.id:{widest}}  {profile.kind:12} {profile.vendor}: {profile.family}" for profile in profiles]
    return printable_lines(lines)


def render_match(match: Match) -> str:
    what = " ".join(part for part in (match.vendor, match.model) if part)
    firmware = f", firmware {match.firmware}" if match.firmware else ""
    return printable_lines([f"{match.profile}: {what}{firmware} (confidence {match.confidence:.2f})"])


def render_profile(profile: Profile, *, width: int = 100) -> str:
    """Everything of `profile` but its examples and patterns, in lines of `width` at most."""
    room = max(width, 60)
    lines = [f"{profile.vendor}: {profile.family} ({profile.kind})", "", "PARAMETERS"]
    for parameter in profile.parameters:
        lines += _entry(parameter.capability, _parameter(parameter), room)
    lines += ["", "WHEN A SERVER FAILS"]
    for label, text in _behaviour(profile.behaviour):
        lines += _entry(label, text, room)
    lines += ["", "QUIRKS"] if profile.quirks else []
    for quirk in profile.quirks:
        text = f"{quirk.text} [{_basis(quirk.source, quirk.confidence, quirk.firmware)}]"
        lines += _entry("", f"{quirk.code}: {text}", room, column=2)
    lines += ["", "NEW SETTINGS"]
    for label, text in _delivery(profile):
        lines += _entry(label, text, room)
    lines += ["", "SOURCES"]
    for key, text in profile.sources.items():
        lines += _entry(key, text, room, column=12)
    return printable_lines(lines)


def printable_lines(lines: Sequence[str]) -> str:
    return "".join(f"{printable(line)}\n" for line in lines)


def _entry(label: str, text: str, room: int, *, column: int = _LABEL) -> list[str]:
    first = f"{label:{column}} {text}" if label else text
    return textwrap.wrap(first, room, subsequent_indent=" " * (column + 1))


def _parameter(parameter: Parameter) -> str:
    parts = [parameter.name, f"default {_default(parameter)}"]
    if parameter.choices:
        parts.append(", ".join(f"{word} = {native}" for word, native in parameter.choices.items()))
    if parameter.steps:
        parts.append("one of " + ", ".join(f"{step:g}" for step in parameter.steps))
    if parameter.min is not None or parameter.max is not None:
        parts.append(f"{_limit(parameter.min)} to {_limit(parameter.max)}")
    if parameter.template:
        parts.append(f"written {parameter.template}")
    parts += [f"{value or 'empty'} means {meaning}" for value, meaning in parameter.special.items()]
    if parameter.note:
        parts.append(parameter.note.rstrip("."))
    return f"{'; '.join(parts)} [{_basis(parameter.source, parameter.confidence, parameter.firmware)}]"


def _default(parameter: Parameter) -> str:
    if parameter.default == "":
        return "empty"
    if isinstance(parameter.default, str):
        return parameter.default
    return f"{parameter.default} {parameter.unit}"


def _limit(limit: float | None) -> str:
    return "any" if limit is None else f"{limit:.12g}"


def _basis(source: str, confidence: Confidence, firmware: FirmwareRange) -> str:
    parts = [source, "weak" if confidence is Confidence.WEAK else ""]
    if firmware.since or firmware.before:
        parts.append(f"firmware {firmware.since or 'any'} to below {firmware.before or 'any'}")
    return ", ".join(part for part in parts if part)


def _behaviour(behaviour: Behaviour) -> Iterator[tuple[str, str]]:
    yield "registers", behaviour.registers.replace("-", " ")
    yield "refresh", _refresh(behaviour.refresh) if isinstance(behaviour.refresh, Refresh) else "unknown"
    yield "gives a server up", _timeout(behaviour.timeout)
    if behaviour.last_timeout is not None:
        yield "gives the last one up", _timeout(behaviour.last_timeout)
    for field in behaviour.failures.__struct_fields__:
        reaction = getattr(behaviour.failures, field)
        yield field.replace("_", "-"), _reaction(reaction) if isinstance(reaction, Reaction) else "unknown"
    for other in behaviour.backoff_if:
        basis = _basis(other.source, other.confidence, FirmwareRange())
        yield f"if {other.set}", _sentence(_backoff(other.retry), basis)
    failover, failback, calls = behaviour.failover, behaviour.failback, behaviour.calls
    needs = ", ".join(f"{need.capability}{f' = {need.value}' if need.value else ''}" for need in failover.needs)
    possible = {True: "possible", False: "not possible"}
    said = possible[failover.possible] if isinstance(failover.possible, bool) else "unknown"
    yield "failover", _sentence(said, f"needs {needs}" if needs else "", failover.note, failover.source)
    after = f"after {_wait(failback.after)}" if failback.after is not None else ""
    yield "failback", _sentence(failback.when.replace("-", " "), after, failback.note, failback.source)
    given_up = f"given up {_timeout(calls.timeout)}"
    yield "calls", _sentence(calls.go.replace("-", " "), given_up, f"then {calls.then}", calls.note, calls.source)


def _sentence(*parts: str) -> str:
    *said, source = parts
    return f"{'; '.join(part.rstrip('.') for part in said if part)} [{source}]"


def _refresh(refresh: Refresh) -> str:
    if refresh.margin is not None:
        return f"{_wait(refresh.margin)} before the end"
    until = f" to {refresh.to:g}" if refresh.to is not None else ""
    percent = refresh.percent
    return f"at {percent:g}{until} %" if isinstance(percent, float | int) else f"at {percent}"


def _timeout(timeout: object) -> str:
    if not isinstance(timeout, Timeout):
        return "unknown"
    if timeout.after is not None:
        return f"after {_wait(timeout.after)}"
    if timeout.times_t1 is not None:
        return f"after {timeout.times_t1:g} x T1"
    return f"after {timeout.sends} sends" if timeout.sends is not None else f"after {timeout.retries} retries"


def _reaction(reaction: Reaction) -> str:
    retry = _backoff(reaction.retry) if isinstance(reaction.retry, Backoff) else f"retry {reaction.retry}"
    said = [reaction.then.replace("-", " "), retry]
    if reaction.unheard:
        said.insert(0, "noticed only as silence")
    if reaction.retry_after != "unknown":
        said.append(f"Retry-After {reaction.retry_after}")
    return _sentence(*said, reaction.note, _basis(reaction.source, reaction.confidence, FirmwareRange()))


def _backoff(backoff: Backoff) -> str:
    parts = [f"again after {_wait(backoff.first)}"]
    if backoff.shape != "fixed":
        parts.append(backoff.shape)
    if backoff.most is not None:
        parts.append(f"up to {_wait(backoff.most)}")
    if backoff.spread != (1.0, 1.0):
        parts.append(f"times {backoff.spread[0]:g} to {backoff.spread[1]:g}")
    if backoff.plus is not None:
        parts.append(f"plus up to {_wait(backoff.plus)}")
    if backoff.at_once is not None:
        parts.append(f"the first time after {_wait(backoff.at_once)}")
    if backoff.attempts is not None:
        parts.append(f"{_wait(backoff.attempts, '')} times at most")
    return ", ".join(parts)


def _wait(wait: Wait | Count, unit: str = " s") -> str:
    return f"{wait:g}{unit}" if isinstance(wait, float | int) else f"<{wait}>"


def _delivery(profile: Profile) -> Iterator[tuple[str, str]]:
    delivery = profile.delivery
    file = f"file {delivery.file}" if delivery.file else "no file by device"
    missing = f"settings not mentioned: {delivery.missing_keys}"
    yield delivery.format, _sentence(file, missing, delivery.note, delivery.source)
    for reread in delivery.reread:
        how = f"NOTIFY {reread.event}" if reread.event else reread.action
        needs = f"needs {reread.needs}" if reread.needs else ""
        basis = _basis(reread.source, reread.confidence, reread.firmware)
        yield "reads again by", _sentence(how, f"restarts: {reread.restarts}", needs, basis)
