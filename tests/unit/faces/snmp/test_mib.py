"""The MIB and the served objects are one table, its numbers are for ever, and every state of the core has one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.faces import reports
from tonekeeper.core.checks import Outcome
from tonekeeper.core.firewall.flows import Direction, Origin, Traffic, Verdict
from tonekeeper.core.functions import Function, FunctionState
from tonekeeper.core.nat.result import NOT_CHECKED, BindingKind, Dependence, SipAlg
from tonekeeper.core.report import PathState, SbcState, Severity, WanState
from tonekeeper.core.site import Mode, Role, Transport
from tonekeeper.core.steering import Phase
from tonekeeper.faces.cli.mib import Mib
from tonekeeper.faces.cli.parser import parse_command
from tonekeeper.faces.snmp.definition import Served, Table
from tonekeeper.faces.snmp.mib import leaves_of, name_of, render_mib
from tonekeeper.faces.snmp.objects import agent, findings, firewall, nat, paths, proofs, sbcs, wans
from tonekeeper.faces.snmp.objects.table import NOTIFICATIONS, OBJECTS
from tonekeeper.faces.snmp.view import read_view
from tonekeeper.wire.smi import dotted

GIVEN = Path(__file__).parent / "numbers-that-were-given.txt"
MIB = render_mib(32473)

WORDS = [
    (agent.ROLE, [*Role]),
    (agent.MODE, [*Mode]),
    (agent.PHASE, ["off", *Phase]),
    (wans.STATE, [*WanState]),
    (wans.FACT, [*SipAlg]),
    (sbcs.SBC_STATE, [*SbcState, NOT_CHECKED]),
    (paths.PATH_STATE, [*PathState]),
    (paths.TRANSPORT, [*Transport]),
    (proofs.FUNCTION, [*Function]),
    (proofs.FUNCTION_STATE, [*FunctionState]),
    (nat.MAPPING, [*Dependence, NOT_CHECKED]),
    (nat.KIND, [*BindingKind]),
    (firewall.ORIGIN, [*Origin]),
    (firewall.TRAFFIC, [*Traffic]),
    (firewall.DIRECTION, [*Direction]),
    (firewall.VERDICT, [*Verdict]),
    (findings.SEVERITY, [*Severity]),
    (findings.OUTCOME, [*Outcome]),
]


@pytest.mark.parametrize(("syntax", "known"), WORDS, ids=lambda each: getattr(each, "text", ""))
def test_every_word_that_the_core_knows_has_a_number_and_there_are_no_others(syntax, known):
    assert sorted(syntax.convention.numbered) == sorted(map(str, known))
    assert [syntax.encode(word) for word in syntax.convention.numbered] == list(range(1, len(known) + 1))
    assert syntax.encode("something else") is None


def numbers() -> list[str]:
    """`1.10.1.3 tkWanState TonekeeperWanState`, and the words of every convention in the order of their numbers."""
    lines = []
    for part in OBJECTS:
        entry = (1,) if isinstance(part, Table) else ()
        for index in part.indices if isinstance(part, Table) else ():
            if index.number:
                lines.append(f"{dotted((1, part.number, *entry, index.number))} tk{index.name} {index.syntax.text}")
        for leaf in leaves_of(part):
            lines.append(f"{dotted((1, part.number, *entry, leaf.number))} {name_of(part, leaf)} {leaf.syntax.text}")
    lines += [f"0.{kind.number} tk{kind.name}" for kind in NOTIFICATIONS]
    lines += [f"{syntax.convention.name} {', '.join(syntax.convention.numbered)}" for syntax, _ in WORDS]
    return lines


def test_a_number_that_was_given_once_is_never_given_to_anything_else():
    """Whoever adds an object adds its line; no line is ever changed or taken away."""
    assert GIVEN.read_text().splitlines() == numbers()


def test_no_number_is_given_twice():
    given = [line.split()[0] for line in numbers()]
    assert len(given) == len(set(given))


def test_every_object_of_the_mib_stands_in_it_once_with_its_access():
    for part in OBJECTS:
        for leaf in leaves_of(part):
            access = "read-only" if leaf.read is not None else "accessible-for-notify"
            [definition] = re.findall(rf"^{name_of(part, leaf)} OBJECT-TYPE\n(.*?)::=", MIB, re.MULTILINE | re.DOTALL)
            assert f"MAX-ACCESS {access}\n" in definition


def test_every_name_fits_where_names_are_short_and_no_label_has_what_smiv2_forbids():
    names = re.findall(r"^(\w+) (?:OBJECT-TYPE|NOTIFICATION-TYPE|OBJECT-GROUP|OBJECT IDENTIFIER)", MIB, re.MULTILINE)
    assert max(map(len, names)) <= 32
    for syntax, _ in WORDS:
        for label, _ in syntax.convention.labels:
            assert re.fullmatch(r"[a-z][A-Za-z0-9]*", label)


def test_every_object_that_can_be_asked_for_is_in_a_group_and_no_group_has_another():
    grouped = re.findall(r"OBJECTS \{(.*?)\}", MIB[MIB.index("tkGroups OBJECT IDENTIFIER") :], re.DOTALL)
    names = [name.strip() for group in grouped for name in group.split(",")]
    assert sorted(names) == sorted(name_of(part, leaf) for part in OBJECTS for leaf in leaves_of(part))


def test_the_index_of_a_row_can_never_be_longer_than_an_oid():
    """Columns are found under 1.3.6.1.4.1.N.5060.1.T.1.C."""
    for part in OBJECTS:
        if isinstance(part, Table):
            lengths = [_longest(index.syntax) for index in part.indices]
            assert 12 + sum(lengths) <= 128, part.name


def _longest(syntax) -> int:
    sizes = [int(number) for number in re.findall(r"\d+", syntax.text.partition("(SIZE")[2])]
    return 1 + max(sizes) if syntax.is_variable else 1


def test_another_enterprise_moves_everything_with_it():
    assert "{ enterprises 4242 }" in render_mib(4242)
    assert "32473" not in render_mib(4242)
    oids = [varbind.oid for varbind in read_view(Served(reports.healthy()), 4242)]
    assert all(oid[:8] == (1, 3, 6, 1, 4, 1, 4242, 5060) for oid in oids)


def test_the_command_takes_a_number_that_can_be_an_enterprise(capsys):
    assert parse_command(["mib"]) == Mib(32473)
    assert parse_command(["mib", "--enterprise", "4242"]) == Mib(4242)
    for wrong in ("0", "2147483648", "x", "-1", "²"):
        with pytest.raises(SystemExit) as ended:
            parse_command(["mib", "--enterprise", wrong])
        assert ended.value.code == 2
        assert "is no enterprise number" in capsys.readouterr().err
