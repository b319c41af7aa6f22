"""Writes the dashboard: `python packaging/provider/grafana/dashboard.py > packaging/provider/grafana/tonekeeper.json`.

The fleet above, from recorded series, so that it opens as fast with 100,000 sites as with ten; one site below.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
SITE = 'site="$site"'
PATHS = f'{SITE}, wan=~"$wan", sbc=~"$sbc"'
STATES = {"0": ("fine", "green"), "1": ("warning", "yellow"), "2": ("critical", "red"), "3": ("unreachable", "purple")}
"""Of site:tonekeeper_state:worst, in the words of `fleet poll`."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    kind: str
    """Grafana's name of the visualisation."""
    queries: dict[str, str]
    """Legend: PromQL. Of a table, the legend is not shown."""
    unit: str = "short"
    width: int = 8
    height: int = 8
    description: str = ""
    options: Json = field(default_factory=dict)
    custom: Json = field(default_factory=dict)
    transformations: tuple[Json, ...] = ()
    overrides: tuple[Json, ...] = ()
    mappings: tuple[Json, ...] = ()
    most: float | None = None

    def written(self, number: int, x: int, y: int) -> Json:
        defaults = {"unit": self.unit, "custom": self.custom, "mappings": list(self.mappings), "min": 0}
        if self.most is not None:
            defaults["max"] = self.most
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": defaults, "overrides": list(self.overrides)},
            "options": self.options,
            "transformations": list(self.transformations),
            "targets": [self._target(at, *query) for at, query in enumerate(self.queries.items())],
        }

    def _target(self, at: int, legend: str, expression: str) -> Json:
        at_once = self.kind in ("table", "stat", "bargauge")
        return {
            "refId": chr(ord("A") + at),
            "datasource": SOURCE,
            "expr": expression,
            "legendFormat": legend,
            "instant": at_once,
            "range": not at_once,
            "format": "table" if self.kind == "table" else "time_series",
        }


class More(TypedDict, total=False):
    """What a panel may have beside what its kind takes."""

    height: int
    description: str
    overrides: tuple[Json, ...]
    most: float


def lines(title: str, queries: dict[str, str], unit: str = "short", **more: Unpack[More]) -> Panel:
    return Panel(title, "timeseries", queries, unit, custom={"lineWidth": 1, "spanNulls": False}, **more)


def states(title: str, expression: str, legend: str) -> Panel:
    """A line for each state that was taken; where it is interrupted, the state was another one."""
    colours = ({"type": "value", "options": {"1": {"text": " ", "color": "blue"}}},)
    return Panel(title, "state-timeline", {legend: expression}, options={"showValue": "never"}, mappings=colours)


def table(title: str, expression: str, *hidden: str, **more: Unpack[More]) -> Panel:
    hide = {"id": "organize", "options": {"excludeByName": dict.fromkeys(("Time", "__name__", "job", *hidden), True)}}
    return Panel(title, "table", {"": expression}, transformations=(hide,), **more)


def matrix(title: str, expression: str, row: str, column: str) -> Panel:
    turn = {
        "id": "groupingToMatrix",
        "options": {"rowField": row, "columnField": column, "valueField": "Value"},
    }
    return Panel(title, "table", {"": expression}, transformations=(turn,))


def link(of: str, title: str, url: str) -> Json:
    return {
        "matcher": {"id": "byName", "options": of},
        "properties": [{"id": "links", "value": [{"title": title, "url": url}]}],
    }


def coloured(of: str) -> Json:
    words = {value: {"text": text, "color": colour} for value, (text, colour) in STATES.items()}
    return {
        "matcher": {"id": "byName", "options": of},
        "properties": [
            {"id": "mappings", "value": [{"type": "value", "options": words}]},
            {"id": "custom.cellOptions", "value": {"type": "color-background"}},
        ],
    }


def _painted(text: str, colour: str) -> Json:
    return {
        "matcher": {"id": "byName", "options": text},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
    }


SITES = {
    text: f'sum(state:tonekeeper_sites:count{{state="{value}"}}) or vector(0)' for value, (text, _) in STATES.items()
}
PAINTED = tuple(_painted(text, colour) for text, colour in STATES.values())

