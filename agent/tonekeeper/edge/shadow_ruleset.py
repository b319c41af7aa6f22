"""The ruleset of this host or of a file, and its copy in a namespace of its own.

Tables that iptables-nft owns hold expressions that only it can write, so they travel by its own save and restore. So do
those of iptables-legacy, into the nftables of the copy: the same matches in the same order, and the kernel traces them.
Flowtables stay behind: what they take past the rules has met the rules before. A rule whose verdict depends on more
than the packet is replaced by its conditions (wire/inexact_rule.py).
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tonekeeper.core.firewall.reading import Rulebook, RulePlace, Untraced
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.inexact_rule import InexactRule, inexact_rule, may_be_inexact
from tonekeeper.wire.ruleset import (
    Listing,
    Rule,
    decode_expressions,
    in_words_of,
    parse_iptables,
    parse_listing,
    without_offload,
)

LARGEST = 16 * 1024 * 1024
"""Bytes of a ruleset; a thousand rules take 100 kB."""
PATIENCE = 20.0
"""Seconds for one command."""
OWN_TABLE = "tonekeeper_shadow"
_FIRST = -2147483648

NOTHING = Listing((), ())

_MANAGED = re.compile(r"table (ip6?) (\S+) is managed by iptables-nft")
_FAMILIES = {"ip": "iptables", "ip6": "ip6tables"}
_LEGACY = {"ip": "ip_tables_names", "ip6": "ip6_tables_names"}
_DENIED = re.compile("not permitted|must be root|Permission denied", re.IGNORECASE)
_HANDLE_ECHOED = re.compile(r"^(?:insert|add) rule (\S+) (\S+) (\S+) .*# handle (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """As text, by the tool that reads it again."""

    nft: str
    iptables: tuple[tuple[str, str], ...] = ()
    """Family ("ip", "ip6") and what iptables-save wrote."""
    legacy: tuple[tuple[str, str], ...] = ()
    """Likewise, of iptables-legacy where iptables-nft has the same tables: both are in force."""
    ipset: str = ""
    original: Listing = NOTHING
    """With the handles that the rules have where they come from."""

    @property
    def text(self) -> str:
        return "\n".join((self.nft, *(text for _, text in (*self.iptables, *self.legacy))))


def read_ruleset() -> Ruleset:
    """Of the namespace this process is in. EdgeError where that takes a permission or a tool that is missing."""
    listed, warned = _output("nft", "-a", "list", "ruleset")
    managed = dict.fromkeys(_MANAGED.findall(listed + warned))
    saved = [(family, _saved(family, [table for of, table in managed if of == family])) for family in _FAMILIES]
    legacy = [(family, text) for family in _FAMILIES if (text := _legacy(family))]
    original = parse_listing(listed)
    clashing = [one for one in legacy if _tables(one[1]) & {table for of, table in original.tables if of == one[0]}]
    for family, text in (*saved, *legacy):
        written = parse_iptables(text, family)
        original = in_words_of(original, written) if (family, text) in saved else original
        if (family, text) in legacy and (family, text) not in clashing:
            original = Listing(
                (*original.chains, *written.chains), (*original.tables, *written.tables), original.blocks
            )
    iptables = (*(one for one in saved if one[1]), *(one for one in legacy if one not in clashing))
    ipset = _output("ipset", "save")[0] if any("match-set" in text for _, text in (*iptables, *clashing)) else ""
    return Ruleset(_without_tables(listed, managed), iptables, tuple(clashing), ipset, original)


def ruleset_of_file(path: Path) -> Ruleset:
    """A dump by `nft list ruleset`, `nft -j list ruleset` or `iptables-save`. EdgeError where it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        refused = error if isinstance(error, OSError) else None
        raise EdgeError(f"read the ruleset '{path}'", refused, remedy="give the path of a file") from None
    remedy = "give what 'nft list ruleset' or 'iptables-save' wrote"
    if len(content) > LARGEST:
        raise EdgeError(f"use the ruleset '{path}': it is longer than {LARGEST >> 20} MiB", remedy=remedy)
    text = content.decode("utf-8", "replace")
    if "\0" in text or not text.strip():
        raise EdgeError(f"use the ruleset '{path}': it is {'empty' if not text.strip() else 'no text'}", remedy=remedy)
    if re.search(r"^\*(?:filter|nat|mangle|raw|security)\s*$", text, re.MULTILINE):
        try:
            return Ruleset("", (("ip", text),), original=parse_iptables(text, "ip"))
        except DecodeError as error:
            raise EdgeError(f"use the ruleset '{path}': {error}", remedy=remedy) from None
    return Ruleset(text)


