"""What stands around the paths: the firewall, the phones, what else was checked, and what changed lately."""

from __future__ import annotations

from tonekeeper.core.report import ChangeReport, CheckReport, EgressReport, FirewallReport, PhoneReport, Report
from tonekeeper.faces import wording
from tonekeeper.faces.http.page.markup import escape, fold, quiet, section, state, table

MOST_PHONES = 24
MOST_FLOWS = 12
"""Shown of each kind; the JSON has them all."""
MOST_CHANGES = 8
"""That stand open."""

_FLOW_TITLES = ("What", "To", "Verdict", "Because")
_OPEN = "accept"


def firewall(report: Report) -> str:
    """Problems first; what is let through and what was not checked is folded away."""
    stopped, unknown, through = [], [], []
    for flow in report.firewall:
        if flow.verdict == "not checked":
            unknown.append(flow)
        elif flow.verdict == _OPEN and not flow.arrives_at:
            through.append(flow)
        else:
            stopped.append(flow)
    body = _flows("Flows that do not get where they should", stopped)
    if unknown:
        told = f"{wording.counted(len(unknown), 'flow')} not checked"
        body += fold("unknown flows", told, _flows("Flows that were not checked", unknown))
    if through:
        told = f"{wording.counted(len(through), 'flow')} let through"
        body += fold("open flows", told, _flows("Flows that are let through", through))
    return section("firewall", "Firewall", f'<div class="card">{body}</div>' if body else "")


def _flows(caption: str, flows: list[FirewallReport]) -> str:
    if not flows:
        return ""
    return table(caption, _FLOW_TITLES, map(_flow, flows[:MOST_FLOWS])) + _rest(len(flows) - MOST_FLOWS)


def _flow(flow: FirewallReport) -> tuple[str, ...]:
    origin = {"lan": "phones", "self": "this host"}.get(flow.origin, flow.origin)
    way = f"{flow.transport.upper()}, {'answers to' if flow.direction == 'return' else 'from'} {origin}"
    return (
        escape(way),
        escape(f"{flow.sbc or 'DNS'} over {flow.wan}") + quiet(flow.address),
        state("redirected" if flow.arrives_at and flow.verdict == _OPEN else flow.verdict),
        _because(flow),
    )


def _because(flow: FirewallReport) -> str:
    if flow.arrives_at:
        return f"it ends up at {escape(flow.arrives_at)}"
    if flow.rule is None or flow.reason:
        return escape(flow.reason)
    rule = flow.rule
    return f"{escape(f'{rule.table} {rule.chain}')}: <code>{escape(rule.text)}</code>" if flow.verdict != _OPEN else ""


def egress(report: Report) -> str:
    """What became of real packets, likewise."""
    stopped = [one for one in report.egress if one.cause not in ("fine", "not checked")]
    unknown = [one for one in report.egress if one.cause == "not checked"]
    through = [one for one in report.egress if one.cause == "fine"]
    body = _ways("Packets that do not arrive", stopped)
    if unknown:
        told = f"{wording.counted(len(unknown), 'address', 'addresses')} not checked"
        body += fold("unknown ways", told, _ways("Addresses that were not checked", unknown))
    if through:
        told = f"{wording.counted(len(through), 'address', 'addresses')} reached"
        body += fold("open ways", told, _ways("Addresses that are reached", through))
    return section("egress", "Way out", f'<div class="card">{body}</div>' if body else "")


def _ways(caption: str, ways: list[EgressReport]) -> str:
    if not ways:
        return ""
    titles = ("To", "Cause", "Answer", "Seen")
    return table(caption, titles, map(_way, ways[:MOST_FLOWS])) + _rest(len(ways) - MOST_FLOWS)


