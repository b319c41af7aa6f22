"""The fleet for Prometheus: HTTP service discovery (prometheus.io, `http_sd_config`), one group for each set of labels.

`__metrics_path__` and `__scheme__` come from the address; a token is the scrape job's business (`authorization`), since
service discovery must not carry secrets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from tonekeeper.fleet.inventory import Host

_NOT_IN_A_LABEL = re.compile(r"[^a-zA-Z0-9_]")


def target_groups(hosts: Sequence[Host]) -> list[dict[str, object]]:
    return [_group(host) for host in hosts]


def _group(host: Host) -> dict[str, object]:
    parts = urlsplit(host.url)
    labels = {"site": host.name} | {_label(key): value for key, value in host.labels.items()}
    if parts.scheme != "http":
        labels["__scheme__"] = parts.scheme
    if parts.path:
        labels["__metrics_path__"] = f"{parts.path}/metrics"
    return {"targets": [parts.netloc], "labels": labels}


def _label(key: str) -> str:
    """A label begins with no digit and no two underscores, which are Prometheus's own."""
    label = _NOT_IN_A_LABEL.sub("_", key).lstrip("_")
    return label if label and not label[0].isdigit() else f"label_{label}"
