"""docs/playbook.md: a section for each finding, from its entry in the catalogue and the advice about it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping

from tonekeeper.core.findings import CATALOGUE, CHAPTERS, Entry
from tonekeeper.faces.playbook.advice import Advice
from tonekeeper.faces.playbook.firewall import FIREWALL
from tonekeeper.faces.playbook.host import HOST
from tonekeeper.faces.playbook.lan import LAN
from tonekeeper.faces.playbook.names import NAMES
from tonekeeper.faces.playbook.nat import NAT
from tonekeeper.faces.playbook.paths import PATHS
from tonekeeper.faces.playbook.phones import PHONES
from tonekeeper.faces.playbook.sbcs import SBCS
from tonekeeper.faces.playbook.steering import STEERING
from tonekeeper.faces.playbook.wans import WANS

ADVICE: tuple[Mapping[str, Advice], ...] = (WANS, SBCS, PATHS, NAMES, STEERING, NAT, FIREWALL, LAN, PHONES, HOST)

_WIDTH = 120
_BLANK = re.compile(r"\{(\w+)\}")
_CODE = re.compile(r"`[^`]*`")
_NO_BREAK = "\N{NO-BREAK SPACE}"

_HEAD = """\
# Playbook

For the technician at the site, or on the telephone: what each finding means, how sure it is, what to try in which
order, and what to leave alone. Written by `make playbook` from the catalogue of findings and the advice beside it.

Begin with the first line of `tonekeeper diagnose`, or of `tonekeeper status`, then take the findings from the top: the
worst comes first, causes before what may follow from them. What another finding explains is not shown by itself. Words
in *italics* are filled in by the agent. `eth0`, `198.51.100.20`, `sbc1.example.net`, `yealink-desk` and
`/etc/tonekeeper/site.toml` stand for yours.

`certain`, `strong` and `likely` are what the evidence of a finding says under `confidence`: how sure it is whose fault
it is. What was seen was measured.
"""


def render_playbook(advice: Mapping[str, Advice]) -> str:
    """`advice` by code, for every code of the catalogue."""
    parts = [_HEAD, *_contents()]
    for chapter, entries in CHAPTERS.items():
        parts += [f"## {chapter}\n", *(_section(entry, advice[entry.code]) for entry in entries)]
    return "\n".join(parts)


def all_advice() -> dict[str, Advice]:
    return {code: each for chapter in ADVICE for code, each in chapter.items()}


def _contents() -> Iterator[str]:
    for chapter, entries in CHAPTERS.items():
        yield _wrapped(f"**{chapter}**: {_links([entry.code for entry in entries])}") + "\n"


def _section(entry: Entry, advice: Advice) -> str:
    steps = [_wrapped(step, f"{number}. ", "   ") for number, step in enumerate(advice.try_first, start=1)]
    return "\n".join(
        [
            f"### {entry.code}\n",
            _wrapped(_bearing(entry)) + "\n",
            _quoted(_filled(entry.summary)) + "\n",
            _wrapped(f"**Means.** {advice.means}") + "\n",
            _wrapped(f"**How sure.** {advice.sureness}") + "\n",
            "**Try, in this order.**\n",
            *steps,
            "",
            _wrapped(f"**Leave alone.** {advice.leave_alone}") + "\n",
            _wrapped(f"**What the agent says to it.** {_filled(entry.remedy)}") + "\n",
        ]
    )


def _bearing(entry: Entry) -> str:
    """Severity, and the findings that it hides behind or that hide behind it."""
    explained = [other.code for other in CATALOGUE.values() if entry.code in other.depends_on]
    parts = [
        f"**{entry.severity}**",
        f"shown after {entry.visible_after:g} s" if entry.visible_after else "",
        f"explained by {_links(entry.depends_on)}" if entry.depends_on else "",
        f"explains {_links(explained)}" if explained else "",
    ]
    return "; ".join(part for part in parts if part) + "."


def _links(codes: tuple[str, ...] | list[str]) -> str:
    return ", ".join(map(_link, codes))


def _link(code: str) -> str:
    return f"[{code}](#{code})"


def _filled(template: str) -> str:
    return _BLANK.sub(lambda blank: f"*{blank[1].replace('_', ' ')}*", template)


def _quoted(text: str) -> str:
    return _wrapped(text, "> ", "> ")


def _wrapped(text: str, first: str = "", others: str = "") -> str:
    """Lines of a readable length, in which a command stays whole."""
    unbroken = _CODE.sub(lambda code: code[0].replace(" ", _NO_BREAK), text)
    return textwrap.fill(
        unbroken,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    ).replace(_NO_BREAK, " ")
