"""`tonekeeper firewall` on this host: its rules are asked in a copy, and beside it real packets show where they stop.

Where the rules cannot be asked (no permission, no namespaces, a ruleset that does not load) that is said, and the real
packets are sent all the same: an ordinary user may send them.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tonekeeper.app.egress import EgressResult, examine_egress
from tonekeeper.app.firewall import check_rules, find_places, live_host, not_located
from tonekeeper.core.firewall.flows import Places
from tonekeeper.core.firewall.report import finding_reports, worst_first
from tonekeeper.core.site import Site
from tonekeeper.errors import EdgeError
from tonekeeper.faces.cli.firewall import CheckFirewall, FirewallAnswer, show_egress_progress, show_firewall
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal


def check_live(command: CheckFirewall, site: Site, terminal: Terminal) -> Exit:
    places = find_places(site)
    rules_are_missing = False
    try:
        answer = check_rules(live_host(site), places)
    except EdgeError as error:
        if not command.probes:
            raise
        rules_are_missing = True
        terminal.say(f"{error}\nthe rules were not asked; real packets are sent all the same")
        notes = (f"the rules of this host: {error}", *not_located(site, places))
        answer = FirewallAnswer((), (), notes, 0.0)
    if command.probes:
        answer = _with_egress(answer, asyncio.run(_probe(site, places, answer, terminal)))
    shown = show_firewall(command, answer, terminal)
    return Exit.MISSING if rules_are_missing and shown is Exit.FINE else shown


async def _probe(site: Site, places: Places, answer: FirewallAnswer, terminal: Terminal) -> EgressResult:
    try:
        return await examine_egress(
            site, places, answer.flows, progress=lambda progress: show_egress_progress(progress, terminal)
        )
    finally:
        terminal.show_progress("")


def _with_egress(answer: FirewallAnswer, found: EgressResult) -> FirewallAnswer:
    findings = worst_first((*answer.findings, *finding_reports(found.observations)))
    return replace(answer, findings=findings, egress=found.rows, egress_s=found.elapsed_s)
