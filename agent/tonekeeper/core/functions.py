"""What works at an SBC, function by function, as the deep probes over each WAN find it.

    UNKNOWN --pass--> OK --two failures in a row, or one that leaves no doubt--> FAILED
       |                ^                                                          |
       |                +---------------------------pass---------------------------+
       +--two failures in a row, or one that leaves no doubt--> FAILED

- One failure of a deep probe proves little: a call is a hundred packets, and a registrar has its moments. The next
  probe is made soon, and the second failure counts. No doubt leaves a refusal that will be repeated (403 and its
  like), and a server error that was given twice within one probe.
- One pass is enough to come back: it cannot happen by accident.
- What was not asked says nothing: an SBC that wishes to be left alone, and silence where not even OPTIONS is answered.
- A call says two things: that it was set up, and what was heard. One that was not set up says nothing of media.
- What is not probed any more is unknown again.

A function of an SBC is ok where it is ok over any WAN, and failed where it fails over one and is ok over none: what
fails over one WAN alone is that WAN's, or a firewall's. An SBC that answers while one of its functions is failed is
degraded, and so is a place, the SBC over one WAN, by what fails over that WAN.

It settles because each trial is taken once and every change needs one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from tonekeeper.core.attribution import Confidence
from tonekeeper.core.depth.result import DepthResult, DepthVerdict, VoiceQuality
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.site import Depth
from tonekeeper.core.tallies import Recovery

FAILURES_NEEDED = 2
"""In a row, where one leaves doubt."""
POOR_MOS = 3.1
"""Below it "nearly all users" are dissatisfied (ITU-T G.107 table B.1: R below 60)."""
REFUSALS = frozenset({403, 404, 405, 410, 489, 501, 604})
"""Answers that the server will give again: it knows what was asked and does not do it."""


class Function(StrEnum):
    """In the order in which their loss is told."""

    SIGNALLING = "signalling"
    REGISTRATION = "registration"
    CALLS = "calls"
    MEDIA = "media"
    VOICEMAIL = "voicemail"


class FunctionState(StrEnum):
    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Fault(StrEnum):
    """In what way a function fails."""

    SILENT = "silent"
    REFUSED = "refused"
    DENIED = "denied"
    """It works, but not with the credentials we have."""
    ONE_WAY = "one-way"
    POOR = "poor"


ESSENTIAL = (Function.REGISTRATION, Function.CALLS, Function.MEDIA)
"""Without these there is no telephone. A dark voicemail lamp is no reason to move a site."""

_FUNCTIONS: dict[Depth, tuple[Function, ...]] = {
    Depth.REGISTER: (Function.REGISTRATION,),
    Depth.CALL: (Function.CALLS, Function.MEDIA),
    Depth.VOICEMAIL: (Function.VOICEMAIL,),
}
_WHAT_FAILS = {
    Function.SIGNALLING: "it does not answer",
    Function.REGISTRATION: "registration fails",
    Function.CALLS: "calls cannot be set up",
    Function.MEDIA: "calls are not heard well",
    Function.VOICEMAIL: "the voicemail light fails",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What one probe says of one function: it passed, unless there is a fault."""

    function: Function
    fault: Fault | None = None
    reason: str = ""
    certain: bool = False
    """The failure leaves no doubt."""


def trials_of(result: DepthResult) -> tuple[Trial, ...]:
    if result.voice is not None:
        return Trial(Function.CALLS), _hearing(result.voice)
    function = _FUNCTIONS[result.depth][0]
    match result.verdict:
        case DepthVerdict.PASSED:
            return (Trial(function),)
        case DepthVerdict.DENIED:
            return (Trial(function, Fault.DENIED, result.reason, certain=True),)
        case DepthVerdict.UNANSWERED:
            return (Trial(function, Fault.SILENT, result.reason),)
        case DepthVerdict.FAILED:
            return (Trial(function, Fault.REFUSED, result.reason, certain=_is_certain(result.statuses)),)
        case DepthVerdict.DRAINING | DepthVerdict.NOT_CHECKED:
            return ()


def deepest_function(depths: Collection[Depth]) -> Function:
    """What a pass of the deepest of these probes proves; a standby is as proven as that is recent."""
    if Depth.CALL in depths:
        return Function.MEDIA
    return Function.REGISTRATION if Depth.REGISTER in depths else Function.SIGNALLING


