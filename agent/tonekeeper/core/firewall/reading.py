"""From what the kernel said of one packet to a verdict, and to the rule that it is due to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.core.firewall.flows import FlowQuestion, FlowVerdict, Origin, RuleSeen, Verdict
from tonekeeper.wire.inexact_rule import Effect, InexactRule
from tonekeeper.wire.nft_trace import TraceStep, TraceVerdict
from tonekeeper.wire.ruleset import Chain, Listing, Rule

RulePlace = tuple[str, str, str, int]
"""Family, table, chain, position."""

NO_WAY = "no rule stops it, but it goes nowhere: there is no route, or rp_filter drops it"
_REJECTS = re.compile(r"\breject\b|\bREJECT\b")
_LEAVES = frozenset({TraceVerdict.QUEUE, TraceVerdict.STOLEN})


class Untraced(StrEnum):
    """Rules of iptables-legacy beside those of iptables-nft: they are in force, and the kernel does not name them."""

    NONE = ""
    EXACT = "a rule of iptables-legacy stops it, or there is no route, or rp_filter drops it"
    INEXACT = "rules of iptables-legacy, beside those of iptables-nft, depend on more than the packet"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The ruleset of the copy, where rules have other handles, and the one it was copied from."""

    copy: Listing
    original: Listing
    inexact: Mapping[RulePlace, InexactRule]
    unreadable: Mapping[tuple[str, str, str], str]
    """By family, table and chain, a rule there that could not be taken apart: what met the chain is not checked."""
    untraced: Untraced = Untraced.NONE

    @property
    def bridges(self) -> str:
        """Tables with rules for bridges, which the copy has none of; empty where there are none."""
        names = (f"table bridge {c.table}" for c in self.original.chains if c.family == "bridge" and c.rules)
        return ", ".join(dict.fromkeys(names))

    def rule_seen(self, rule: Rule, base: Chain | None) -> RuleSeen:
        found = self.original.like(rule) or rule
        where = (base.name, base.hook) if base is not None else ("", "")
        return RuleSeen(found.family, found.table, found.chain, found.handle, found.text, found.comment, *where)


@dataclass(frozen=True, slots=True)
class Met:
    """An inexact rule whose other conditions the packet fulfils."""

    rule: RuleSeen
    inexact: InexactRule
    base: str
    """Family, table and chain that the hook led to."""


@dataclass(slots=True)
class _Walk:
    """What a packet met on its way."""

    base: Chain | None = None
    blocked: RuleSeen | None = None
    blocked_in: str = ""
    met: tuple[Met, ...] = ()
    unclear: str = ""


def read_verdict(
    question: FlowQuestion, steps: Sequence[TraceStep], book: Rulebook, *, delivered: bool, arrives_at: str = ""
) -> FlowVerdict:
    """`delivered`: the packet came out at the other side, or reached a socket of this host."""
    if book.untraced is Untraced.INEXACT:
        return FlowVerdict(question, Verdict.NOT_CHECKED, None, book.untraced)
    walk = _walk(steps, book)
    limited = next((met.rule for met in walk.met if met.inexact.is_rate_limit), None)
    if walk.unclear:
        return FlowVerdict(question, Verdict.NOT_CHECKED, None, walk.unclear)
    doubt = _doubt(walk)
    if doubt is not None:
        reason = f"it depends on {doubt.inexact.depends_on}: {doubt.rule}"
        return FlowVerdict(question, Verdict.NOT_CHECKED, doubt.rule, reason, limited)
    if walk.blocked is not None:
        verdict = Verdict.REJECT if _rejects(walk.blocked) else Verdict.DROP
        return FlowVerdict(question, verdict, walk.blocked, _otherwise(walk.met, walk.blocked), limited)
    if not delivered:
        return FlowVerdict(question, Verdict.DROP, None, book.untraced or NO_WAY)
    if question.origin is Origin.LAN and book.bridges:
        reason = f"rules of {book.bridges} are not looked at, and may stop it before the router"
        return FlowVerdict(question, Verdict.NOT_CHECKED, None, reason, limited)
    return FlowVerdict(question, Verdict.ACCEPT, _accepting(steps, book), "", limited, arrives_at)


def _walk(steps: Sequence[TraceStep], book: Rulebook) -> _Walk:
    walk = _Walk()
    for step in steps:
        chain = book.copy.chain(step.family, step.table, step.chain)
        if chain is None:
            continue  # our own, that switches tracing on
        if chain.hook:
            walk.base = chain
        base = walk.base
        name = f"{base.family} {base.table} {base.name}" if base is not None else ""
        rule = book.copy.rule(step.family, step.table, step.chain, step.handle) if step.handle is not None else None
        if rule is not None and (place := _place(rule)) in book.inexact:
            walk.met += (Met(book.rule_seen(rule, base), book.inexact[place], name),)
        if step.verdict in _LEAVES:
            walk.unclear = f"a program in user space decides: {rule.text if rule is not None else step.chain}"
        if (where := (chain.family, chain.table, chain.name)) in book.unreadable:
            walk.unclear = f"it depends on more than the packet: {book.unreadable[where]}"
        if step.verdict is TraceVerdict.DROP:
            walk.blocked = book.rule_seen(rule, base) if rule is not None else _policy(chain)
            walk.blocked_in = name
    return walk


def _place(rule: Rule) -> RulePlace:
    return (rule.family, rule.table, rule.chain, rule.position)


def _policy(chain: Chain) -> RuleSeen:
    return RuleSeen(chain.family, chain.table, chain.name, 0, "policy drop", "", chain.name, chain.hook)


def _doubt(walk: _Walk) -> Met | None:
    """What could have made another verdict. To be accepted ends one base chain only, to be dropped ends all."""
    for met in walk.met:
        match met.inexact.effect:
            case Effect.ACCEPT if walk.blocked is None or met.base != walk.blocked_in:
                continue
            case Effect.DROP if walk.blocked is not None:
                continue
            case _:
                return met
    return None


def _rejects(rule: RuleSeen) -> bool:
    return _REJECTS.search(rule.text) is not None


def _otherwise(met: Sequence[Met], blocked: RuleSeen) -> str:
    """A rule that may block it in the other way: rejected, and not dropped, is what the sender hears of."""
    for one in met:
        if one.inexact.effect is Effect.DROP and _rejects(one.rule) != _rejects(blocked):
            return f"blocked in any case: by {blocked}, or by {one.rule}"
    return ""


def _accepting(steps: Sequence[TraceStep], book: Rulebook) -> RuleSeen | None:
    """The rule that let it through the chain that filters; a NAT chain accepts whatever it translates."""
    base: Chain | None = None
    found: RuleSeen | None = None
    for step in steps:
        chain = book.copy.chain(step.family, step.table, step.chain)
        base = chain if chain is not None and chain.hook else base
        if chain is None or step.verdict is not TraceVerdict.ACCEPT or base is None or base.type != "filter":
            continue
        rule = book.copy.rule(step.family, step.table, step.chain, step.handle) if step.handle is not None else None
        if rule is not None:
            found = book.rule_seen(rule, base)
    return found
