"""How long a server may be silent: T1, the timeouts that follow it, and how often a request is sent."""

from __future__ import annotations

from tonekeeper.phones.draft import RAISED_TIMER_B, Advice, Draft, Stay, at_least, nearest_default, times
from tonekeeper.phones.native import fit
from tonekeeper.phones.parameter import Parameter
from tonekeeper.phones.transactions import ASSUMED_LOSS, T1, T2, overdue_after, sends_within


def t1(draft: Draft, parameter: Parameter) -> Advice | Stay:
    needed, known = draft.t1_needed, nearest_default(parameter)
    if needed is None:
        return Stay("no round trip was measured, and the standard's 500 ms is never wrong by much")
    assert draft.conditions.rtt_s is not None
    value = at_least(parameter, draft.t1_wanted)
    measured = f"the round trip takes {draft.conditions.rtt_s * 1000:.0f} ms, so T1 needs {times(needed)}"
    why = f"{measured}{_follows(draft, value)}"
    if value < needed - 1e-9:
        return Advice(value, why, "the model cannot hold a T1 this long: requests will be repeated for nothing")
    if value < T1 - 1e-9:
        return Advice(
            value, why, "RFC 3261 section 17.1.1.2 advises against a T1 below 500 ms, but for this measurement"
        )
    if known is not None and abs(known - value) < 1e-9:
        return Stay(why)
    return Advice(value, why)


def _follows(draft: Draft, value: float) -> str:
    sends = sends_within(64 * value, value, T2)
    rules = " is how long a silent server is waited for" if draft.t1_decides else " would be the standard's timeout"
    return f"; 64*T1 = {times(64 * value)}{rules}, in which a request is sent {sends} times"


def t2(draft: Draft, parameter: Parameter) -> Advice | Stay:
    known = nearest_default(parameter)
    if draft.t1 <= (known if known is not None else T2):
        return Stay("no request is repeated more seldom than every T2, and T1 is below it")
    value = at_least(parameter, max(T2, 2 * draft.t1))
    return Advice(value, f"T2 caps the doubling of T1, which is {times(draft.t1)}")


def transaction_timeout(draft: Draft, parameter: Parameter) -> Advice | Stay:
    """Timers B and F, and what vendors call their own."""
    full, known = 64 * draft.t1, nearest_default(parameter)
    if any(quirk.code == RAISED_TIMER_B for quirk in draft.profile.quirks):
        return Advice(at_least(parameter, full), f"64*T1 = {times(full)}: the model raises anything less to that")
    if not draft.wishes.gives_up_early:
        if known is not None and known <= full:
            return Stay(f"{times(known)} is no longer than 64*T1 = {times(full)}")
        return Advice(at_least(parameter, full), f"64*T1 = {times(full)}, as RFC 3261 has it")
    value = at_least(parameter, overdue_after(draft.retries + 1, max(T1, draft.t1)))
    sends = sends_within(value, draft.t1, T2)
    why = (
        f"after {sends} copies without an answer a server is silent ({_loss_told(draft)}): {times(value)} "
        f"instead of 64*T1 = {times(full)}"
    )
    return Advice(value, why, "an answer that comes later is not seen" if value < full - 1e-9 else "")


def _loss_told(draft: Draft) -> str:
    loss = draft.conditions.loss
    if loss is None:
        return f"{ASSUMED_LOSS:.0%} loss is assumed, none was measured"
    return f"{loss:.1%} of requests get no answer here"


def _verdict_told(draft: Draft) -> str:
    return (
        f"{draft.retries} repetitions: all lost by accident once a month at most ({_loss_told(draft)}); a silent "
        f"server is given up after {times(overdue_after(draft.retries + 1, draft.t1))}"
    )


def retries(draft: Draft, parameter: Parameter) -> Advice:
    value = at_least(parameter, draft.retries)
    return Advice(value, _verdict_told(draft), _fewer(value, draft.retries))


def sends(draft: Draft, parameter: Parameter) -> Advice:
    value = at_least(parameter, draft.retries + 1)
    return Advice(value, f"the first and {_verdict_told(draft)}", _fewer(value, draft.retries + 1))


def _fewer(value: float, wanted: int) -> str:
    return f"the model can do {value:g} at most: an accident is likelier" if value < wanted else ""


def probe_timeout(draft: Draft, parameter: Parameter) -> Advice:
    value = fit(parameter, max(10.0, 2 * draft.t1))
    return Advice(value, f"an answer that has not come after {times(value)} will not come (RFC 5626 section 4.4.1)")
