"""A fleet as text: how many sites are how, one line for each cause that sites share, then the worst sites."""

from __future__ import annotations

from collections.abc import Sequence

from tonekeeper.faces.wording import Tone, printable
from tonekeeper.fleet.summary import Cause, Polled, SiteState, Summary, worst_first, worst_of

MOST_CAUSES, MOST_SITES, MOST_NAMES = 15, 20, 3
_COLOURS = {Tone.GOOD: "32", Tone.WARNING: "33", Tone.BAD: "31", Tone.UNKNOWN: "36"}
_TONES = {
    SiteState.UNREACHABLE: Tone.UNKNOWN,
    SiteState.CRITICAL: Tone.BAD,
    SiteState.WARNING: Tone.WARNING,
    SiteState.FINE: Tone.GOOD,
}


def render_fleet(polled: Sequence[Polled], summary: Summary, *, colour: bool = False, width: int = 80) -> str:
    """In lines of at most `width` columns; ends with a newline."""

    def painted(text: str, state: SiteState) -> str:
        return f"\x1b[{_COLOURS[_TONES[state]]}m{text}\x1b[0m" if colour else text

    told = [f"{summary.states[state]} {painted(state, state)}" for state in SiteState]
    lines = [f"{len(polled)} sites: {', '.join(told)}"]
    if summary.causes:
        lines += ["", "SITES  STATE        WHAT THEY SHARE"]
    for cause in summary.causes[:MOST_CAUSES]:
        lines += [_cut(line, width) for line in _cause(cause)]
    if len(summary.causes) > MOST_CAUSES:
        lines.append(f"... and {len(summary.causes) - MOST_CAUSES} more causes (--json has them all)")
    ill = [one for one in worst_first(polled) if one.state is not SiteState.FINE]
    if ill:
        lines += ["", "WORST SITES"]
    for one in ill[:MOST_SITES]:
        worst = worst_of(one.report) if one.report is not None else None
        lines.append(_cut(f"{one.host.name}  {one.state}: {worst.summary if worst is not None else one.error}", width))
    if len(ill) > MOST_SITES:
        lines.append(f"... and {len(ill) - MOST_SITES} more (--csv has them all)")
    return "\n".join(lines) + "\n"


def _cause(cause: Cause) -> list[str]:
    about = f" {cause.about}" if cause.about else ""
    names = ", ".join(cause.sites[:MOST_NAMES]) + (", ..." if len(cause.sites) > MOST_NAMES else "")
    lines = [f"{len(cause.sites):>5}  {cause.state:<11}  {cause.code}{about}", f"{'':20}{names}"]
    return [*lines, f"{'':20}in common: {', '.join(cause.also)}"] if cause.also else lines


def _cut(line: str, width: int) -> str:
    line = printable(line)
    return line if len(line) <= width else f"{line[: width - 3]}..."
