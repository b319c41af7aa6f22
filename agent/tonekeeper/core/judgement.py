"""The whole, judged anew: blame, health of WANs and SBCs, the decision, what the kernel should hold, findings."""

from __future__ import annotations

from tonekeeper.core import diagnosis
from tonekeeper.core.attribution import Cell, Matrix, attribute
from tonekeeper.core.commands import Command
from tonekeeper.core.failover import Place, Standing
from tonekeeper.core.flap import LOSS
from tonekeeper.core.functions import Function, FunctionState
from tonekeeper.core.health import Health, Judgement, judge_sbc, judge_wan
from tonekeeper.core.kernel import WanTable
from tonekeeper.core.report import SbcState, WanState
from tonekeeper.core.site import Mode, Prefer, Sbc, Wan
from tonekeeper.core.situation import Situation
from tonekeeper.core.steering import Destination, Goal
from tonekeeper.core.strained import attribute_strain
from tonekeeper.core.turn import Turn
from tonekeeper.core.whereabouts import Whereabouts


def judge(turn: Turn) -> None:
    situation = turn.situation
    dead = {wan.name: why for wan in situation.site.wans if (why := situation.dead(wan))}
    matrix = situation.matrix(turn.now)
    situation.attribution = attribute(matrix, dead)
    situation.strain = attribute_strain(situation, turn.now)
    _note_signalling(turn, matrix)
    for wan in situation.site.wans:
        _judge_wan(turn, wan)
    for sbc in situation.site.sbcs:
        _judge_sbc(turn, sbc)
    standings = situation.standings()
    _decide(turn, standings)
    _place_voicemail(turn, standings)
    steer(turn)
    for change in diagnosis.update(situation, standings, turn.now):
        turn.log(*change)
    situation.look_at = diagnosis.next_look(situation, turn.now)


def _note_signalling(turn: Turn, matrix: Matrix) -> None:
    for (wan, sbc), cell in matrix.items():
        functions = turn.situation.functions_of(sbc)
        if cell is Cell.UP:
            functions.answers(wan, turn.now)
        elif cell is Cell.DOWN:
            functions.is_silent(wan, "no answer to OPTIONS", turn.now)


def _place_voicemail(turn: Turn, standings: tuple[Standing, ...]) -> None:
    """Only the function that is broken moves: voicemail that fails where the site is does not take the site along."""
    situation = turn.situation
    active, before = situation.failover.active, situation.voicemail_at
    situation.voicemail_at = None
    if active is not None and _voicemail(situation, active) is FunctionState.FAILED:
        others = sorted((s for s in standings if s.usable and s.place != active), key=lambda s: s.rank)
        works = (s.place for s in others if _voicemail(situation, s.place) is FunctionState.OK)
        situation.voicemail_at = next(works, None)
    if situation.voicemail_at != before:
        reason = situation.functions_of(active.sbc).degraded_over(active.wan) if active is not None else ""
        turn.log("function voicemail", _where(before), _where(situation.voicemail_at), reason)


def _where(place: Place | None) -> str:
    return "with the site" if place is None else str(place)


def _voicemail(situation: Situation, place: Place) -> FunctionState:
    return situation.functions_of(place.sbc).state_over(place.wan, Function.VOICEMAIL)


def _judge_wan(turn: Turn, wan: Wan) -> None:
    situation = turn.situation
    heard = [probe for probe in situation.probes_of(wan=wan.name) if probe.is_heard(turn.now)]
    dead = situation.dead(wan)
    verdict = judge_wan(dead, heard, situation.attribution, wan)
    health = situation.wan_health(wan.name)
    if not dead and verdict is not None and (health.state, verdict[0]) == (WanState.UP, WanState.DOWN):
        situation.wan_damper(wan.name).lost(LOSS, situation.site.damping, turn.now)
    _settle(turn, f"wan {wan.name}", health, verdict)


def _judge_sbc(turn: Turn, sbc: Sbc) -> None:
    situation = turn.situation
    functions = situation.functions_of(sbc.name)
    strain = situation.strain.of_sbc(sbc.name)
    fails = "; ".join(why for why in (functions.degraded(), strain.evidence if strain is not None else "") if why)
    verdict = judge_sbc(sbc, situation.probes_of(sbc=sbc.name), situation.attribution, fails)
    health = situation.sbc_health(sbc.name)
    fell = verdict is not None and verdict[0] == SbcState.DOWN != health.state
    if fell and health.state != SbcState.UNKNOWN:
        situation.sbc_damper(sbc.name).lost(LOSS, situation.site.damping, turn.now)
    _settle(turn, f"sbc {sbc.name}", health, verdict)


def _settle(turn: Turn, subject: str, health: Health, judgement: Judgement | None) -> None:
    if judgement is None:
        return
    state, reason = judgement
    if state != health.state:
        turn.log(subject, health.state, state, reason)
        health.since = turn.now
        health.transitions += 1
    health.state = str(state)
    health.reason = reason


def _decide(turn: Turn, standings: tuple[Standing, ...]) -> None:
    situation = turn.situation
    policy = situation.site.failover
    switch = situation.failover.consider(standings, policy, situation.chance, turn.now)
    if switch is not None:
        before = str(switch.before) if switch.before is not None else "nowhere"
        turn.log("active", before, str(switch.after), switch.reason)
        situation.failover.consider(standings, policy, situation.chance, turn.now)  # what is next from the new place


def steer(turn: Turn) -> None:
    """Let the kernel hold what the decision asks for."""
    situation = turn.situation
    alive = [
        wan.interface
        for wan in situation.site.wans
        if not situation.dead(wan) and situation.wan_health(wan.name).state != WanState.DOWN
    ]
    turn.commands += situation.steering.aim(_goal(situation), alive=alive, renewed=turn.renewed, now=turn.now)


def reaffirm(situation: Situation, now: float) -> list[Command]:
    """Put the plan to the kernel once more."""
    steered = situation.steering.goal.interface
    is_dead = not any(wan.interface == steered and not situation.dead(wan) for wan in situation.site.wans)
    return situation.steering.reaffirm(_goal(situation), now, is_dead=is_dead)


def _goal(situation: Situation) -> Goal:
    """What steering shall achieve: everything to the SBCs over the active WAN."""
    site = situation.site
    if site.failover.mode is not Mode.STEER:
        return Goal()
    tables = tuple(
        WanTable(wan.interface, gateway.v4, gateway.v6)
        for wan in site.wans
        if (gateway := situation.gateways.get(wan.interface)) is not None
        and (gateway.v4 is not None or gateway.v6 is not None)
        and not situation.dead(wan)
    )
    active = situation.failover.active
    wan = next((wan for wan in site.wans if active is not None and wan.name == active.wan), None)
    if wan is None:
        return Goal(tables=tables)
    link = situation.links.get(wan.interface)
    return Goal(
        tables=tables,
        interface=wan.interface,
        addresses=link.addresses if link is not None else (),
        foreign=situation.foreign_addresses(wan),
        destinations=_destinations(situation),
        keep_calls=site.failover.prefer is Prefer.CONNECTED_CALLS,
    )


def _destinations(situation: Situation) -> tuple[Destination, ...]:
    """Every address of every SBC, and the networks of their media, each once."""
    found: dict[str, set[int]] = {}
    for sbc in situation.site.sbcs:
        for address in situation.lookups.get(sbc.name, Whereabouts()).addresses:
            found.setdefault(address.host, set()).add(address.port)
        for network in sbc.media:
            found.setdefault(network, set())
    return tuple(Destination(address, tuple(sorted(ports))) for address, ports in found.items())
