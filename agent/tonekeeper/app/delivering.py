"""`tonekeeper tune --deliver`: a phone's file is patched, the phone told, and its REGISTERs watched until they show it.

Whatever comes between, the phone has one of two files, whole: the new one if it was seen to register with what stands
there, else the one before. A phone is told by its MAC whose file is whose, and by its profile what that means; where
the agent knows either otherwise, nothing is begun.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tonekeeper.app.interruption import Interruptions
from tonekeeper.core.report import PhoneReport, Report
from tonekeeper.core.reregistration import Taken, Verdict, Wanted, verdict_on, wanted_of
from tonekeeper.edge.phone_notice import Notice
from tonekeeper.edge.provisioning import Delivered, deliver, read_settings_file, take_back
from tonekeeper.errors import AgentUnreachableError, DecodeError, EdgeError, TonekeeperError
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.cli.tune import TunePhones
from tonekeeper.faces.cli.tune_delivery import OntoPhone
from tonekeeper.faces.tuning_text import render_changes
from tonekeeper.phones.native_formats.writing import Patched, patched
from tonekeeper.phones.parameter import Capability
from tonekeeper.phones.profile import Profile, Reread, Restarts
from tonekeeper.phones.reread import file_name, gentlest_reread, is_met, needs_consent
from tonekeeper.phones.tuned import Tuning
from tonekeeper.wire.endpoint import Endpoint

POLL_S = 2.0
PATIENCE_S = 300.0
"""For a REGISTER; phones that restart take two minutes, and most register at once when their expiry changes."""
KEEPALIVES = 8
"""That pass before a new interval shows for sure."""
STANDS_FOR_S = 10.0
"""A phone that is refused, or registers with another expiry, may have been seen in the middle of it. Another expiry may
also be that of another account: the one that was told shows again within its own."""

_RESTARTS = {
    Restarts.NO: "without a restart",
    Restarts.IF_NEEDED: "it restarts only if a setting wants that",
    Restarts.YES: "it restarts",
    Restarts.UNKNOWN: "nobody knows whether it restarts",
}


class CannotDeliverError(TonekeeperError):
    """Nothing was begun."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What is reached beyond the file."""

    report: Callable[[], Report]
    notify: Callable[[Endpoint, str], Notice]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Plan:
    path: Path
    was: bytes
    patched: Patched
    tuning: Tuning
    address: Endpoint | None
    reread: Reread
    restarts: Restarts
    """Of this phone."""
    missing: str
    """What it would take that the NOTIFY does what the profile says of it; empty: nothing."""
    before: PhoneReport | None
    """What is known of the phone; None in a dry run without an agent."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`taken`: the phone has the new file; else `reason` says why not, and it has the one before."""

    taken: bool
    reason: str
    told_again: str = ""
    """What came of telling the phone that the old file is back."""


def put_onto_phone(
    command: TunePhones,
    onto: OntoPhone,
    profile: Profile,
    tuned: Callable[[str], Tuning],
    terminal: Terminal,
    outside: Outside,
) -> Exit:
    """`tuned`: for a firmware. CannotDeliverError, EdgeError or AgentUnreachableError where nothing was begun."""
    _check_words(command, onto)
    plan = _plan(command, onto, profile, tuned, outside)
    if not command.json:
        terminal.show(render_changes(plan.patched))
    for name in plan.patched.left_out:
        terminal.say(f"{name} has no place in this file; write it where it belongs")
    if not plan.patched.changes:
        return _end(command, plan, Outcome(True, f"'{plan.path}' has these values already"), terminal)
    terminal.say(_next(plan))
    if onto.dry_run:
        return _end(command, plan, Outcome(True, "nothing is written or sent in a dry run"), terminal)
    if needs_consent(plan.restarts) and not onto.reboot:
        otherwise = f", or write {plan.missing} into its file" if plan.missing else ""
        raise CannotDeliverError(
            f"cannot go on: {_RESTARTS[plan.restarts]}, calls and all; allow it: --reboot{otherwise}"
        )
    return _end(command, plan, carry_out(plan, onto.within_s, terminal, outside), terminal)


# --- before anything is changed


def _check_words(command: TunePhones, onto: OntoPhone) -> None:
    missing = [name for name, given in (("--deliver", onto.directory), ("--mac", onto.mac)) if not given]
    if not onto.dry_run:
        missing += [name for name, given in (("--notify", onto.address), ("--url", command.url)) if not given]
    if missing:
        raise CannotDeliverError(f"cannot put settings onto a phone: {', '.join(missing)} is not given")
    if command.base or command.out or command.native:
        raise CannotDeliverError("cannot combine --deliver with --base, --out or --native: it has the file in its name")


