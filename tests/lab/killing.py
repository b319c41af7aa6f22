"""A daemon killed in the middle of switching, at a random moment; then one that starts, stops, and has put all back.

A round has a stimulus (the daemon's start, the loss of the active WAN's carrier, its return) and a moment after it.
Half of the moments are within the few milliseconds in which routes, rules and flows are most likely being changed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

from tests.lab.agent import Agent
from tests.lab.kernel_state import KernelState, Tracked, host_routes, kernel_state, tracked
from tests.lab.namespace import until
from tests.lab.nursery import Nursery
from tests.lab.topology import Lab

SETTINGS = {"min_dwell": "0s", "failback_after": "1s", "failback_spread": "0s", "switches": 100}
"""[failover]: as eager to switch as it can be."""
MARKED = "203.0.113.18"
"""No SBC: flows to it are somebody else's, and have marks."""
_WINDOWS = {
    "start": ((0.0, 0.3), (0.005, 0.03)),
    "loss": ((0.0, 0.3), (0.0, 0.02)),
    "return": ((0.0, 1.6), (1.0, 1.1)),
}
"""Seconds after the stimulus: within the first it has all happened, within the second most of it."""


@dataclass(frozen=True, slots=True)
class Round:
    """`held`: routes and rules in the kernel at the death that had not been there before."""

    stimulus: str
    moment: float
    held: int
    differences: tuple[str, ...]


class Killing:
    def __init__(self, lab: Lab, agent: Agent, random: Random) -> None:
        self._lab = lab
        self._cpe = lab.cpe.namespace
        self._random = random
        self._nursery = Nursery(agent)
        self._before: KernelState
        self._marks: set[Tracked]

    def __enter__(self) -> Killing:
        self._cpe.run("conntrack", "-F")
        for port in (4001, 4002, 4003):
            self._track(MARKED, port, mark=port)
        self._before, self._marks = kernel_state(self._cpe), self._marked()
        self._nursery.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._nursery.__exit__()

    def round(self) -> Round:
        stimulus = self._random.choice(tuple(_WINDOWS))
        moment = self._random.uniform(*self._random.choice(_WINDOWS[stimulus]))
        self._track(self._lab.sbcs[0].address, 5062)
        self._stimulate(stimulus)
        time.sleep(moment)
        self._nursery.kill()
        held = len(self._before.differences(kernel_state(self._cpe)))
        self._lab.provider("fibre").namespace.run("ip", "link", "set", "access", "up")
        self._nursery.start()
        self._nursery.wait_started()
        self._nursery.stop()
        return Round(stimulus, moment, held, tuple(self._differences()))

    def _stimulate(self, stimulus: str) -> None:
        access = ("ip", "link", "set", "access")
        fibre, lte = self._lab.provider("fibre"), self._lab.provider("lte")
        self._nursery.start()
        if stimulus == "start":
            return
        self._wait_steered(fibre.gateway)
        fibre.namespace.run(*access, "down")
        if stimulus == "return":
            self._wait_steered(lte.gateway)
            fibre.namespace.run(*access, "up")

    def _wait_steered(self, gateway: str) -> None:
        until(
            lambda: set(host_routes(self._cpe).values()) == {gateway},
            within=10.0,
            what=f"SIP is not steered to {gateway}\n{self._nursery.output}",
        )

    def _differences(self) -> list[str]:
        found = self._before.differences(kernel_state(self._cpe))
        return found + [f"mark: {entry}" for entry in self._marks ^ self._marked()]

    def _marked(self) -> set[Tracked]:
        return {entry for entry in tracked(self._cpe) if entry.destination[0] == MARKED}

    def _track(self, destination: str, port: int, mark: int = 0) -> None:
        """A flow of the LAN on fibre; what stands there already may stay."""
        flow = ("-p", "udp", "-s", "192.0.2.10", "-d", destination, "--sport", str(port), "--dport", "5060")
        nat = ("-r", destination, "-q", "198.51.100.2", "--reply-port-src", "5060", "--reply-port-dst", str(port))
        known = {(entry.destination[0], entry.source[1]) for entry in tracked(self._cpe)}
        if (destination, port) not in known:
            self._cpe.run("conntrack", "-I", *flow, *nat, "--timeout", "600", "--mark", str(mark))
