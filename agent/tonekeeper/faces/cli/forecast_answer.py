"""The answer of `forecast`."""

from __future__ import annotations

from tonekeeper.faces.cli.forecast import ForecastIncident
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.forecast_text import render_forecasts
from tonekeeper.phones.forecast import Forecast

NOW, TUNED = "as it is", "tuned"


def titled(now: Forecast, tuned: Forecast, aim: str) -> list[tuple[str, Forecast]]:
    """What is shown, each under its title."""
    return [(NOW, now), (f"{TUNED} for {aim}", tuned)]


def show_forecast(command: ForecastIncident, now: Forecast, tuned: Forecast, terminal: Terminal) -> Exit:
    """In the document, a time that is null is one that never comes by itself; a span that is null is unknown."""
    if command.json:
        terminal.show_json({"now": now, "tuned": tuned})
    else:
        terminal.show(render_forecasts(titled(now, tuned, command.aim)))
    return Exit.FINE