def _plan(
    command: TunePhones, onto: OntoPhone, profile: Profile, tuned: Callable[[str], Tuning], outside: Outside
) -> Plan:
    before = None
    if command.url and onto.address is not None:
        before = _known_phone(outside.report(), onto, profile)
    firmware = command.firmware or (before.firmware if before is not None else "")
    reread = gentlest_reread(profile, firmware)
    if reread is None:
        raise CannotDeliverError(
            f"cannot have phones of {profile.id} read a file again: {_otherwise(profile)}; use --base and --out"
        )
    tuning = tuned(firmware)
    try:
        path = Path(onto.directory) / file_name(profile.delivery, onto.mac, before.model if before else "")
        was = read_settings_file(path)
        done = patched(tuning.format, was, tuning.settings)
    except DecodeError as error:
        raise CannotDeliverError(f"cannot use a file of {profile.id}: {error.reason}; use --base and --out") from None
    met = is_met(reread.needs, profile, was)
    restarts = reread.restarts if met or reread.restarts is Restarts.YES else Restarts.UNKNOWN
    return Plan(path, was, done, tuning, onto.address, reread, restarts, "" if met else reread.needs, before)


def _otherwise(profile: Profile) -> str:
    action = next((each.action for each in profile.delivery.reread if each.action), "")
    return f"that takes '{action}'" if action else "no NOTIFY is known for that"


def _known_phone(report: Report, onto: OntoPhone, profile: Profile) -> PhoneReport | None:
    """The phone as the agent knows it. CannotDeliverError where that is another one, or nothing could be verified."""
    assert onto.address is not None
    phone = next((each for each in report.phones if each.address == onto.address.host), None)
    if phone is not None and phone.mac not in ("", onto.mac):
        raise CannotDeliverError(
            f"cannot put the file of {onto.mac} onto {phone.address}: that is {phone.mac}; name the right --notify"
        )
    if phone is not None and phone.profile not in ("", profile.id):
        raise CannotDeliverError(
            f"cannot put settings of {profile.id} onto {phone.address}: that is {phone.profile}; name the right profile"
        )
    if onto.dry_run:
        return phone
    if phone is None or not phone.transport:
        raise CannotDeliverError(
            f"cannot verify what {onto.address.host} does: the agent has seen no REGISTER of it; "
            "wait for one, or use --base and --out where it registers over TLS"
        )
    if phone.status is not None and phone.status >= 300:
        raise CannotDeliverError(
            f"cannot verify what {phone.address} does: its REGISTER is refused with {phone.status}; see to that first"
        )
    return phone


def _next(plan: Plan) -> str:
    """What happens to the phone, or would."""
    where = "the phone" if plan.address is None else str(plan.address)
    said = f"NOTIFY to {where}, Event: {plan.reread.event}: {_RESTARTS[plan.restarts]}"
    return f"{said}; it is known to heed that only with {plan.missing}" if plan.missing else said


# --- from the first change to the last


def carry_out(plan: Plan, within_s: float | None, terminal: Terminal, outside: Outside) -> Outcome:
    """Once the file is written, this ends with a verdict or with the old file, whatever happens."""
    if read_settings_file(plan.path) != plan.was:
        raise CannotDeliverError(f"cannot patch '{plan.path}': another one has just changed it; try again")
    with Interruptions() as interruptions:
        delivered = deliver(plan.path.parent, plan.path.name, plan.patched.content)
        told = True
        try:
            with interruptions.welcome():
                notice, verdict = _tell_and_watch(plan, within_s, terminal, outside)
        except KeyboardInterrupt:
            verdict = Verdict(Taken.NO, "interrupted")
        except TonekeeperError as error:
            verdict = Verdict(Taken.NO, str(error))
        except BaseException:
            take_back(delivered)
            raise
        else:
            told = notice.may_be_heeded
        finally:
            terminal.show_progress("")
        if verdict.taken is Taken.YES:
            return Outcome(True, f"taken: {verdict.reason}. The file before is '{delivered.before}'")
        _take_back(delivered, plan.patched.content, verdict.reason)
        return Outcome(False, verdict.reason, _tell_again(plan, interruptions, terminal, outside) if told else "")


