"""`tonekeeper firewall`: what the ruleset of this host, or of a file, does to every SBC."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tonekeeper.core.commands import ResolveSbc
from tonekeeper.core.events import SbcResolved, SbcUnresolved
from tonekeeper.core.findings import Observation
from tonekeeper.core.firewall.allow_list import allow_list
from tonekeeper.core.firewall.attached import KernelTimeouts, attached_to_sip
from tonekeeper.core.firewall.flows import (
    ASSUMED_RTP,
    MOST_RTP_PORTS,
    FlowVerdict,
    Places,
    ports_named,
    questions_of,
    rtp_of,
    with_assumed_rtp,
)
from tonekeeper.core.firewall.judgement import observations_of, openable, problems_in
from tonekeeper.core.firewall.report import finding_reports, firewall_reports
from tonekeeper.core.lookups import is_address
from tonekeeper.core.report import FirewallReport
from tonekeeper.core.site import Role, RtpRange, Sbc, Site, Target, Wan
from tonekeeper.edge.dns import LIMIT, Resolver
from tonekeeper.edge.nameservers import Nameservers
from tonekeeper.edge.nat_kernel import kernel_timeouts
from tonekeeper.edge.shadow import Scene, ask_shadow
from tonekeeper.edge.shadow_ruleset import Ruleset, read_ruleset, ruleset_of_file
from tonekeeper.edge.shadow_surroundings import Surroundings, assumed_surroundings, read_surroundings
from tonekeeper.errors import ConfigError, Mistake
from tonekeeper.faces.cli.firewall import (
    AssumedInterface,
    CheckFirewall,
    Firewall,
    FirewallAnswer,
    ShowAllowList,
    show_allow_list,
    show_firewall,
)
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.settings import load_settings

_HELPER_SETTING = Path("/proc/sys/net/netfilter/nf_conntrack_helper")
_INTERFACES = re.compile(r'\b[io]if(?:name)? (?:!= |== )?(?:"([^"]+)"|(\{[^}]*\}|[\w.@-]+))|\bdevice "([^"]+)"')
_OF_IPTABLES = re.compile(r"(?:^| )-[io] (\S+)")
_QUOTED = re.compile(r'"([^"]+)"')
_ASSUMED_LAN, _ASSUMED_WANS = "192.168.{}.1/24", "198.18.{}.2/30"
_LAN_NAMES = ("br-lan", "lan", "lan0", "br0")


def check_firewall(command: Firewall, terminal: Terminal) -> Exit:
    site = _with_rtp(load_settings(Path(command.config)).site, command.rtp)
    match command:
        case ShowAllowList():
            places = find_places(site)
            for sbc in site.sbcs:
                if not places.targets.get(sbc.name):
                    terminal.say(f"SBC {sbc.name} cannot be located: it is missing in the list")
            for assumed in _assumed_rtp(site):
                terminal.say(f"assumed: {assumed}")
            return show_allow_list(command, allow_list(site, places), terminal)
        case CheckFirewall():
            if not command.ruleset:
                from tonekeeper.app.firewall_live import check_live

                return check_live(command, with_default_wan(site), terminal)
            host = _of_file(command, site)
            return show_firewall(command, check_rules(host, find_places(host.site, live=False)), terminal)


def _with_rtp(site: Site, told: RtpRange | None) -> Site:
    """What the command line says goes for every SBC, whatever the configuration says."""
    if told is None:
        return site
    return replace(site, rtp=told, sbcs=tuple(replace(sbc, rtp=None) for sbc in site.sbcs))


def _assumed_rtp(site: Site) -> tuple[str, ...]:
    untold = with_assumed_rtp(site)
    return (f"media of {', '.join(untold)} goes to ports {ASSUMED_RTP} (rtp is not configured)",) if untold else ()


def _ports_left_out(site: Site, ruleset: str) -> tuple[str, ...]:
    named = {rtp: len(ports_named(rtp, ruleset)) for rtp in dict.fromkeys(rtp_of(site).values())}
    return tuple(
        f"of {count} ports of {rtp} at which rules may begin or end, {MOST_RTP_PORTS} are asked about"
        for rtp, count in named.items()
        if count > MOST_RTP_PORTS
    )


@dataclass(frozen=True, slots=True)
class Host:
    """Whose rules are looked at."""

    site: Site
    surroundings: Surroundings
    ruleset: Ruleset
    lans: tuple[str, ...]
    notes: tuple[str, ...]
    is_live: bool


@dataclass(frozen=True, slots=True)
class Examination:
    flows: tuple[FirewallReport, ...]
    problems: tuple[Observation, ...]
    notes: tuple[str, ...]


def check_rules(host: Host, places: Places) -> FirewallAnswer:
    site = host.site
    started = time.perf_counter()
    found = examine(host, places)
    elapsed = time.perf_counter() - started
    notes = (*found.notes, *not_located(site, places))
    return FirewallAnswer(found.flows, finding_reports(found.problems), notes, elapsed)


def not_located(site: Site, places: Places) -> tuple[str, ...]:
    return tuple(f"SBC {sbc.name} cannot be located" for sbc in site.sbcs if not places.targets.get(sbc.name))


def examine(host: Host, places: Places) -> Examination:
    """Ask a copy of the host. Blocks for some tenths of a second; EdgeError where the kernel or a tool refuses."""
    site = host.site
    questions = questions_of(site, places, host.lans, ruleset=host.ruleset.text)
    wans = tuple((wan.name, wan.interface) for wan in site.wans)
    scene = Scene(host.surroundings, host.ruleset, host.lans, wans, rtp_of(site))
    names = [sbc.name for sbc in site.sbcs]

    def groups(verdicts: Sequence[FlowVerdict]) -> Sequence[Sequence[FlowVerdict]]:
        return openable(problems_in(verdicts, names))

    answer = ask_shadow(scene, questions, groups)
    observations = observations_of(problems_in(answer.verdicts, names), answer.openings)
    timeouts, assigns_helpers = _kernel(host)
    attached = attached_to_sip(answer.listing, timeouts, assigns_helpers=assigns_helpers)
    notes = (*host.notes, *_assumed_rtp(site), *_ports_left_out(site, host.ruleset.text), *answer.notes)
    return Examination(firewall_reports(answer.verdicts), (*observations, *attached), notes)


def _kernel(host: Host) -> tuple[KernelTimeouts | None, bool]:
    """Timeouts for UDP, and whether connections to port 5060 get a SIP helper by themselves; of this host only."""
    found = kernel_timeouts() if host.is_live else None
    try:
        assigns = host.is_live and _HELPER_SETTING.read_text().strip() == "1"
    except OSError:
        assigns = False
    return (KernelTimeouts(found.unreplied, found.stream) if found is not None else None), assigns


def with_default_wan(site: Site) -> Site:
    """A site without WANs has the one that the default route leaves through, if there is one."""
    if site.wans:
        return site
    from tonekeeper.edge.netlink import default_route_interface

    interface = default_route_interface()
    return replace(site, wans=(Wan(interface, interface),) if interface else ())


def live_host(site: Site) -> Host:
    """This one. EdgeError where its ruleset cannot be read."""
    ruleset = read_ruleset()
    site = with_default_wan(site)
    named = [*(wan.interface for wan in site.wans), *site.lan.interfaces, *_interfaces_in(ruleset.text)]
    surroundings = read_surroundings(named)
    lans, notes = _lans_of(site, surroundings)
    return Host(site, surroundings, ruleset, lans, notes, is_live=True)


def _lans_of(site: Site, surroundings: Surroundings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Where the phones are, and what was assumed about that."""
    if site.lan.interfaces or site.role is not Role.ROUTER:
        return site.lan.interfaces, ()
    outside = {wan.interface for wan in site.wans}
    for link in surroundings.links:
        if link.name not in outside and any(one.ip.is_private for one in surroundings.networks(link.name)):
            return (link.name,), (f"the phones are on {link.name} ([lan] interfaces names none)",)
    return (), ("no LAN interface is known ([lan] interfaces): phones are not asked about",)