class ShadowRuleset:
    """The copy, loaded into the namespace this process is in."""

    def __init__(self, ruleset: Ruleset, interfaces: Iterable[str]) -> None:
        self.notes: list[str] = []
        text, flowtables = without_offload(ruleset.nft)
        if flowtables:
            self.notes.append(f"the flowtables {', '.join(flowtables)} are left out")
        if ruleset.ipset:
            _load(("ipset", "restore"), ruleset.ipset)
        for family, saved in ruleset.iptables:
            _load((_program(family, "restore"),), saved)
        for family, saved in ruleset.legacy:
            _load((f"{_FAMILIES[family]}-legacy-restore",), saved)
        if text.lstrip().startswith("{"):
            _load(("nft", "-j", "-f", "-"), text)
            text = ""
        _load(("nft", "-f", "-"), f"{text}\n{_tracing(ruleset.nft, interfaces)}")
        looks_inexact = may_be_inexact(ruleset.text)
        original = ruleset.original
        if looks_inexact and not original.tables:
            original = _listing()  # with the words of rules that are about to be replaced
        inexact, unreadable = self._replace_inexact() if looks_inexact else ({}, {})
        copy = _listing()
        original = original if original.tables else copy
        untraced = Untraced.NONE if not ruleset.legacy else Untraced.EXACT
        if any(may_be_inexact(saved) for _, saved in ruleset.legacy):
            untraced = Untraced.INEXACT
        self.book = Rulebook(copy, original, inexact, unreadable, untraced)

    def _replace_inexact(self) -> tuple[dict[RulePlace, InexactRule], dict[tuple[str, str, str], str]]:
        listed = decode_expressions(_output("nft", "-j", "-a", "list", "ruleset")[0].encode())
        found = [(rule, inexact) for rule, parts in listed if (inexact := inexact_rule(parts)) is not None]
        unreadable = {}
        if found and not _replaces([_replacement(rule, inexact) for rule, inexact in found]):
            for rule, inexact in found:
                if not _replaces([_replacement(rule, inexact)]):
                    unreadable[rule.family, rule.table, rule.chain] = inexact.depends_on
        return {(r.family, r.table, r.chain, r.position): inexact for r, inexact in found}, unreadable

    def insert(self, commands: Iterable[str]) -> tuple[str, ...]:
        """Carry out `insert rule ...` commands; the commands that undo it. Empty where the kernel refuses them."""
        script = "\n".join(commands) + "\n"
        done = _run(("nft", "-e", "-a", "-f", "-"), script)
        if done.returncode != 0:
            return ()
        return tuple(f"delete rule {' '.join(one[:3])} handle {one[3]}" for one in _HANDLE_ECHOED.findall(done.stdout))

    def undo(self, commands: Iterable[str]) -> None:
        _load(("nft", "-f", "-"), "\n".join(commands) + "\n")


def _listing() -> Listing:
    """Of the copy, without what is ours."""
    own = (("inet", OWN_TABLE), ("netdev", OWN_TABLE))
    return parse_listing(_without_tables(_output("nft", "-a", "list", "ruleset")[0], own))