def _hearing(voice: VoiceQuality) -> Trial:
    if voice.one_way:
        return Trial(Function.MEDIA, Fault.ONE_WAY, voice.one_way)
    if voice.mos is not None and voice.mos < POOR_MOS:
        jitter = "" if voice.jitter_ms is None else f", {voice.jitter_ms:.0f} ms of jitter"
        return Trial(Function.MEDIA, Fault.POOR, f"MOS {voice.mos:.1f}: {voice.loss:.0%} of the voice lost{jitter}")
    return Trial(Function.MEDIA)


def _is_certain(statuses: tuple[int, ...]) -> bool:
    errors = sum(status // 100 == 5 for status in statuses)
    return errors >= 2 or any(status in REFUSALS for status in statuses)


@dataclass(slots=True)
class FunctionHealth:
    """One function over one WAN."""

    state: FunctionState = FunctionState.UNKNOWN
    since: float = LONG_AGO
    reason: str = "not probed yet"
    fault: Fault | None = None
    """While it is failed."""
    passed_at: float = LONG_AGO
    failed_at: float = LONG_AGO
    failures: int = 0
    """In a row."""
    broken_at: float = NEVER
    """When the first of them was; NEVER if there is none."""

    def take(self, trial: Trial, now: float) -> None:
        if trial.fault is None:
            self._pass(now)
        else:
            self._fail(trial, trial.fault, now)

    def _pass(self, now: float) -> None:
        self.passed_at = now
        self.failures = 0
        self.broken_at = NEVER
        self.fault = None
        self._become(FunctionState.OK, "passed", now)

    def _fail(self, trial: Trial, fault: Fault, now: float) -> None:
        self.failed_at = now
        self.failures += 1
        self.broken_at = min(self.broken_at, now)
        if trial.certain or self.failures >= FAILURES_NEEDED or self.state is FunctionState.FAILED:
            self.fault = fault
            self._become(FunctionState.FAILED, trial.reason, now)

    def _become(self, state: FunctionState, reason: str, now: float) -> None:
        if state is not self.state:
            self.state = state
            self.since = now
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FunctionChange:
    function: Function
    wan: str
    before: FunctionState
    after: FunctionState
    reason: str


@dataclass(frozen=True, slots=True)
class Failing:
    """A function that fails over one WAN or more."""

    function: Function
    wans: tuple[str, ...]
    everywhere: bool
    """It is ok over no WAN: the SBC's own fault."""
    fault: Fault
    reason: str
    """Of the latest failure."""
    since: float
    """When the first of the failures was."""

    @property
    def confidence(self) -> Confidence:
        """Of whose fault it is: over a single WAN nothing tells the two apart."""
        return Confidence.STRONG if len(self.wans) > 1 or not self.everywhere else Confidence.LIKELY

    @property
    def sentence(self) -> str:
        where = "" if self.everywhere else f" over {' and '.join(self.wans)}"
        return _sentence(self.function, where, self.reason)


def _sentence(function: Function, where: str, reason: str) -> str:
    what = f"{_WHAT_FAILS[function]}{where}"
    return f"{what}: {reason}" if reason else what


@dataclass(slots=True)
class SbcFunctions:
    """Of one SBC."""

    over: dict[str, dict[Function, FunctionHealth]] = field(default_factory=dict)
    """By WAN. A function that was never probed is not there."""
    recoveries: dict[Function, Recovery] = field(default_factory=dict)
    """Of the SBC as a whole: from the first failure over the last WAN that had it, until it works over one again."""

    # --- what happens

    def probed(self, wan: str, result: DepthResult, now: float) -> list[FunctionChange]:
        """A deep probe over `wan` came to an end."""
        unreached = self.state_over(wan, Function.SIGNALLING) is FunctionState.FAILED
        return [
            change
            for trial in trials_of(result)
            if not (trial.fault is Fault.SILENT and unreached)
            for change in self._take(wan, trial, now)
        ]

    def answers(self, wan: str, now: float) -> list[FunctionChange]:
        """OPTIONS are answered over `wan`."""
        return self._take(wan, Trial(Function.SIGNALLING), now)

    def is_silent(self, wan: str, reason: str, now: float) -> list[FunctionChange]:
        """They are not: a verdict, confirmed by the probes of the paths."""
        return self._take(wan, Trial(Function.SIGNALLING, Fault.SILENT, reason, certain=True), now)

    def keep_only(self, wans: Collection[str], depths: Collection[Depth]) -> None:
        """Forget what the configuration does not ask for any more."""
        kept = {Function.SIGNALLING, *(function for depth in depths for function in _FUNCTIONS[depth])}
        self.over = {
            wan: {function: health for function, health in functions.items() if function in kept}
            for wan, functions in self.over.items()
            if wan in wans
        }
        for function, recovery in self.recoveries.items():
            if self.state(function) is not FunctionState.FAILED:
                recovery.gave_up()

    def _take(self, wan: str, trial: Trial, now: float) -> list[FunctionChange]:
        health = self.over.setdefault(wan, {}).setdefault(trial.function, FunctionHealth())
        before = health.state
        health.take(trial, now)
        self._time(trial.function, now)
        if health.state is before:
            return []
        return [FunctionChange(trial.function, wan, before, health.state, health.reason)]

    def _time(self, function: Function, now: float) -> None:
        recovery = self.recoveries.setdefault(function, Recovery())
        match self.state(function):
            case FunctionState.FAILED:
                failed = [h for _, h in self._seen(function) if h.state is FunctionState.FAILED]
                recovery.broke(max(health.broken_at for health in failed))  # when the last way broke
            case FunctionState.OK:
                recovery.came_back(now)
            case FunctionState.UNKNOWN:
                pass

    # --- what follows

    def state(self, function: Function) -> FunctionState:
        """Of the SBC, over all WANs."""
        states = [health.state for _, health in self._seen(function)]
        for state in (FunctionState.OK, FunctionState.FAILED):
            if state in states:
                return state
        return FunctionState.UNKNOWN

    def state_over(self, wan: str, function: Function) -> FunctionState:
        health = self.over.get(wan, {}).get(function)
        return FunctionState.UNKNOWN if health is None else health.state

    def failing(self) -> list[Failing]:
        """Every function that fails somewhere, the one that matters most first."""
        return [failing for function in Function for failing in self._failing(function)]

    def degraded(self) -> str:
        """Why the SBC is degraded, a sentence; "" if it is not, or if it does not answer at all."""
        if self.state(Function.SIGNALLING) is FunctionState.FAILED:
            return ""
        return "; ".join(failing.sentence for failing in self.failing() if failing.everywhere)

    def degraded_over(self, wan: str, functions: Collection[Function] = tuple(Function)) -> str:
        """The same for the SBC over one WAN, and for some of its functions only.

        An account that is refused over one WAN is the same account over the next, which is not asked for its sake.
        """
        if self.state_over(wan, Function.SIGNALLING) is FunctionState.FAILED:
            return ""
        sentences = []
        for failing in self.failing():
            denied = failing.everywhere and failing.fault is Fault.DENIED
            if failing.function in functions and (wan in failing.wans or denied):
                here = self.over[wan][failing.function] if wan in failing.wans else None
                sentences.append(_sentence(failing.function, "", failing.reason if here is None else here.reason))
        return "; ".join(sentences)

    def passed_at(self, function: Function) -> float:
        """When it last passed over any WAN; LONG_AGO if never."""
        return max((health.passed_at for _, health in self._seen(function)), default=LONG_AGO)

    def _failing(self, function: Function) -> Iterator[Failing]:
        failed = [(wan, health) for wan, health in self._seen(function) if health.state is FunctionState.FAILED]
        if not failed:
            return
        latest = max((health for _, health in failed), key=lambda health: health.failed_at)
        yield Failing(
            function=function,
            wans=tuple(wan for wan, _ in failed),
            everywhere=self.state(function) is FunctionState.FAILED,
            fault=latest.fault or Fault.SILENT,
            reason=latest.reason,
            since=min(health.broken_at for _, health in failed),
        )

    def _seen(self, function: Function) -> list[tuple[str, FunctionHealth]]:
        return [(wan, functions[function]) for wan, functions in self.over.items() if function in functions]