def _of_file(command: CheckFirewall, site: Site) -> Host:
    ruleset = ruleset_of_file(Path(command.ruleset))
    named = _interfaces_in(ruleset.text)
    lans = command.lans or _assumed_lans(site, named)
    wans = command.wans or tuple(AssumedInterface(wan.interface) for wan in site.wans)
    if not wans:
        remedy = "name the WAN of that router: --wan eth0=198.51.100.2/30"
        raise ConfigError(command.config, [Mistake("wan", "", "there is none", remedy)])
    addressed = [(one.name, one.address or _ASSUMED_WANS.format(number)) for number, one in enumerate(wans)]
    inside = [(one.name, one.address or _ASSUMED_LAN.format(number)) for number, one in enumerate(lans, 1)]
    surroundings = assumed_surroundings(inside, addressed, named)
    by_interface = {wan.interface: wan for wan in site.wans}
    site = replace(site, wans=tuple(by_interface.get(one.name) or Wan(one.name, one.name) for one in wans))
    told = [f"{name} has {address}" for name, address in (*inside, *addressed)]
    notes = (f"the router of {command.ruleset}: {', '.join(told)}", *(() if inside else ("it has no LAN",)))
    return Host(site, surroundings, ruleset, tuple(name for name, _ in inside), notes, is_live=False)


