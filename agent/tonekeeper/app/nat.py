"""`tonekeeper nat`: one measurement in the foreground, by an ordinary user."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
from collections.abc import Callable, Sequence

from tonekeeper.core.events import GatewayChanged, LinkChanged, ReversePathFilterRead, RoutingChanged
from tonekeeper.core.nat.alg import SIP_PORT, SipQuestions
from tonekeeper.core.nat.attempt import Limits
from tonekeeper.core.nat.measurement import METERED, Measurement
from tonekeeper.core.nat.messages import Action, Event, WanChanged
from tonekeeper.core.nat.result import NatResult
from tonekeeper.drivers.measure import MeasureDriver
from tonekeeper.edge.entropy import token
from tonekeeper.edge.metered import is_mobile
from tonekeeper.edge.nat_kernel import kernel_timeouts, tracked_flows
from tonekeeper.edge.nat_sockets import NatSockets, local_address
from tonekeeper.edge.sip_rewriting import sip_helper
from tonekeeper.edge.system_resolver import look_up
from tonekeeper.errors import EdgeError
from tonekeeper.faces.cli.nat import KernelNat, Nat, Server, show_nat, show_progress
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.wire.endpoint import Endpoint

PROGRESS_EVERY = 0.25
"""Seconds."""

_SAYS_NOT_CHECKED = frozenset({0, errno.EADDRNOTAVAIL, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})
"""What is the matter with the network, and not with the command line or with permissions."""


def measure_nat(command: Nat, terminal: Terminal) -> Exit:
    result, sip_servers = asyncio.run(_measure(command, terminal))
    return show_nat(command, result, _kernel_nat(sip_servers), terminal)


def _kernel_nat(sip_servers: Sequence[Endpoint]) -> KernelNat | None:
    timeouts = kernel_timeouts()
    if timeouts is None:
        return None
    try:
        flows = tracked_flows(server.host for server in sip_servers)
    except EdgeError:  # it takes a privilege that this command does without
        flows = ()
    return KernelNat(timeouts.unreplied, timeouts.stream, timeouts.tcp, flows)


async def _measure(command: Nat, terminal: Terminal) -> tuple[NatResult, Sequence[Endpoint]]:
    server, local, refused = Endpoint(command.server.host, command.server.port), "", ""
    try:
        server, local = _way_to(command.server, command.interface)
    except EdgeError as error:
        if error.errno not in _SAYS_NOT_CHECKED:
            raise
        refused = str(error)
    wan = command.interface or _interface_towards(server.host)
    limits = Limits(longest=command.longest, longest_tcp=command.longest_tcp)
    if not refused and is_mobile(wan) and not command.metered_allowed:
        refused = f"{METERED.format(octets=limits.octets)} (--allow-metered)"
    sip_servers = _sip_servers(command, server)
    questions = SipQuestions(sip_servers, sip_helper(sip_servers) if kernel_timeouts() else None)
    started = asyncio.get_running_loop().time()
    measurement = Measurement(wan, server, started=started, limits=limits, sip=questions, refused=refused)
    device = command.interface or _device(wan, server, local)
    return await _run(measurement, local, device, wan, terminal), sip_servers


async def _run(measurement: Measurement, local: str, device: str, wan: str, terminal: Terminal) -> NatResult:
    sockets = NatSockets(lambda event: driver.feed(event), local=local, interface=device)
    driver = MeasureDriver[Event, Action, NatResult](measurement, token=token, execute=sockets.execute)
    is_this_host = local == measurement.attempt.server.host
    stop_watching = _watch(wan, local, driver) if wan and local and not is_this_host else _nothing_to_stop
    display = asyncio.create_task(_display(measurement, terminal))
    try:
        return await driver.run()
    finally:
        display.cancel()
        stop_watching()
        sockets.close()
        terminal.show_progress("")


async def _display(measurement: Measurement, terminal: Terminal) -> None:
    loop = asyncio.get_running_loop()
    while terminal.wants_progress:
        show_progress(measurement.progress(loop.time()), terminal)
        await asyncio.sleep(PROGRESS_EVERY)


def _way_to(server: Server, interface: str) -> tuple[Endpoint, str]:
    """The server's first address that can be reached from here, and the address to reach it from."""
    refusal: EdgeError | None = None
    for host in addresses_of(server):
        endpoint = Endpoint(host, server.port)
        try:
            return endpoint, local_address(endpoint, interface)
        except EdgeError as error:
            refusal = refusal or error
    assert refusal is not None
    raise refusal


def addresses_of(server: Server) -> Sequence[str]:
    doing = f"resolve '{server.host}'"
    try:
        return [address.partition("%")[0] for address in look_up(server.host, server.port)]
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise EdgeError(f"{doing}: {reason}", remedy="check the name, then this host's resolvers") from None


def _sip_servers(command: Nat, server: Endpoint) -> tuple[Endpoint, ...]:
    """Those that were named, and the server itself: a reflector mirrors SIP on these ports."""
    found = [Endpoint(server.host, SIP_PORT), server]
    for sip in command.sip:
        found += [Endpoint(host, sip.port) for host in addresses_of(sip)[:1] if (":" in host) == server.is_ipv6]
    return tuple(dict.fromkeys(found))


def _interface_towards(host: str) -> str:
    """Where a packet to `host` leaves; empty where the kernel cannot be asked."""
    try:
        from tonekeeper.edge.netlink.policy_routing import PolicyRouting

        with PolicyRouting() as kernel:
            return kernel.interface_towards(ipaddress.ip_network(host))
    except (ImportError, OSError, ValueError):
        return ""


def _device(wan: str, server: Endpoint, local: str) -> str:
    """`wan` if sockets may be bound to it, so that no better route elsewhere leads them through another NAT."""
    try:
        return wan if wan and local and local_address(server, wan) == local else ""
    except EdgeError:
        return ""


def _nothing_to_stop() -> None:
    """Of a measurement that has no WAN."""


def _watch(wan: str, local: str, driver: MeasureDriver[Event, Action, NatResult]) -> Callable[[], None]:
    """Tells the driver when the WAN is not what it was. Gives what ends that."""
    from tonekeeper.edge.netlink import LinkWatch

    before: list[GatewayChanged] = []

    def report(event: LinkChanged | GatewayChanged | ReversePathFilterRead | RoutingChanged) -> None:
        match event:
            case LinkChanged() if not (event.present and event.carrier and local in event.addresses):
                driver.feed(WanChanged(f"{wan} is no longer up with address {local}"))
            case GatewayChanged() if before and event != before[0]:
                driver.feed(WanChanged(f"the way out through {wan} changed"))
            case GatewayChanged():
                before.append(event)
            case _:
                pass

    links = LinkWatch([wan], report)
    links.start()
    return links.close
