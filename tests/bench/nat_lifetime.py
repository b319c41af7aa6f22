"""How long it takes to know the lifetime of a NAT binding, and how often what is known is true.

Every true lifetime has a lab of its own, because a kernel has one setting for all, and all labs run at the same time.
In each the phone measures three times at once: UDP on a clean line and on one that loses 5 % of the packets either way,
and TCP, which takes our reflector, on a clean line.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from os import getloadavg
from random import Random

from tests.bench.results import Figure, Row, Table, median_and_worst
from tests.lab.measuring import KINDS, Measured, Measuring, Truth, cpe_forgets_after, fibre_loses
from tests.lab.stun import FIRST, coturn, reflector
from tests.lab.topology import Lab

LIFETIMES = (10, 30, 60, 120, 300)
"""Seconds."""
RUNS, AT_ONCE = 20, 4
SHORTEST, LONGEST = 10, 40
"""Seconds that a run's lifetimes are drawn from."""
LOSS = 5
SLOWNESS, ALLOWANCE = 1.15, 2.0
SHORT_UDP, LONGEST_TCP = "2", "330"
"""Seconds that the measurement of TCP is about UDP, which it does as well, and about TCP at most."""

_CLEAN, _LOSSY, _TCP = 3478, 3488, 3498


@dataclass(frozen=True, slots=True)
class Outcome:
    truth: Truth
    clean: Measured
    lossy: Measured
    tcp: Measured


def bench(seed: int) -> Iterator[Table]:
    load = getloadavg()[0]
    truths = [Truth(lifetime, lifetime, lifetime) for lifetime in LIFETIMES]
    yield tabulate_times(_measure_all(truths, at_once=len(LIFETIMES)), load)


def bench_runs(seed: int) -> Iterator[Table]:
    random = Random(seed)
    drawn = [Truth(*(random.randint(SHORTEST, LONGEST) for _ in range(3))) for _ in range(RUNS)]
    yield tabulate_runs(_measure_all(drawn, at_once=AT_ONCE))


def _measure_all(truths: list[Truth], *, at_once: int) -> list[Outcome]:
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(_measure, truths))


def _measure(truth: Truth) -> Outcome:
    with ExitStack() as stack:
        lab = stack.enter_context(Lab())
        stack.enter_context(cpe_forgets_after(lab, truth))
        stack.enter_context(fibre_loses(lab, LOSS, _LOSSY))
        for port in (_CLEAN, _LOSSY):
            stack.enter_context(coturn(lab, port=port))
        stack.enter_context(reflector(lab, "--sip-port", "0", port=_TCP))
        started = [Measuring(lab.phone, f"{FIRST}:{port}") for port in (_CLEAN, _LOSSY)]
        started.append(Measuring(lab.phone, f"{FIRST}:{_TCP}", "--max", SHORT_UDP, "--tcp", LONGEST_TCP))
        for one in started:
            stack.callback(one.kill)
        clean, lossy, tcp = (one.wait(within=450.0) for one in started)
    print(f"  {truth}: {clean.elapsed:.1f} s {clean.lifetimes}; {LOSS} % loss: {lossy.elapsed:.1f} s {lossy.lifetimes}")
    print(f"  {truth}: TCP: {tcp.elapsed:.1f} s {tcp.lifetimes['tcp']}")
    return Outcome(truth, clean, lossy, tcp)


def is_true(measured: Measured, truth: Truth, kinds: tuple[str, ...] = KINDS) -> bool:
    """Whether every lifetime was found, and lies inside its interval."""
    return all(_holds(measured.lifetimes[kind], truth.of(kind)) for kind in kinds)


def _holds(interval: list[float] | None, lifetime: int) -> bool:
    return interval is not None and interval[1] is not None and interval[0] <= lifetime <= interval[1]