def _assumed_lans(site: Site, named: Sequence[str]) -> tuple[AssumedInterface, ...]:
    wans = {wan.interface for wan in site.wans}
    known = site.lan.interfaces or [name for name in _LAN_NAMES if name in named][:1]
    return tuple(AssumedInterface(name) for name in known if name not in wans)


def _interfaces_in(ruleset: str) -> tuple[str, ...]:
    """Every interface that a rule names; a pattern ("eth*") names none."""
    found: list[str] = []
    for quoted, plain, device in _INTERFACES.findall(ruleset):
        found += [quoted, device, *(_QUOTED.findall(plain) if plain.startswith("{") else [plain])]
    found += [name.rstrip() for name in _OF_IPTABLES.findall(ruleset)]
    return tuple(dict.fromkeys(name for name in found if _is_name(name)))


def _is_name(name: str) -> bool:
    return 0 < len(name) <= 15 and not set(name) & set("*+/ {") and name not in ("lo", "vmap", "map")


def find_places(site: Site, *, live: bool = True) -> Places:
    """Where the SBCs and the resolvers are now. `live`: the WANs are this host's, and names are asked over them."""
    wans = site.wans if live else ()
    commands = [command for sbc in site.sbcs for command in _questions(sbc, wans)]
    targets = asyncio.run(_resolve(commands))
    return Places(targets, resolvers_of(site) if live else {wan.name: wan.resolvers for wan in site.wans})


def resolvers_of(site: Site) -> dict[str, tuple[str, ...]]:
    """The name servers of each WAN that are not this host itself."""
    nameservers = Nameservers()
    return {
        wan.name: tuple(
            one.address
            for one in nameservers.of(ResolveSbc("", "", 0, None, wan.name, wan.interface, wan.source, wan.resolvers))
            if _is_outside(one.address)
        )
        for wan in site.wans
    }


def _questions(sbc: Sbc, wans: Sequence[Wan]) -> list[ResolveSbc]:
    plain = ResolveSbc(sbc.name, sbc.host, sbc.port, sbc.transport)
    over = [replace(plain, wan=w.name, interface=w.interface, source=w.source, resolvers=w.resolvers) for w in wans]
    return over or [plain]


async def _resolve(commands: Sequence[ResolveSbc]) -> dict[str, tuple[Target, ...]]:
    found: dict[str, dict[Target, None]] = {}
    answered = 0
    nameservers = Nameservers()
    expected = sum(1 if is_address(one.host) else max(1, len(nameservers.of(one))) for one in commands)

    def hear(event: SbcResolved | SbcUnresolved) -> None:
        nonlocal answered
        answered += 1
        if isinstance(event, SbcResolved):
            found.setdefault(event.sbc, {}).update(dict.fromkeys(event.targets))

    loop = asyncio.get_running_loop()
    resolver = Resolver(hear, loop)
    deadline = loop.time() + LIMIT + 0.5
    try:
        for command in commands:
            resolver.execute(command)
        while answered < expected and loop.time() < deadline:
            await asyncio.sleep(0.01)
    finally:
        resolver.close()
    return {sbc: tuple(targets) for sbc, targets in found.items()}


def _is_outside(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return not (parsed.is_loopback or parsed.is_link_local)
