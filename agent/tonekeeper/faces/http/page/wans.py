"""The WANs: line, damping, and the NAT behind each."""

from __future__ import annotations

from tonekeeper.core.nat.result import NOT_CHECKED
from tonekeeper.core.report import NatReport, Report, WanReport
from tonekeeper.faces import wording
from tonekeeper.faces.http.page.markup import escape, facts, section, state
from tonekeeper.faces.wording import Tone

BINDINGS = {"unreplied": "unanswered", "replied": "answered once", "stream": "with traffic", "tcp": "TCP"}
_ALG = {"yes": Tone.BAD, "no": Tone.GOOD}


def wans(report: Report) -> str:
    nats = {nat.wan: nat for nat in report.nat}
    cards = "".join(_wan(wan, nats.get(wan.name)) for wan in report.wans)
    return section("wans", "WANs", f'<div class="cards">{cards}</div>' if cards else "")


def _wan(wan: WanReport, nat: NatReport | None) -> str:
    line = ", ".join([f"on {wan.interface}", f"carrier {wan.carrier}", *wan.addresses, *wording.wan_notes(wan)])
    told = {
        "Line": escape(line),
        "Since": wording.duration(wan.since_s),
        "Flapping": escape(wording.damping(wan)) or "penalty 0",
    }
    return (
        f'<article class="card" data-key="{escape(wan.name)}"><h3>{escape(wan.name)} {state(wan.state)}</h3>'
        f"{facts(told | (_nat(nat) if nat is not None else {}))}</article>"
    )


def _nat(nat: NatReport) -> dict[str, str]:
    bindings = [
        f"<li>{BINDINGS.get(kind) or escape(kind)} <strong>{wording.interval(bounds)}</strong></li>"
        for kind, bounds in nat.lifetime_s.items()
        if bounds is not None
    ]
    alg = state(nat.sip_alg, _ALG.get(nat.sip_alg)) if nat.sip_alg != NOT_CHECKED else ""
    return {
        "NAT": _behaviour(nat),
        "Seen as": escape(nat.mapped_address),
        "Idle bindings live": f'<ul class="row">{"".join(bindings)}</ul>' if bindings else "",
        "Keepalives": f"at most {nat.keepalive_s:g} s apart" if nat.keepalive_s is not None else "",
        "SIP ALG": alg,
        "Not checked": escape(wording.nat_unchecked(nat)),
        "NAT measured": f"{wording.duration(nat.age_s)} ago",
    }


def _behaviour(nat: NatReport) -> str:
    known = {"mapping": nat.mapping, "filtering": nat.filtering}
    return ", ".join(f"{part} {escape(value)}" for part, value in known.items() if value != NOT_CHECKED)
