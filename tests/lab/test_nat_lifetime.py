"""The lifetimes that `tonekeeper nat` reports, against those the CPE's kernel was set to.

Three measurements run at the same time from the phone, each with a server of its own: coturn on a clean line, coturn
and our reflector on a line that loses 5 % of the packets in either direction. The kernel's values are drawn at random;
TONEKEEPER_NAT_SEED repeats a draw. What is promised of time and resolution is measured in tests/bench; here both have
room for a busy machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random

import pytest

from tests.lab.measuring import KINDS, MASQUERADE, Measured, Measuring, Truth, cpe_forgets_after, fibre_loses
from tests.lab.stun import FIRST, SECOND, coturn, reflector
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab

CLEAN, LOSSY, OWN = "coturn", "coturn, 5 % loss", "reflector, 5 % loss"
MOST = {"sockets": 150, "packets_sent": 2_500, "bytes_sent": 300_000}
PORTS = {CLEAN: 3478, LOSSY: 3488, OWN: 3498}


def test_the_true_lifetimes_lie_inside_the_intervals_of_one_measurement(lab):
    """One test, so that all of it is measured once, whoever runs it and on however many workers."""
    seed = int(os.environ.get("TONEKEEPER_NAT_SEED") or os.urandom(4).hex(), 16)
    random = Random(seed)
    truth = Truth(udp=random.randint(10, 40), stream=random.randint(10, 40))
    print(f"TONEKEEPER_NAT_SEED={seed:x}: {truth}")
    measured = _measure(lab, truth)
    for name, one in measured.items():
        print(f"{name}: {one.elapsed:.1f} s, {one.lifetimes}, {one.reasons}")

    wrong = [complaint for name, one in measured.items() for complaint in _complaints(name, one, truth)]
    assert wrong == []


def _measure(lab: Lab, truth: Truth) -> dict[str, Measured]:
    with ExitStack() as stack:
        stack.enter_context(cpe_forgets_after(lab, truth))
        stack.enter_context(fibre_loses(lab, 5, PORTS[LOSSY], PORTS[OWN]))
        stack.enter_context(coturn(lab, port=PORTS[CLEAN]))
        stack.enter_context(coturn(lab, port=PORTS[LOSSY]))
        stack.enter_context(reflector(lab, "--alternate", SECOND, port=PORTS[OWN]))
        started = {name: Measuring(lab.phone, f"{FIRST}:{port}", "--max", "60") for name, port in PORTS.items()}
        for one in started.values():
            stack.callback(one.kill)
        return {name: one.wait(within=90.0) for name, one in started.items()}


def _complaints(name: str, measured: Measured, truth: Truth) -> Iterator[str]:
    for kind in KINDS:
        interval = measured.lifetimes[kind]
        if interval is None or interval[1] is None:
            yield f"{name}, {kind}: nothing was found: {interval}, {measured.reasons}"
        elif not interval[0] <= truth.of(kind) <= interval[1]:
            yield f"{name}, {kind}: {truth.of(kind)} s is not in {interval}"
        elif name == CLEAN and interval[1] - interval[0] > max(2.5, 0.11 * interval[1]):
            yield f"{name}, {kind}: {interval} is more than twice as wide as promised"
    if measured.elapsed > 2 * max(truth.udp, truth.stream) + 10.0:
        yield f"{name}: it took {measured.elapsed} s: is it one idle time after the other?"
    document = measured.document
    if (document["mapping"], document["filtering"]) != MASQUERADE:
        yield f"{name}: {document['mapping']} and {document['filtering']} are not what Linux does"
    if not document["mapped_address"].startswith("198.51.100.2:"):
        yield f"{name}: seen as {document['mapped_address']}"
    for cost, most in MOST.items():
        if document[cost] > most:
            yield f"{name}: {cost} {document[cost]} is more than {most}"
