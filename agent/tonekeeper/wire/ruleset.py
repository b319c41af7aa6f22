"""An nftables ruleset as `nft -a list ruleset` writes it, read far enough to name every rule and to know its chain.

What a rule means is for the kernel to say. Here it is a text with a place: table, chain, handle, position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec

from tonekeeper.errors import DecodeError

_TABLE = re.compile(r"table (\S+) (\S+) \{")
_BLOCK = re.compile(r"\s+(chain|set|map|flowtable|counter|quota|limit|secmark|synproxy|ct \w+) (\S+) \{")
_HANDLE = re.compile(r" # handle (\d+)$")
_HOOK = re.compile(r'\s+type (\w+) hook (\w+)(?: devices? (?:= )?(?:"?[^;{]*"?|\{[^}]*\}))? priority ([^;]+);')
_POLICY = re.compile(r"policy (\w+);")
_COMMENT = re.compile(r' comment "([^"]*)"| --comment (?:"([^"]*)"|(\S+))')
_COUNTED = re.compile(r"\bcounter packets \d+ bytes \d+")
_APPENDED = re.compile(r"(?:\[\d+:\d+\] )?-A (\S+) ?")
_OWNED_JSON = re.compile(r'("table":\s*\{[^{}]*?),\s*"flags":\s*(\[[^\]]*"owner"[^\]]*\]|"owner")')
_OF_ELEMENTS = re.compile(r"\b(?:limit rate|quota|ct count)\b")
_OFFLOAD = re.compile(r"\bflow (?:add|offload) @(\S+)")
_OWNED = re.compile(r"^table (\S+) (\S+) \{[^\n]*\n(\s+flags [\w, ]*\bowner\b[\w, ]*)$", re.MULTILINE)
_FLOWTABLE = re.compile(r"^\tflowtable \S+ \{.*?^\t\}\n", re.MULTILINE | re.DOTALL)

LEGACY = "iptables-legacy"
"""Kind of a block that says of a table whose it is, and nothing else."""


@dataclass(frozen=True, slots=True)
class Rule:
    family: str
    table: str
    chain: str
    position: int
    """In its chain, from 0."""
    handle: int
    text: str

    @property
    def comment(self) -> str:
        found = _COMMENT.search(self.text)
        return found[found.lastindex or 0] if found else ""


@dataclass(frozen=True, slots=True)
class Chain:
    family: str
    table: str
    name: str
    hook: str
    """Empty for a chain that only rules lead to."""
    type: str
    policy: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Listing:
    chains: tuple[Chain, ...]
    tables: tuple[tuple[str, str], ...]
    """Family and name."""
    blocks: tuple[tuple[str, str, str, str, str], ...] = ()
    """What else there is in tables: family, table, kind ("set", "ct helper"), name, content."""
    owned: frozenset[tuple[str, str]] = frozenset()
    """Tables that only the program may change that made them, and that end with it."""

    @cached_property
    def _by_place(self) -> dict[tuple[str, str, str], Chain]:
        return {(chain.family, chain.table, chain.name): chain for chain in self.chains}

    @cached_property
    def _by_handle(self) -> dict[tuple[str, str, str, int], Rule]:
        return {(rule.family, rule.table, rule.chain, rule.handle): rule for rule in self.rules()}

    def chain(self, family: str, table: str, name: str) -> Chain | None:
        return self._by_place.get((family, table, name))

    def rule(self, family: str, table: str, chain: str, handle: int) -> Rule | None:
        return self._by_handle.get((family, table, chain, handle))

    @cached_property
    def limited_sets(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """By family and table, the sets whose elements have limits, quotas or counts of connections of their own."""
        found: dict[tuple[str, str], frozenset[str]] = {}
        for family, table, kind, name, content in self.blocks:
            if kind in ("set", "map") and _OF_ELEMENTS.search(content):
                found[family, table] = found.get((family, table), frozenset()) | {name}
        return found

    def rules(self) -> Iterator[Rule]:
        for chain in self.chains:
            yield from chain.rules

    def like(self, rule: Rule) -> Rule | None:
        """The rule at the same place of this listing."""
        chain = self.chain(rule.family, rule.table, rule.chain)
        return chain.rules[rule.position] if chain is not None and rule.position < len(chain.rules) else None


def parse_listing(text: str) -> Listing:
    """`text` of `nft -a list ruleset`; DecodeError where it is not that."""
    chains: list[Chain] = []
    tables: list[tuple[str, str]] = []
    blocks: list[tuple[str, str, str, str, str]] = []
    lines = iter(text.split("\n"))
    for line in lines:
        if (table := _TABLE.match(line)) is not None:
            tables.append((table[1], table[2]))
        elif (block := _BLOCK.match(line)) is not None:
            if not tables:
                raise DecodeError("ruleset", f"{line.strip()[:80]!r} stands outside any table")
            body = list(_body(lines, line))
            if block[1] == "chain":
                chains.append(_chain(*tables[-1], block[2], body))
            else:
                blocks.append((*tables[-1], block[1], block[2], "\n".join(body)))
        elif line.strip() not in ("", "}") and not line.lstrip().startswith(("#", "comment ", "flags ")):
            raise DecodeError("ruleset", f"{line.strip()[:80]!r} is not what 'nft list ruleset' writes")
    return Listing(tuple(chains), tuple(tables), tuple(blocks))


def _body(lines: Iterator[str], opened: str) -> Iterator[str]:
    indent = opened[: len(opened) - len(opened.lstrip())]
    for line in lines:
        if line.rstrip() == indent + "}":
            return
        yield line
    raise DecodeError("ruleset", f"{opened.strip()[:80]!r} is never closed")


def _chain(family: str, table: str, name: str, body: list[str]) -> Chain:
    hook = next((found for line in body[:2] if (found := _HOOK.match(line))), None)
    policy = next((found[1] for line in body[:2] if (found := _POLICY.search(line))), "")
    rules: list[Rule] = []
    pending = ""
    for line in body:
        pending += (" " if pending else "") + line.strip()
        handle = _HANDLE.search(pending)
        if handle is not None:
            rules.append(
                Rule(
                    family, table, name, len(rules), int(handle[1]), _COUNTED.sub("counter", pending[: handle.start()])
                )
            )
        if handle is not None or (not rules and pending.endswith(";")) or pending.startswith('comment "'):
            pending = ""
    kind, where = (hook[1], hook[2]) if hook else ("", "")
    return Chain(family, table, name, where, kind, policy if hook else "", tuple(rules))


def without_offload(text: str) -> tuple[str, tuple[str, ...]]:
    """A ruleset whose flows are not taken away from the rules, and the names of the flowtables it had."""
    names = tuple(dict.fromkeys(_OFFLOAD.findall(text)))
    return _OFFLOAD.sub("counter", _FLOWTABLE.sub("", text)), names


def without_owners(text: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """A ruleset whose tables stay when whoever loads it is gone, and the tables that would not have stayed."""
    if text.lstrip().startswith("{"):
        return _OWNED_JSON.sub(
            lambda found: found[1] + (', "flags": ["dormant"]' * ("dormant" in found[2])), text
        ), frozenset()
    owned = frozenset((found[1], found[2]) for found in _OWNED.finditer(text))
    return _OWNED.sub(
        lambda found: found[0].replace(found[3], "\tflags dormant" * ("dormant" in found[3])), text
    ), owned


def decode_expressions(document: bytes) -> list[tuple[Rule, list[dict[str, object]]]]:
    """The rules of `nft -j -a list ruleset`, without their text, and what each is made of."""
    try:
        found = msgspec.json.decode(document, type=_Document).nftables
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise DecodeError("ruleset (JSON)", str(error)) from None
    lengths: dict[tuple[str, str, str], int] = {}
    rules = []
    for rule in (entry.rule for entry in found if entry.rule is not None):
        place = (rule.family, rule.table, rule.chain)
        position = lengths[place] = lengths.get(place, -1) + 1
        rules.append((Rule(*place, position, rule.handle, ""), rule.expr))
    return rules


def parse_iptables(text: str, family: str) -> Listing:
    """What `iptables-save` writes, as chains of rules; a rule has no handle there, so it gets its number (from 1)."""
    table = ""
    rules: dict[tuple[str, str], list[Rule]] = {}
    for line in text.split("\n"):
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":"):
            rules.setdefault((table, line[1:].split(" ")[0]), [])
        elif (found := _APPENDED.match(line)) is not None:
            chain = rules.setdefault((table, found[1]), [])
            chain.append(Rule(family, table, found[1], len(chain), len(chain) + 1, line.strip()))
        elif line.strip() not in ("", "COMMIT") and not line.startswith("#"):
            raise DecodeError("ruleset", f"{line.strip()[:80]!r} is not what 'iptables-save' writes")
    chains = tuple(Chain(family, table, name, "", "", "", tuple(own)) for (table, name), own in rules.items())
    return Listing(chains, tuple(dict.fromkeys((family, table) for table, _ in rules)))


def in_words_of(listing: Listing, written: Listing) -> Listing:
    """`listing`, each rule in the words of `written` where that has it."""

    def named(rule: Rule) -> Rule:
        other = written.like(rule)
        return rule if other is None else replace(rule, text=other.text)

    chains = (replace(chain, rules=tuple(named(rule) for rule in chain.rules)) for chain in listing.chains)
    return replace(listing, chains=tuple(chains))


class _Rule(msgspec.Struct):
    family: str
    table: str
    chain: str
    handle: int
    expr: list[dict[str, object]] = msgspec.field(default_factory=list)


class _Entry(msgspec.Struct):
    rule: _Rule | None = None


class _Document(msgspec.Struct):
    nftables: list[_Entry]
