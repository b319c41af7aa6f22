"""Rules whose verdict depends on more than the packet: on the clock, on chance, on how much passed before, on who sent.

What they would do cannot be read from one packet in a copy of the ruleset. What can be read is whether the packet meets
the rest of their conditions; for that such a rule is replaced by one of these conditions alone, without a verdict.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

Expression = dict[str, object]

_STATEMENTS = {
    "limit": "a rate limit",
    "quota": "a quota",
    "ct count": "the number of connections",
    "numgen": "chance or turns",
    "osf": "the sender's operating system",
    "socket": "a local socket",
    "queue": "a program in user space",
    "synproxy": "a SYN proxy",
    "tproxy": "a transparent proxy",
    "ipsec": "IPsec",
}
_META_KEYS = {
    "time": "the time",
    "hour": "the time of day",
    "day": "the day of the week",
    "skuid": "the user that sends",
    "skgid": "the group that sends",
    "cgroup": "the cgroup that sends",
    "cpu": "the processor",
    "random": "chance",
    "prandom": "chance",
    "secpath": "IPsec",
    "ibrname": "a bridge",
    "obrname": "a bridge",
    "ibrport": "a bridge's port",
    "obrport": "a bridge's port",
    "iifgroup": "the group of an interface",
    "oifgroup": "the group of an interface",
    "iifkind": "the kind of an interface",
    "oifkind": "the kind of an interface",
    "iiftype": "the kind of an interface",
    "oiftype": "the kind of an interface",
    "sdif": "a VRF",
    "sdifname": "a VRF",
}
_KEYS = {
    "meta": _META_KEYS,
    "ct": dict.fromkeys(("bytes", "packets", "avgpkt", "expiration"), "how much of a connection there has been"),
    "rt": {"ipsec": "IPsec"},
}
_MAC = ("ether", "saddr")
_SENDER = "the sender's hardware address"
_EXTENSIONS = {
    "limit": "a rate limit",
    "hashlimit": "a rate limit",
    "rateest": "a rate",
    "recent": "what was seen before",
    "quota": "a quota",
    "connlimit": "the number of connections",
    "statistic": "chance or turns",
    "time": "the time",
    "owner": "the user that sends",
    "cgroup": "the cgroup that sends",
    "cpu": "the processor",
    "socket": "a local socket",
    "policy": "IPsec",
    "physdev": "a bridge's port",
    "osf": "the sender's operating system",
    "bpf": "a program in the kernel",
    "mac": _SENDER,
    "devgroup": "the group of an interface",
    "connbytes": "how much of a connection there has been",
    "NFQUEUE": "a program in user space",
    "QUEUE": "a program in user space",
    "TPROXY": "a transparent proxy",
    "SYNPROXY": "a SYN proxy",
}
_HARMLESS_TARGETS = frozenset({"LOG", "NFLOG", "AUDIT", "CHECKSUM", "TCPMSS", "RATEEST", "IDLETIMER", "LED", "TRACE"})
_NO_EFFECT = frozenset({"match", "counter", "log", "limit", "quota", "ct count", "set", "meter", "comment"})

_WORDS = re.compile(
    rf"\b(?:{'|'.join({*_STATEMENTS, *_META_KEYS, 'xt', 'ether saddr', 'rt ipsec'})})\b"
    rf"|\bct (?:original |reply )?(?:{'|'.join(_KEYS['ct'])})\b|-[mj] (?:{'|'.join(_EXTENSIONS)})\b"
)


class Effect(StrEnum):
    ACCEPT = "accept"
    DROP = "drop"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class InexactRule:
    depends_on: str
    """In words, for a sentence: "a rate limit"."""
    effect: Effect
    """What it does to a packet that it matches."""
    conditions: tuple[Expression, ...]
    """Those that can be checked."""

    @property
    def is_rate_limit(self) -> bool:
        return self.depends_on in ("a rate limit", "a quota", "the number of connections")


def may_be_inexact(ruleset: str) -> bool:
    """Whether a look at the expressions of this ruleset, as text, is worth its time."""
    return _WORDS.search(ruleset) is not None


def inexact_rule(expressions: list[Expression], limited: Collection[str] = ()) -> InexactRule | None:
    """None where the packet alone decides, or where the rule does nothing to it but count or log it.

    `limited`: the sets of its table whose elements have limits of their own.
    """
    references = {f"@{name}" for name in limited}
    causes = [cause for expression in expressions for cause in _causes(expression, references)]
    effect = _effect(expressions)
    if not causes or effect is None:
        return None
    exact = [one for one in expressions if "match" in one and not any(_causes(one, references))]
    return InexactRule(causes[0], effect, tuple(exact))


def _causes(value: object, limited: Collection[str]) -> Iterator[str]:
    if isinstance(value, list):
        for element in value:
            yield from _causes(element, limited)
    if isinstance(value, str) and value in limited:
        yield _STATEMENTS["limit"]
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        if key in _STATEMENTS:
            yield _STATEMENTS[key]
        elif key in _KEYS and isinstance(inner, dict) and str(inner.get("key")) in _KEYS[key]:
            yield _KEYS[key][str(inner["key"])]
        elif key == "payload" and isinstance(inner, dict) and (inner.get("protocol"), inner.get("field")) == _MAC:
            yield _SENDER
        elif key == "xt" and isinstance(inner, dict) and str(inner.get("name")) in _EXTENSIONS:
            yield _EXTENSIONS[str(inner["name"])]
        else:
            yield from _causes(inner, limited)


def _effect(expressions: list[Expression]) -> Effect | None:
    effects = [found for one in expressions if (found := _effect_of(one)) is not None]
    return effects[-1] if effects else None


def _effect_of(expression: Expression) -> Effect | None:
    key, inner = next(iter(expression.items()))
    if key in _NO_EFFECT:
        return None
    if key == "xt" and isinstance(inner, dict):
        name = str(inner.get("name", ""))
        if inner.get("type") != "target" or name in _HARMLESS_TARGETS:
            return None
        return Effect.DROP if name == "REJECT" else Effect.OTHER
    return {"accept": Effect.ACCEPT, "drop": Effect.DROP, "reject": Effect.DROP}.get(key, Effect.OTHER)
