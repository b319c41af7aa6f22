"""The layers of the house, each rule with its reason. Imports are read from the source, nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "agent" / "tonekeeper"
ROOT = PACKAGE.parent

PURE = ("core", "wire", "phones")

LAYERS: dict[str, tuple[tuple[str, ...], str]] = {
    "errors": ((), "the family of errors is known to all, so it may know nobody"),
    "wire": (("errors",), "a codec knows bytes and values, not what they are for"),
    "core": (("errors", "wire"), "decisions must run live, in replay and in simulation, so they know no adapter"),
    "phones": (("errors", "wire"), "profiles and timers are computed from numbers that are handed in"),
    "settings": (("errors", "wire", "core"), "settings are read into the values that the core is built with"),
    "drivers": (("errors", "wire", "core"), "a driver turns the crank of the core; adapters are handed to it"),
    "edge": (("errors", "wire", "core"), "an adapter speaks in core values and keeps no opinion"),
    "fleet": (("errors", "wire", "core"), "the provider's side knows agents by what they report"),
    "faces": (("errors", "wire", "core", "phones", "fleet"), "a face renders values; it must not reach behind them"),
}

FORBIDDEN_IN_PURE = {
    "asyncio": "scheduling belongs to drivers",
    "concurrent": "scheduling belongs to drivers",
    "datetime": "the only time is the `now` that is handed in",
    "io": "I/O belongs to edges",
    "logging": "the core returns LogChange; faces write it",
    "multiprocessing": "scheduling belongs to drivers",
    "os": "the system belongs to edges",
    "pathlib": "files belong to edges",
    "random": "jitter comes from the seeded generator in core/chance.py, unpredictability arrives in events",
    "secrets": "unpredictability arrives in events",
    "select": "I/O belongs to edges",
    "selectors": "I/O belongs to edges",
    "socket": "I/O belongs to edges",
    "ssl": "I/O belongs to edges",
    "subprocess": "processes belong to edges",
    "threading": "scheduling belongs to drivers",
    "time": "the only time is the `now` that is handed in",
    "uuid": "unpredictability arrives in events",
}

ONLY_IN = {
    "pyroute2": (
        "edge/netlink/requests.py",
        "one module talks to it, in our own frozen values; it costs 8 MiB where it is loaded",
    ),
    "dns": ("edge/dns_messages.py", "one module writes and reads DNS messages; it costs 4 MiB where it is loaded"),
    "pysnmp": ("faces/snmp/engine.py", "SNMP's messages and their security are one module's subject; it costs 17 MiB"),
    "h11": ("faces/http/connection.py", "HTTP on the wire is one module's subject"),
    "requests": ("fleet/poll.py", "one module asks agents over HTTP, at the provider; no agent carries it"),
    "yaml": ("edge/yaml_document.py", "one module knows what YAML means here"),
}

LOADED_LATE = {
    "tonekeeper.edge.dns_exchange": "it brings dnspython, and an agent whose SBCs are all addresses does without",
    "tonekeeper.edge.netlink.requests": "it brings pyroute2, and an agent that changes nothing does without",
    "tonekeeper.edge.tls": "it brings OpenSSL, and an agent without TLS paths does without",
    "tonekeeper.faces.http.tls": "it brings OpenSSL, and an agent that serves plain HTTP does without",
    "tonekeeper.app.phone_background": "it brings the firmware profiles, and an agent without [lan] does without",
    "tonekeeper.app.snmp_background": "an agent without [snmp] does without",
    "tonekeeper.faces.snmp.engine": "it brings pysnmp, and an agent that answers through snmpd does without",
    "tonekeeper.faces.playbook.page": "it is a document, which no running agent needs",
    "tonekeeper.app.check_background": "an agent that looks at nothing beside the paths does without",
    "tonekeeper.app.checks.clock": "each check is loaded when its time has come",
    "tonekeeper.app.checks.conntrack": "each check is loaded when its time has come",
    "tonekeeper.app.checks.dhcp": "each check is loaded when its time has come",
    "tonekeeper.app.checks.double_nat": "each check is loaded when its time has come",
    "tonekeeper.app.checks.portal": "each check is loaded when its time has come",
    "tonekeeper.app.egress_background": "an agent examines no path in its first minute, while all is well",
    "tonekeeper.app.depth_background": "an agent that proves no more of its SBCs than that they answer does without",
}

WORDS_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "manager", "common", "base", "misc"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@cache
def parsed(module: Path) -> ast.Module:
    return ast.parse(module.read_text())


@cache
def nodes_of(module: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(parsed(module)))


def statements_in(node: ast.AST) -> Iterator[ast.AST]:
    """All of them, and not the expressions, which are many times as many."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield child
            yield from statements_in(child)


