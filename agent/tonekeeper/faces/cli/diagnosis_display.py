"""What a diagnosis shows while it runs: which check waits, which runs and until when at most, and what came out.

rich draws it, on standard error; it is imported here only, by the one command that needs it.
"""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tonekeeper.core.examination import CheckProgress, Examination, Stage
from tonekeeper.faces.wording import duration, printable

REFRESH = 4
"""Times a second at most."""
_STYLES = {"ok": "green", "problem": "red", "not checked": "cyan"}


class DiagnosisDisplay:
    """A context; `show` what is known now as often as it changes."""

    def __init__(self, hint: str = "") -> None:
        """`hint`: which key does what."""
        self._hint = hint
        self._live = Live(console=Console(file=sys.stderr, highlight=False), refresh_per_second=REFRESH, transient=True)

    def __enter__(self) -> DiagnosisDisplay:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, examination: Examination) -> None:
        self._live.update(drawn(examination, self._hint))


def drawn(examination: Examination, hint: str = "") -> Table:
    table = Table(box=None, pad_edge=False, expand=False, show_header=False, caption=hint, caption_justify="left")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="ellipsis", no_wrap=True)
    left = f", {duration(examination.left_s)} left at most" if examination.left_s else ""
    table.add_row(Text("diagnosis", style="bold"), Text(duration(examination.elapsed_s)), Text(left.removeprefix(", ")))
    for one in examination.checks:
        table.add_row(Text(one.check), _stage(one), Text(printable(one.detail)))
    return table


def _stage(one: CheckProgress) -> Text:
    match one.stage:
        case Stage.DONE:
            return Text(one.outcome, style=_STYLES.get(one.outcome, ""))
        case Stage.RUNNING:
            return Text(f"runs, {duration(one.left_s or 0.0)} at most", style="bold")
        case Stage.WAITING:
            return Text("waits", style="dim")