def _replacement(rule: Rule, inexact: InexactRule) -> dict[str, object]:
    place = {"family": rule.family, "table": rule.table, "chain": rule.chain, "handle": rule.handle}
    counter = {"counter": {"packets": 0, "bytes": 0}}
    return {"replace": {"rule": {**place, "expr": [*inexact.conditions, counter]}}}


def _replaces(commands: list[dict[str, object]]) -> bool:
    document = msgspec.json.encode({"nftables": commands}).decode()
    return _run(("nft", "-j", "-f", "-"), document).returncode == 0


def _tracing(text: str, interfaces: Iterable[str]) -> str:
    """Rules of our own before all others, that switch tracing on for every packet."""
    hooks = "".join(
        f"chain {hook} {{ type filter hook {hook} priority {_FIRST}; meta nftrace set 1; }}\n"
        for hook in ("prerouting", "output")
    )
    tables = f"table inet {OWN_TABLE} {{\n{hooks}}}\n"
    if re.search(r"\bhook (?:in|e)gress\b", text):
        chains = "".join(
            f'chain c{number} {{ type filter hook ingress device "{name}" priority {_FIRST}; meta nftrace set 1; }}\n'
            for number, name in enumerate(interfaces)
        )
        tables += f"table netdev {OWN_TABLE} {{\n{chains}}}\n"
    return tables


def _saved(family: str, tables: list[str]) -> str:
    return "".join(_output(_program(family, "save"), "-t", table)[0] for table in tables)


def _legacy(family: str) -> str:
    """The rules of the old iptables; asking for them must not make its tables."""
    try:
        names = Path("/proc/thread-self/net", _LEGACY[family]).read_text().split()
    except OSError:
        return ""
    program = f"{_FAMILIES[family]}-legacy-save"
    if not names or shutil.which(program) is None:
        return ""
    return _output(program)[0]


def _program(family: str, verb: str) -> str:
    native, plain = f"{_FAMILIES[family]}-nft-{verb}", f"{_FAMILIES[family]}-{verb}"
    return native if shutil.which(native) is not None else plain


def _tables(saved: str) -> set[str]:
    return set(re.findall(r"^\*(\S+)", saved, re.MULTILINE))


def _without_tables(text: str, tables: Iterable[tuple[str, str]]) -> str:
    for family, table in tables:
        pattern = rf"^table {re.escape(family)} {re.escape(table)} \{{[^\n]*\n.*?^\}}\n"
        text = re.sub(pattern, "", text, flags=re.MULTILINE | re.DOTALL)
    return text


def _output(*command: str) -> tuple[str, str]:
    done = _run(command, "")
    if done.returncode != 0:
        _refuse(command, done.stderr)
    if len(done.stdout) > 2 * LARGEST:
        raise EdgeError(f"use the ruleset: it is longer than {2 * LARGEST >> 20} MiB", remedy="move lists into sets")
    return done.stdout, done.stderr


def _load(command: tuple[str, ...], text: str) -> None:
    done = _run(command, text)
    if done.returncode != 0:
        _refuse(command, done.stderr, "load the ruleset into its copy")


def _refuse(command: tuple[str, ...], said: str, doing: str = "") -> None:
    first = next((line.strip() for line in said.splitlines() if line.strip() and not line.startswith("#")), "no reason")
    doing = doing or f"run '{' '.join(command)}'"
    if _DENIED.search(said):
        remedy = "run it as root, or give a dump with --ruleset FILE"
        raise EdgeError(doing, OSError(errno.EPERM, os.strerror(errno.EPERM)), remedy=remedy)
    raise EdgeError(f"{doing}: {first[:200]}")


def _run(command: tuple[str, ...], stdin: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except FileNotFoundError:
        missing = OSError(errno.ENOSYS, f"there is no {command[0]}")
        raise EdgeError(f"run '{command[0]}'", missing, remedy=f"install {command[0]}") from None
    except subprocess.TimeoutExpired:
        raise EdgeError(f"run '{' '.join(command)}': no end after {PATIENCE:g} s") from None