FLEET = (
    Panel("Sites", "stat", SITES, width=8, height=5, overrides=PAINTED),
    Panel(
        "Sites at which calls can be made",
        "stat",
        {"now": "fleet:tonekeeper_path_up:avg", "in a day": "fleet:tonekeeper_path_up:avg1d"},
        "percentunit",
        height=5,
        description="Any SBC is reached over any WAN.",
    ),
    Panel("Moves to another path in 10 min", "stat", {"": "fleet:tonekeeper_switches:increase10m"}, height=5),
    lines("Sites over time", SITES, overrides=PAINTED),
    table(
        "Worst sites",
        "sort_desc(topk(50, site:tonekeeper_state:worst > 0))",
        overrides=(link("site", "Show below", "/d/tonekeeper?var-site=${__value.text}"), coloured("Value")),
    ),
    table(
        "Findings",
        "sort_desc(code:tonekeeper_finding:count)",
        overrides=(link("code", "Playbook", "${playbook}#${__value.text}"),),
        description="How many sites have each; of a site the five worst are counted.",
    ),
    matrix("SBCs: sites by the state they see", 'sbc_state:tonekeeper_sbc_state:sum{sbc=~"$sbc"}', "sbc", "state"),
    lines("SBCs: sites that have it down", {"{{sbc}}": 'sbc:tonekeeper_sbc_down:ratio{sbc=~"$sbc"}'}, "percentunit"),
    lines("SBCs: sites whose calls go there", {"{{sbc}}": 'sbc:tonekeeper_active:sum{sbc=~"$sbc"}'}),
    matrix("WANs: sites by the state of it", 'wan_state:tonekeeper_wan_state:sum{wan=~"$wan"}', "wan", "state"),
    lines("WANs: usable", {"{{wan}}": 'wan:tonekeeper_wan_up:avg{wan=~"$wan"}'}, "percentunit", most=1),
    lines(
        "Paths alive",
        {"{{sbc}} over {{wan}}": 'wan_sbc:tonekeeper_path_up:avg{wan=~"$wan", sbc=~"$sbc"}'},
        "percentunit",
        most=1,
    ),
    lines(
        "Round trip: median and the slowest hundredth",
        {
            "{{sbc}} over {{wan}}, median": 'wan_sbc:tonekeeper_path_rtt_seconds:p50{wan=~"$wan", sbc=~"$sbc"}',
            "{{sbc}} over {{wan}}, p99": 'wan_sbc:tonekeeper_path_rtt_seconds:p99{wan=~"$wan", sbc=~"$sbc"}',
        },
        "s",
    ),
    lines(
        "Loss",
        {"{{sbc}} over {{wan}}": 'wan_sbc:tonekeeper_path_loss_ratio:avg{wan=~"$wan", sbc=~"$sbc"}'},
        "percentunit",
    ),
    lines(
        "Functions that work",
        {"{{function}} of {{sbc}}": 'sbc_function:tonekeeper_function_up:avg{sbc=~"$sbc"}'},
        "percentunit",
        most=1,
    ),
    lines(
        "Registrations that succeed",
        {"{{sbc}}": 'sbc:tonekeeper_registration_successes:ratio_rate1h{sbc=~"$sbc"}'},
        "percentunit",
        most=1,
    ),
    lines(
        "Set-up of calls: slowest twentieth",
        {"{{sbc}}": 'sbc:tonekeeper_call_setup_seconds:p95_rate1h{sbc=~"$sbc"}'},
        "s",
    ),
    lines("MOS: worst twentieth of the sites", {"{{sbc}}": 'sbc:tonekeeper_call_mos:p05{sbc=~"$sbc"}'}, most=4.5),
)