def _tell_and_watch(plan: Plan, within_s: float | None, terminal: Terminal, outside: Outside) -> tuple[Notice, Verdict]:
    assert plan.address is not None
    terminal.show_progress(f"telling {plan.address} ...\n")
    notice = outside.notify(plan.address, plan.reread.event)
    if not notice.is_taken:
        return notice, Verdict(Taken.NO, str(notice))
    return notice, _watched(plan, _wanted(plan), within_s, terminal, outside)


def _wanted(plan: Plan) -> Wanted:
    """What shows in its REGISTERs, or else between them, of what was changed."""
    changed = {each.name for each in plan.patched.changes}
    values = {each.capability: each.value for each in reversed(plan.tuning.settings) if each.name in changed}
    expiry, keepalive = values.get(Capability.REGISTRATION_EXPIRY), values.get(Capability.KEEPALIVE_INTERVAL)
    return wanted_of(
        plan.before,
        expiry_s=expiry if isinstance(expiry, float | int) else None,
        keepalive_s=keepalive if isinstance(keepalive, float | int) else None,
    )


def _watched(plan: Plan, wanted: Wanted, within_s: float | None, terminal: Terminal, outside: Outside) -> Verdict:
    """Asks the agent until the phone does what it was told, or for `within_s` it does not."""
    if wanted == Wanted():
        return Verdict(Taken.YES, "it took the NOTIFY; nothing of what was changed would show in its REGISTERs")
    began = outside.clock()
    patience = within_s or max(PATIENCE_S, KEEPALIVES * (wanted.keepalive_s or 0))
    verdict, since = Verdict(Taken.NOT_YET, ""), began
    while True:
        before, verdict = verdict, _seen(plan, wanted, outside)
        now = outside.clock()
        if verdict.taken is Taken.YES:
            return verdict
        since = since if verdict.taken is before.taken else now
        if now - since >= _stands_for(verdict, wanted) or now - began >= patience:
            return Verdict(Taken.NO, f"{verdict.reason}, {now - began:.0f} s after it was told")
        terminal.show_progress(f"{now - began:.0f} of {patience:.0f} s: {verdict.reason}\n")
        outside.sleep(POLL_S)


def _stands_for(verdict: Verdict, wanted: Wanted) -> float:
    """Seconds after which it is final."""
    match verdict.taken:
        case Taken.REFUSED:
            return STANDS_FOR_S
        case Taken.NO if wanted.expiry_s is not None:
            return max(STANDS_FOR_S, wanted.expiry_s)
        case _:
            return math.inf


def _seen(plan: Plan, wanted: Wanted, outside: Outside) -> Verdict:
    """A phone that restarted may have another address. An agent that does not answer now may do so later."""
    assert plan.before is not None
    try:
        phones = outside.report().phones
    except AgentUnreachableError as error:
        return Verdict(Taken.NOT_YET, str(error))
    known = plan.before
    found = [each for each in phones if each.mac == known.mac] if known.mac else []
    found = found or [each for each in phones if each.address == known.address]
    return verdict_on(next(iter(found), None), known, wanted)


def _take_back(delivered: Delivered, content: bytes, reason: str) -> None:
    if read_settings_file(delivered.path) != content:
        raise EdgeError(
            f"take back '{delivered.path}' ({reason}): another one has changed it meanwhile",
            remedy=f"what it was is in '{delivered.before}'",
        )
    take_back(delivered)


def _tell_again(plan: Plan, interruptions: Interruptions, terminal: Terminal, outside: Outside) -> str:
    assert plan.address is not None
    try:
        with interruptions.welcome():
            terminal.show_progress(f"taken back; telling {plan.address} ...\n")
            notice = outside.notify(plan.address, plan.reread.event)
    except KeyboardInterrupt:
        return "whether the phone heard of that is not known"
    except EdgeError as error:
        return str(error)
    finally:
        terminal.show_progress("")
    return "the phone was told" if notice.is_taken else f"the phone was told, and {notice}"


# --- what is said of it


def _end(command: TunePhones, plan: Plan, outcome: Outcome, terminal: Terminal) -> Exit:
    if command.json:
        terminal.show_json(
            {
                "file": str(plan.path),
                "event": plan.reread.event,
                "changes": [{"name": e.name, "before": e.before, "after": e.after} for e in plan.patched.changes],
                "left_out": plan.patched.left_out,
                "taken": outcome.taken,
                "reason": outcome.reason,
            }
        )
    if outcome.taken:
        terminal.say(outcome.reason)
        return Exit.FINE
    again = f"; {outcome.told_again}" if outcome.told_again else ""
    terminal.say(f"taken back: {outcome.reason}. '{plan.path}' is as it was{again}")
    return Exit.PROBLEMS