def _way(one: EgressReport) -> tuple[str, ...]:
    tone = {"fine": wording.Tone.GOOD, "not checked": wording.Tone.UNKNOWN}.get(one.cause, wording.Tone.BAD)
    by = f"from {one.hop}" if one.hop else f"last heard of {one.last_hop}" if one.last_hop else ""
    longest = f"packets of up to {one.largest} bytes" if one.largest is not None else ""
    return (
        escape(f"{one.sbc} over {one.wan}") + quiet(f"{one.transport} {one.address}"),
        state(one.cause, tone),
        escape(one.outcome) + quiet(by) + quiet(longest),
        escape(one.detail),
    )


def phones(report: Report) -> str:
    """Those that are refused first."""
    if not report.phones:
        return section("phones", "Phones", "")
    shown = sorted(report.phones, key=lambda phone: not _is_refused(phone))[:MOST_PHONES]
    titles = ("Phone", "Firmware", "Registration", "Keepalive", "Last seen")
    body = table("Phones on the LAN", titles, map(_phone, shown)) + _rest(len(report.phones) - len(shown))
    count = f"<small>{len(report.phones)} found</small>"
    return section("phones", "Phones", f'<div class="card">{body}</div>', count)


def _phone(phone: PhoneReport) -> tuple[str, ...]:
    name = " ".join(part for part in (phone.vendor, phone.model) if part)
    return (
        f'<p class="name">{escape(name or phone.user_agent or "not identified")}</p>'
        f"{quiet(', '.join(part for part in (phone.address, phone.mac) if part))}",
        escape(phone.firmware or phone.user_agent or "not known")
        + quiet(f"profile {phone.profile}" if phone.profile else "no profile"),
        _registration(phone),
        f"every {wording.duration(phone.keepalive_s)}" if phone.keepalive_s is not None else "not seen",
        f"{wording.duration(phone.last_seen_s)} ago",
    )


def _registration(phone: PhoneReport) -> str:
    if phone.status is None:
        answered = "not seen"
    elif _is_refused(phone):
        answered = state(f"refused: {phone.status}", wording.Tone.BAD)
    else:
        answered = state("registered", wording.Tone.GOOD)
    known = (
        f"over {phone.transport}" if phone.transport else "",
        f"good for {phone.granted_s} s" if phone.granted_s is not None else "",
        f"asks for {phone.expiry_s} s" if phone.expiry_s is not None else "",
        f"again after {wording.duration(phone.retry_s)}" if phone.retry_s is not None else "",
    )
    return answered + quiet(", ".join(part for part in known if part))


def _is_refused(phone: PhoneReport) -> bool:
    return phone.status is not None and phone.status >= 300


def checks(report: Report) -> str:
    """Also of what nobody could look at, with the reason."""
    rows = [_check(check) for check in report.checks]
    titles = ("Check", "Outcome", "Seen, or why not", "When")
    body = f'<div class="card">{table("What was checked beside the paths", titles, rows)}</div>' if rows else ""
    return section("checks", "Checks", body)


def _check(check: CheckReport) -> tuple[str, ...]:
    return (escape(check.check), state(check.outcome), escape(check.detail), f"{wording.duration(check.age_s)} ago")


def changes(report: Report) -> str:
    latest = tuple(reversed(report.changes))
    body = _changes("The latest changes", latest[:MOST_CHANGES]) or "<p>None since the agent started.</p>"
    if earlier := latest[MOST_CHANGES:]:
        body += fold("earlier", f"{len(earlier)} earlier", _changes("Changes before those", earlier))
    return section("changes", "Latest changes", f'<div class="card">{body}</div>')


def _changes(caption: str, told: tuple[ChangeReport, ...]) -> str:
    return table(caption, ("When", "What", "Change", "Why"), map(_change, told)) if told else ""


def _change(change: ChangeReport) -> tuple[str, ...]:
    turned = f"{escape(change.before)} &rarr; {escape(change.after)}"
    return (f"{wording.duration(change.ago_s)} ago", escape(change.subject), turned, escape(change.reason))


def _rest(count: int) -> str:
    return f"<small>and {count} more: see the JSON</small>" if count > 0 else ""
