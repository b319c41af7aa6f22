"""Metric families and how they are written: text exposition 0.0.4, or OpenMetrics 1.0.0 for who asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from tonekeeper.core.report import LatencyReport

BUCKETS = (0.25, 1.0, 5.0)
"""Seconds: a good server far away, a bad one, and what people hang up at. The report has more; each is a series."""

_UNITS = ("seconds", "bytes")
_LABEL_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class Dialect(StrEnum):
    """The two formats, by their media type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Kind(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"
    HISTOGRAM = "histogram"


_SUFFIXES = {Kind.GAUGE: "", Kind.COUNTER: "_total", Kind.INFO: "_info", Kind.HISTOGRAM: ""}


class Sample(NamedTuple):
    suffix: str
    """Of its name, after that of the family."""
    labels: str
    """As `labels_of` writes them."""
    value: float


@dataclass(slots=True)
class Family:
    """A metric with its samples. `name` is without the suffix that the kind adds to its samples."""

    name: str
    kind: Kind
    help: str
    samples: list[Sample] = field(default_factory=list)

    def add(self, value: float | None, labels: str = "") -> None:
        """A sample; none for what is not known."""
        if value is not None:
            self.samples.append(Sample(_SUFFIXES[self.kind], labels, value))

    def add_state(self, state: StrEnum, labels: str) -> None:
        """One sample for each word that `state` might be: 1 for the one it is."""
        for one in type(state):
            self.add(int(one is state), f'{labels},state="{one.value}"')

    def add_latency(self, latency: LatencyReport, labels: str) -> None:
        """Buckets, count and sum."""
        for bound, count in latency.buckets:
            if bound is None or bound in BUCKETS:
                le = "+Inf" if bound is None else repr(bound)
                self.samples.append(Sample("_bucket", f'{labels},le="{le}"', count))
        self.samples.append(Sample("_count", labels, latency.count))
        self.samples.append(Sample("_sum", labels, latency.sum_s))

    def write(self, dialect: Dialect) -> list[str]:
        """Its lines; none where it has no sample."""
        if not self.samples:
            return []
        name, kind = self.name, self.kind.value
        if dialect is Dialect.TEXT:
            name += _SUFFIXES[self.kind]
            kind = "gauge" if self.kind is Kind.INFO else kind
        lines = [f"# HELP {name} {self.help}", f"# TYPE {name} {kind}"]
        unit = name.rpartition("_")[2]
        if dialect is Dialect.OPENMETRICS and unit in _UNITS:
            lines.append(f"# UNIT {name} {unit}")
        for suffix, labels, value in self.samples:
            of = f"{{{labels}}}" if labels else ""
            lines.append(f"{self.name}{suffix}{of} {value!r}")
        return lines


def labels_of(**labels: str) -> str:
    return ",".join(f'{name}="{text.translate(_LABEL_ESCAPES)}"' for name, text in labels.items())
