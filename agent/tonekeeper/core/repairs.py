"""What others take away of ours is put back: at once, APART at least, and told of when it happens TOO_OFTEN.

That something was touched is a reason to put the plan again, no more. Whether anything was missing the kernel answers:
a plan that is put again as it stood changes nothing, unless somebody else has.
"""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.instants import LONG_AGO, NEVER

APART = 1.0
"""Seconds from one repair to the next."""
TOO_OFTEN = 3
"""Repairs within LATELY that are no accident any more."""
LATELY = 60.0
"""Seconds."""


@dataclass(slots=True)
class Repairs:
    due_at: float = NEVER
    """When the plan is to be put again."""
    put_at: float = LONG_AGO
    """When it last was."""
    unchanged: bool = False
    """It was put as it had stood, and the kernel has not answered yet."""
    made: tuple[float, ...] = ()
    """When something had been missing, LATELY."""
    touched: str = "routes or rules"
    """What others touched last."""

    @property
    def are_frequent(self) -> bool:
        return len(self.made) >= TOO_OFTEN

    def touch(self, what: str, now: float) -> None:
        """Somebody else changed something of ours."""
        self.touched = what
        self.due_at = max(now, self.put_at + APART)

    def take_due(self, now: float) -> bool:
        """Whether a repair is due; it is then no more."""
        is_due = self.due_at <= now
        if is_due:
            self.due_at = NEVER
        return is_due

    def put(self, now: float, *, unchanged: bool) -> None:
        """The plan in force is put again."""
        self.due_at = NEVER
        self.put_at = now
        self.unchanged = unchanged

    def confirmed(self, changes: int, now: float) -> bool:
        """The kernel holds it; whether somebody had taken something away."""
        missing = self.unchanged and changes > 0
        self.unchanged = False
        self.made = tuple(at for at in self.made if at > now - LATELY) + ((now,) if missing else ())
        return missing