ONE_SITE = (
    table("Agent", f"tonekeeper_agent_info{{{SITE}}}", "Value", "site", height=5),
    table("Calls go over", f"tonekeeper_active{{{SITE}}}", "Value", "site", "instance", height=5),
    table(
        "Findings of this site",
        f"tonekeeper_finding_info{{{SITE}}}",
        "Value",
        "site",
        "instance",
        height=5,
        overrides=(link("code", "Playbook", "${playbook}#${__value.text}"),),
    ),
    states("Calls went over", f"tonekeeper_active{{{SITE}}} == 1", "{{sbc}} over {{wan}}"),
    states("WANs were", f'tonekeeper_wan_state{{{SITE}, wan=~"$wan"}} == 1', "{{wan}} {{state}}"),
    states("SBCs were", f'tonekeeper_sbc_state{{{SITE}, sbc=~"$sbc"}} == 1', "{{sbc}} {{state}}"),
    lines(
        "Round trip of a path", {"{{sbc}} over {{wan}}, {{transport}}": f"tonekeeper_path_rtt_seconds{{{PATHS}}}"}, "s"
    ),
    lines(
        "Loss on a path",
        {"{{sbc}} over {{wan}}, {{transport}}": f"tonekeeper_path_loss_ratio{{{PATHS}}}"},
        "percentunit",
    ),
    lines("Path alive", {"{{sbc}} over {{wan}}, {{transport}}": f"tonekeeper_path_up{{{PATHS}}}"}, most=1),
    lines(
        "Switches and the wait for the way back",
        {
            "switches": f"increase(tonekeeper_switches_total{{{SITE}}}[10m])",
            "wait (s)": f"tonekeeper_failback_wait_seconds{{{SITE}}}",
        },
    ),
    lines(
        "NAT: keepalives that hold a binding, and those that phones send",
        {
            "holds on {{wan}}": f'tonekeeper_nat_keepalive_seconds{{{SITE}, wan=~"$wan"}}',
            "{{kind}} on {{wan}}, {{bound}}": f'tonekeeper_nat_binding_seconds{{{SITE}, wan=~"$wan"}}',
            "sent by {{profile}}": f"tonekeeper_phones_keepalive_seconds{{{SITE}}}",
        },
        "s",
    ),
    lines("MOS of the latest call", {"{{sbc}}": f'tonekeeper_call_mos{{{SITE}, sbc=~"$sbc"}}'}, most=4.5),
    lines(
        "Voice lost in the latest call",
        {"{{sbc}}": f'tonekeeper_call_loss_ratio{{{SITE}, sbc=~"$sbc"}}'},
        "percentunit",
    ),
    lines(
        "Phones",
        {
            "{{profile}} registered": f"tonekeeper_phones_registered{{{SITE}}}",
            "{{profile}} refused": f"tonekeeper_phones_refused{{{SITE}}}",
        },
    ),
    lines(
        "What probing has cost of a metered WAN's allowance",
        {
            "{{wan}}": f'tonekeeper_probing_bytes_total{{{SITE}, wan=~"$wan"}}'
            f' / tonekeeper_probing_budget_bytes{{{SITE}, wan=~"$wan"}}',
        },
        "percentunit",
    ),
)

VARIABLES = (
    {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
    {
        "name": "site",
        "type": "query",
        "datasource": SOURCE,
        # The worst thousand; any other by var-site= in the address.
        "query": {"query": "query_result(topk(1000, site:tonekeeper_state:worst))", "refId": "site"},
        "regex": '/site="([^"]+)"/',
        "refresh": 2,
    },
    *(
        {
            "name": name,
            "type": "query",
            "datasource": SOURCE,
            "query": {"query": f"label_values({metric}, {name})", "refId": name},
            "refresh": 2,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        }
        for name, metric in (
            ("wan", "wan_state:tonekeeper_wan_state:sum"),
            ("sbc", "sbc_state:tonekeeper_sbc_state:sum"),
        )
    ),
    {
        "name": "playbook",
        "type": "constant",
        "query": "https://noc.example.net/tonekeeper/docs/playbook.md",
        "hide": 2,
    },
)


def dashboard() -> Json:
    panels: list[Json] = []
    y = 0
    for title, members in (("Fleet", FLEET), ("Site $site", ONE_SITE)):
        row = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "gridPos": row})
        panels[-1]["panels"] = []
        x, y, height = 0, y + 1, 0
        for panel in members:
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            panels.append(panel.written(len(panels) + 1, x, y))
            x, height = x + panel.width, max(height, panel.height)
        y += height
    return {
        "uid": "tonekeeper",
        "title": "Tonekeeper",
        "tags": ["tonekeeper", "voip"],
        "schemaVersion": 37,
        "timezone": "browser",
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": list(VARIABLES)},
        "panels": panels,
    }


if __name__ == "__main__":
    json.dump(dashboard(), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
