"""What a router's own kernel knows of one flow that passes it: read, and not measured."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.kernel import Flow, Protocol
from tonekeeper.core.nat.result import BindingKind
from tonekeeper.wire.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class TrackedFlow:
    flow: Flow
    kind: BindingKind
    """What it has seen so far. Linux takes a UDP flow for a stream when it is `assured`."""
    remaining_s: int
    """Until the kernel forgets it, if nothing passes."""
    helper: str = ""
    """That rewrites it, as the kernel calls it (`sip`); empty: none."""

    def __str__(self) -> str:
        flow = self.flow
        protocol = "TCP" if flow.protocol is Protocol.TCP else "UDP"
        there = Endpoint(flow.destination, flow.destination_port)
        return f"{protocol} {Endpoint(flow.source, flow.source_port)} to {there}"
