"""What the deep probes of one place have found so far. depth/watch.py says when they are made."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.depth.result import DepthResult
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.site import Depth


@dataclass(slots=True)
class DeepProbe:
    wan: str
    sbc: str
    depth: Depth
    next_at: float
    asked_at: float = NEVER
    """When the one that is under way began; NEVER if none is."""
    failures: int = 0
    """In a row."""
    result: DepthResult | None = None
    """The latest."""
    at: float = LONG_AGO
    """When that came."""
    passed_at: float = LONG_AGO