@cache
def imports_of(module: Path) -> tuple[str, ...]:
    found: list[str] = []
    for node in statements_in(parsed(module)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found)


def layer_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "tonekeeper" and len(parts) > 1 else None


def relative(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def own_layer(module: Path) -> str:
    return relative(module).removesuffix(".py").split("/")[0]


def test_every_module_has_a_layer_but_the_composition_root_and_the_doors_to_it():
    assert {own_layer(m) for m in modules()} - set(LAYERS) == {"app", "__init__", "__main__"}


def pure_modules() -> list[Path]:
    return [m for m in modules() if own_layer(m) in PURE]


def test_a_module_imports_only_the_layers_below_it():
    breaches = []
    for module in modules():
        own = own_layer(module)
        if own in LAYERS:
            allowed, reason = LAYERS[own]
            layers = {layer for name in imports_of(module) if (layer := layer_of(name)) in LAYERS or layer == "app"}
            breaches += [f"{relative(module)} imports {layer}: {reason}" for layer in layers - {own, *allowed}]
    assert breaches == []


def test_a_pure_module_reads_no_clock_draws_no_lots_and_opens_nothing():
    imports = [(module, name, name.split(".")[0]) for module in pure_modules() for name in imports_of(module)]
    assert [
        f"{relative(module)} imports {name}: {FORBIDDEN_IN_PURE[package]}"
        for module, name, package in imports
        if package in FORBIDDEN_IN_PURE
    ] == []


def test_a_pure_module_calls_neither_open_nor_print_nor_input():
    assert [
        f"{relative(module)}:{node.lineno} calls {node.func.id}"
        for module in pure_modules()
        for node in nodes_of(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in {"open", "print", "input", "exec", "eval"}
    ] == []


def test_the_core_never_walks_over_a_bare_set():
    """The order of a set of strings changes with the hash seed, and a replay would differ."""
    assert [
        f"{relative(module)}:{node.iter.lineno}"
        for module in modules()
        if own_layer(module) == "core"
        for node in nodes_of(module)
        if isinstance(node, ast.For | ast.comprehension) and is_bare_set(node.iter)
    ] == []


def is_bare_set(node: ast.expr) -> bool:
    makes_one = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
    return makes_one or isinstance(node, ast.Set | ast.SetComp)


@pytest.mark.parametrize("library", ONLY_IN)
def test_an_outside_library_is_imported_by_one_module_only(library):
    home, reason = ONLY_IN[library]
    importers = [relative(m) for m in modules() if any(n.split(".")[0] == library for n in imports_of(m))]
    assert importers == [home], reason


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize("late", LOADED_LATE)
def test_what_costs_memory_is_loaded_where_it_is_needed_and_not_before(late):
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for module in modules():
        if late not in imports_of(module):
            continue
        lazy = [part for part in nodes_of(module) if isinstance(part, functions) or is_for_types_only(part)]
        inside = {node for part in lazy for node in ast.walk(part)}
        early = [node for node in nodes_of(module) if isinstance(node, ast.ImportFrom) and node not in inside]
        assert late not in {node.module for node in early}, f"{relative(module)}: {LOADED_LATE[late]}"


def test_no_file_is_named_after_nothing():
    for module in modules():
        words = set(module.stem.split("_"))
        assert not words & WORDS_THAT_SAY_NOTHING, relative(module)


def test_a_file_has_one_subject_and_opens_by_naming_it():
    for module in modules():
        length = module.read_text().count("\n")
        assert length <= 500, f"{relative(module)} has outgrown its subject: split it"
        assert ast.get_docstring(parsed(module)), f"{relative(module)} does not say what it is about"