def one_at_a_time(lifetime: float, resolution: float = 0.05) -> float:
    """Seconds that doubling from 1 s and then bisecting leave a binding idle, to the same resolution. Computed."""
    low, high, spent = 0.0, 1.0, 0.0
    while high < lifetime:
        spent += high
        low, high = high, 2 * high
    spent += high
    while high - low > max(1.0, resolution * high):
        middle = (low + high) / 2
        spent += middle
        low, high = (middle, high) if middle < lifetime else (low, middle)
    return spent


def tabulate_times(outcomes: list[Outcome], load: float) -> Table:
    return Table(
        "Binding lifetime: time to know it",
        "`tonekeeper nat` from the phone behind the CPE's kernel NAT, against coturn with two addresses; "
        "nf_conntrack_udp_timeout and nf_conntrack_udp_timeout_stream are both set to the lifetime. All three kinds "
        f"of bindings are measured at the same time, and on a line that loses {LOSS} % of the packets either way, too. "
        f"At most {SLOWNESS:g} times the lifetime and {ALLOWANCE:g} s are promised on a clean line. One at a time is "
        "computed: doubling and then bisection, for one kind, with no loss and no round trips. TCP: `--tcp` against "
        "our reflector, nf_conntrack_tcp_timeout_established set to the lifetime, on a coarser grid; nothing is "
        f"promised of its time. The machine was busy with other things as well: load {load:.1f} when it began.",
        ("clean line", f"{LOSS} % loss", "widest interval", "one at a time", "TCP", "its interval"),
        tuple(_row(outcome) for outcome in outcomes),
    )


def _row(outcome: Outcome) -> Row:
    lifetime = outcome.truth.udp
    promised = SLOWNESS * lifetime + ALLOWANCE
    return Row(
        f"{lifetime} s" + ("" if _is_all_true(outcome) else ": FALSE"),
        (
            Figure(outcome.clean.elapsed, "s", promised),
            Figure(outcome.lossy.elapsed, "s"),
            Figure(_widest(outcome.clean), "s"),
            Figure(one_at_a_time(lifetime), "s"),
            Figure(outcome.tcp.elapsed, "s"),
            Figure(_widest(outcome.tcp, ("tcp",)), "s"),
        ),
    )


def _is_all_true(outcome: Outcome) -> bool:
    return is_true(outcome.clean, outcome.truth) and is_true(outcome.tcp, outcome.truth, ("tcp",))


def _widest(measured: Measured, kinds: tuple[str, ...] = KINDS) -> float:
    """Seconds, of the intervals that are closed."""
    intervals = [measured.lifetimes[kind] for kind in kinds]
    found = [interval for interval in intervals if interval is not None and interval[1] is not None]
    return max((high - low for low, high in found), default=0.0)


def tabulate_runs(outcomes: list[Outcome]) -> Table:
    """Wrong runs, of which there shall be none; and the time relative to the longest lifetime of the run."""

    def row(
        what: str, measured: list[tuple[Measured, Truth]], most: float | None, kinds: tuple[str, ...] = KINDS
    ) -> Row:
        wrong = sum(not is_true(one, truth, kinds) for one, truth in measured)
        late = [one.elapsed - SLOWNESS * max(map(truth.of, kinds)) for one, truth in measured]
        return Row(what, (Figure(wrong, "", 0), *median_and_worst(late, "s", (None, most))))

    return Table(
        "Binding lifetime: how often it is true",
        f"{len(outcomes)} runs; all three timeouts of the kernel drawn from {SHORTEST} to {LONGEST} s in each. A run "
        "is wrong when one of its lifetimes was not found or lies outside its interval. The time is what goes beyond "
        f"{SLOWNESS:g} times the longest lifetime of UDP, or that of TCP.",
        ("wrong", "beyond, median", "beyond, most"),
        (
            row("clean line", [(one.clean, one.truth) for one in outcomes], ALLOWANCE),
            row(f"{LOSS} % loss", [(one.lossy, one.truth) for one in outcomes], None),
            row("TCP", [(one.tcp, one.truth) for one in outcomes], None, ("tcp",)),
        ),
    )
