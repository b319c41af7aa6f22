"""`tonekeeper fleet`: the provider's side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import assert_never

import msgspec

from tonekeeper.edge.whole_file import write_text
from tonekeeper.edge.yaml_document import parse_yaml
from tonekeeper.errors import ConfigError, EdgeError, Mistake
from tonekeeper.faces.cli.fleet import Fleet, PollFleet, ShowTargets, SimulateFleet, fleet_page, show_poll
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.fleet.inventory import Inventory, Method, read_csv, read_rows
from tonekeeper.fleet.summary import Polled, SiteState, summarise
from tonekeeper.fleet.targets import target_groups

LONGEST_INVENTORY = 256 * 1024 * 1024
"""Bytes: a million sites have a quarter of it."""
PROGRESS_EVERY = 0.2


def carry_out(command: Fleet, terminal: Terminal) -> Exit:
    match command:
        case PollFleet():
            return _poll(command, terminal)
        case ShowTargets():
            return _targets(command, terminal)
        case SimulateFleet():
            from tonekeeper.app.fleet_simulation import simulate_fleet

            return asyncio.run(simulate_fleet(command, terminal))
        case _:
            assert_never(command)


def read_inventory(file: str) -> Inventory:
    """ConfigError where nothing of it can be used."""
    path = Path(file)
    try:
        if path.stat().st_size > LONGEST_INVENTORY:
            raise _unusable(file, f"is longer than {LONGEST_INVENTORY} bytes", "split it")
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8"
        raise _unusable(file, f"cannot be read: {reason}", "name a file that this user may read") from None
    inventory = read_rows(_rows_of_yaml(text, file)) if path.suffix in (".yaml", ".yml") else read_csv(text)
    if not inventory.hosts:
        raise ConfigError(file, inventory.mistakes or [Mistake("file", "", "names no agent", "name some")])
    return inventory


def _rows_of_yaml(text: str, file: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    document = parse_yaml(text, file)
    if not isinstance(document.value, list):
        raise _unusable(file, "is no list", "write one `- name: ...` for each agent")
    for index, row in enumerate(document.value):
        where = f"line {document.line_of(f'[{index}]')}"
        yield where, row if isinstance(row, dict) else {"": row}


def _unusable(file: str, reason: str, remedy: str) -> ConfigError:
    return ConfigError(file, [Mistake("file", "", reason, remedy)])


def _poll(command: PollFleet, terminal: Terminal) -> Exit:
    try:
        from tonekeeper.fleet.poll import Patience, ask_over_http, poll
    except ImportError as error:
        raise EdgeError(f"poll: {error}", remedy="pip install 'tonekeeper[fleet]'") from None
    inventory = read_inventory(command.inventory)
    patience = Patience(command.timeout, command.retries, workers=command.workers, ca_file=command.ca_file)
    answers = poll(inventory.hosts, patience, {Method.HTTP: ask_over_http})
    polled: list[Polled] = []
    shown = 0.0
    with closing(answers):
        for one in answers:
            polled.append(one)
            if time.monotonic() - shown > PROGRESS_EVERY:
                shown = time.monotonic()
                ill = sum(other.state is SiteState.UNREACHABLE for other in polled)
                terminal.show_progress(f"{len(polled)} of {len(inventory.hosts)} asked, {ill} do not answer\n")
    terminal.show_progress("")
    summary = summarise(polled)
    if command.html:
        made_at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        write_text(Path(command.html), fleet_page(polled, summary, made_at))
    return show_poll(command, polled, summary, inventory.mistakes, terminal)


def _targets(command: ShowTargets, terminal: Terminal) -> Exit:
    if command.listen is not None:
        from tonekeeper.app.fleet_targets import serve_targets

        return asyncio.run(serve_targets(command.listen, command.inventory, terminal))
    inventory = read_inventory(command.inventory)
    terminal.show_bytes(msgspec.json.format(msgspec.json.encode(target_groups(inventory.hosts)), indent=2) + b"\n")
    for mistake in inventory.mistakes:
        terminal.say(f"{command.inventory}: {mistake.key_path}: {mistake.reason}; {mistake.remedy}")
    return Exit.USAGE if inventory.mistakes else Exit.FINE
