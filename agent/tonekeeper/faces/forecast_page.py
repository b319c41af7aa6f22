"""Forecasts as one self-contained HTML page. Everything inserted is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tonekeeper.faces.forecast_svg import draw, legend
from tonekeeper.faces.forecast_text import NEVER, NOT_BY_ITSELF, ROWS, shown_time
from tonekeeper.faces.http.page.markup import escape
from tonekeeper.phones.forecast import Forecast, Span
from tonekeeper.phones.timeline import shown_seconds

_STYLE = (
    "body{font-family:sans-serif;max-width:52em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{text-align:left;padding:.2em 1em .2em 0;vertical-align:top}"
    "td:first-child{white-space:nowrap}svg{max-width:100%}"
)


def render_forecast_page(model: str, forecasts: Sequence[tuple[str, Forecast]]) -> str:
    """The whole document. `model`: the phone, as its vendor calls it."""
    incident = escape(str(forecasts[0][1].incident.kind)) if forecasts else ""
    sections = "".join("".join(_section(title, each)) for title, each in forecasts)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Forecast: {escape(model)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(model)}</h1><p>Incident: {incident}</p>"
        f"{sections}{legend()}</body></html>\n"
    )


def _section(title: str, forecast: Forecast) -> Iterator[str]:
    yield f"<h2>{escape(title)}</h2>"
    if forecast.lanes is not None:
        yield draw(forecast, f"{title}: the first five minutes")
    yield "<table><tr><th></th><th>luckiest</th><th>half of them</th><th>unluckiest</th></tr>"
    for name, label in ROWS.items():
        yield f"<tr><th>{label}</th>{_cells(getattr(forecast, name), NEVER.get(name, NOT_BY_ITSELF))}</tr>"
    yield "</table><table>"
    for moment in forecast.timeline:
        yield f"<tr><td>{shown_seconds(moment.at_s)}</td><td>{escape(moment.text)}</td></tr>"
    yield "</table>"
    told = {
        "No failover without": forecast.lacking,
        "Unknown": forecast.unknown,
        "Assumed": forecast.assumed,
        "Leans on weak facts": forecast.weak,
    }
    for heading, texts in told.items():
        if texts:
            yield f"<p>{heading}: {escape('; '.join(texts))}.</p>"


def _cells(span: Span | None, never: str) -> str:
    if span is None:
        return "<td>unknown</td><td></td><td></td>"
    return "".join(f"<td>{shown_time(each, never)}</td>" for each in (span.least, span.median, span.worst))
