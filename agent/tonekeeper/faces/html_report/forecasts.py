"""The first five minutes at each kind of phone: with the settings it has, and with tuned ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tonekeeper.faces import wording
from tonekeeper.faces.forecast_svg import draw, legend
from tonekeeper.faces.forecast_text import NEVER, NOT_BY_ITSELF, ROWS, shown_time
from tonekeeper.faces.http.page.markup import escape, quiet, section
from tonekeeper.phones.forecast import Forecast, Span

NOW, TUNED = "today", "tuned"


@dataclass(frozen=True, slots=True)
class PhoneForecast:
    """Of all phones at the site that one profile describes."""

    model: str
    """As its vendor calls it."""
    phones: int
    now: Forecast
    tuned: Forecast | None
    """Of the same incident; None where nothing can be tuned."""


def forecasts_of_phones(forecasts: Sequence[PhoneForecast]) -> str:
    body = "".join(f'<article class="card">{"".join(_phone(one))}</article>' for one in forecasts)
    return section("forecasts", "The first five minutes, by phone", legend() + body if body else "")


def _phone(one: PhoneForecast) -> Iterator[str]:
    count = wording.counted(one.phones, "phone")
    happens = next((moment.text for moment in one.now.timeline), str(one.now.incident.kind))
    yield f"<h3>{escape(one.model)}</h3>{quiet(f'{count}. {happens}')}"
    played = [(NOW, one.now), *([(TUNED, one.tuned)] if one.tuned is not None else [])]
    for title, forecast in played:
        if forecast.lanes is not None:
            yield f"<figure><figcaption>{title}</figcaption>{draw(forecast, f'{one.model}, {title}')}</figure>"
    yield _times(played)
    limits = {title: _limits(forecast) for title, forecast in played}
    if len(set(limits.values())) == 1:
        limits = {"": limits[NOW]}
    for title, said in limits.items():
        yield quiet(": ".join(part for part in (title, said) if part) if said else "")


def _times(played: Sequence[tuple[str, Forecast]]) -> str:
    heads = "".join(f'<th scope="colgroup" colspan="2">{title}</th>' for title, _ in played)
    kinds = '<th scope="col">half of them</th><th scope="col">the unluckiest</th>' * len(played)
    rows = "".join(
        f'<tr><th scope="row">{label}</th>'
        f"{''.join(_span(getattr(forecast, name), NEVER.get(name, NOT_BY_ITSELF)) for _, forecast in played)}</tr>"
        for name, label in ROWS.items()
    )
    return (
        '<table class="times"><caption class="unseen">Seconds until it works again</caption>'
        f'<thead><tr><th rowspan="2" scope="col">after the incident</th>{heads}</tr><tr>{kinds}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _span(span: Span | None, never: str) -> str:
    if span is None:
        return '<td colspan="2">unknown</td>'
    return f"<td>{shown_time(span.median, never)}</td><td>{shown_time(span.worst, never)}</td>"


def _limits(forecast: Forecast) -> str:
    """What the forecast rests on, and what it cannot say."""
    told = {"No failover without": forecast.lacking, "Unknown": forecast.unknown, "Assumed": forecast.assumed}
    return " ".join(f"{what}: {'; '.join(texts)}." for what, texts in told.items() if texts)
