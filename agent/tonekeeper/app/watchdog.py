"""The service manager's watchdog is fed while the agent serves its timers, and by nothing else.

That the loop turns proves little: what sends probes is a timer of the core that the driver serves. One that has waited
for PATIENCE is waiting for nobody, and silence makes the service manager start the agent anew. A loop that does not
turn is silent by itself. That no probe is answered, or none can leave, is no reason: another process would fare alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tonekeeper.edge import service
from tonekeeper.faces.log import Log

PATIENCE = 5.0
"""Seconds, of a router that is busy with other things; probes are due every few seconds."""


class Watchdog:
    """`overdue`: seconds for which the next timer has waited."""

    def __init__(self, overdue: Callable[[], float], log: Log) -> None:
        self._overdue = overdue
        self._log = log
        self._is_fed = True
        self.pause = (service.watchdog_seconds() or math.inf) / 2
        """Seconds between two looks, at most."""

    def look(self) -> None:
        overdue = self._overdue()
        is_fed = overdue <= PATIENCE
        if is_fed:
            service.tell_alive()
        elif self._is_fed:
            self._log.error("not-serving", reason=f"a timer has waited for {overdue:.0f} s: the watchdog is not fed")
        self._is_fed = is_fed
