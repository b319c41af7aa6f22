"""A daemon killed in the middle of switching, at a random moment; then one that starts, stops, and has put all back.

A round has a stimulus (the daemon's start, the loss of the active WAN's carrier, its return) and a moment after it.
Half of the moments are anywhere in the time in which all has happened; the other half follow the first change of a
route or a rule by at most a few milliseconds, which is how long a plan takes.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from dataclasses import dataclass
from random import Random

from tests.lab.agent import Agent
from tests.lab.kernel_state import KernelState, Tracked, host_routes, kernel_state, tracked
from tests.lab.namespace import Namespace, until
from tests.lab.nursery import Nursery
from tests.lab.topology import Lab
from tonekeeper.edge.steering import PROTOCOL

SETTINGS = {"min_dwell": "0s", "failback_after": "1s", "failback_spread": "0s", "switches": 100}
"""[failover]: as eager to switch as it can be."""
MARKED = "203.0.113.18"
"""No SBC: flows to it are somebody else's, and have marks."""
_STIMULI = {"start": 0.3, "loss": 0.3, "return": 1.6}
"""Seconds within which everything has happened."""
_PLAN = 0.004
"""Seconds that it takes to carry out a plan, about."""


@dataclass(frozen=True, slots=True)
class Round:
    """`held`: routes and rules in the kernel at the death that had not been there before, or no longer were."""

    stimulus: str
    moment: float
    """Seconds after it."""
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
        stimulus = self._random.choice(tuple(_STIMULI))
        in_a_plan = self._random.random() < 0.5
        delay = self._random.uniform(0.0, _PLAN if in_a_plan else _STIMULI[stimulus])
        self._track(self._lab.sbcs[0].address, 5062)
        with _Changes(self._cpe) as changes:
            began = self._stimulate(stimulus, changes)
            if in_a_plan:
                changes.wait_for_one()
            time.sleep(delay)
            moment = time.monotonic() - began
            self._nursery.kill()
        held = len(self._before.differences(kernel_state(self._cpe)))
        self._lab.provider("fibre").namespace.run("ip", "link", "set", "access", "up")
        self._nursery.start()
        self._nursery.wait_started()
        self._nursery.stop()
        return Round(stimulus, moment, held, tuple(self._differences()))

    def _stimulate(self, stimulus: str, changes: _Changes) -> float:
        access = ("ip", "link", "set", "access")
        fibre, lte = self._lab.provider("fibre"), self._lab.provider("lte")
        began = time.monotonic()
        self._nursery.start()
        if stimulus == "start":
            return began
        self._wait_steered(fibre.gateway)
        if stimulus == "return":
            fibre.namespace.run(*access, "down")
            self._wait_steered(lte.gateway)
        changes.forget()
        began = time.monotonic()
        fibre.namespace.run(*access, "down" if stimulus == "loss" else "up")
        return began

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


class _Changes:
    """Hears of every change of our routes, and of rules, as soon as the kernel has made it."""

    _GROUPS = 0x40 | 0x80
    """RTMGRP_IPV4_ROUTE, RTMGRP_IPV4_RULE"""
    _NEWROUTE, _DELROUTE = 24, 25
    _PROTOCOL_AT = 16 + 5

    def __init__(self, namespace: Namespace) -> None:
        self._socket = namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, self._GROUPS))

    def __enter__(self) -> _Changes:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def forget(self) -> None:
        """What has been told so far."""
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(65535)

    def wait_for_one(self, within: float = 10.0) -> None:
        self._socket.settimeout(within)
        while not self._is_ours(self._socket.recv(65535)):
            pass

    def _is_ours(self, message: bytes) -> bool:
        kind = int.from_bytes(message[4:6], sys.byteorder)
        return kind not in (self._NEWROUTE, self._DELROUTE) or message[self._PROTOCOL_AT] == PROTOCOL
