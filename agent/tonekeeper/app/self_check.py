"""`tonekeeper check --self`: for the pipeline that builds an image, and for the technician whose agent lacks something.

Each part is tried as the agent uses it, on this host and in this build; nothing is sent and nothing stays. Whether a
part that is missing matters depends on the site: without a configuration only what every site needs is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from tonekeeper import __file__ as program
from tonekeeper.core.lookups import is_address
from tonekeeper.core.site import Mode, Role, Site, Transport, Wan
from tonekeeper.edge import host_abilities
from tonekeeper.edge.capabilities import has_net_admin, missing_for_flows, missing_for_steering
from tonekeeper.errors import TonekeeperError
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.self_check import Part, SelfCheck, show_self_check
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.settings import Settings, load_settings
from tonekeeper.settings.model import PROFILES_DIR, STATE_DIR

Attempt = Callable[[], str]
"""Why it cannot be used; empty: it can."""

_MODULES = (
    ("daemon", "tonekeeper.app.daemon", "nothing is watched"),
    ("NAT measurements", "tonekeeper.app.nat_background", "lifetimes of bindings stay unknown"),
    ("deep probes", "tonekeeper.app.depth_background", "registrations and calls are not proven"),
    ("checks beside the paths", "tonekeeper.app.check_background", "a wrong clock or a portal stays unseen"),
    ("examination of silent paths", "tonekeeper.app.egress_background", "who stops SIP stays unknown"),
    ("diagnosis", "tonekeeper.app.diagnose", "nobody can ask for one"),
)
"""Name, module, what does not work without: each is imported by the daemon when it is first needed."""


def check_self(command: SelfCheck, terminal: Terminal) -> Exit:
    settings = load_settings(Path(command.file)) if command.file else None
    return show_self_check(command, tuple(_parts(settings)), terminal)


def _parts(settings: Settings | None) -> Iterator[Part]:
    yield from _build(settings)
    yield from _host(settings)
    if host_abilities.is_linux():
        yield from _kernel(settings)


def _build(settings: Settings | None) -> Iterator[Part]:
    site = settings.site if settings else None
    by_name = site is not None and any(not is_address(sbc.host) for sbc in site.sbcs)
    over_tls = site is not None and any(sbc.transport is Transport.TLS for sbc in site.sbcs)
    is_served = settings is None or settings.http is not None
    for name, module, without in _MODULES:
        yield _part(name, _importing(module), without, is_needed=True)
    yield _part("SIP messages", _sip, "no SBC can be asked", is_needed=True)
    yield _part("STUN messages", _stun, "NATs are not measured", is_needed=True)
    yield _part("status page", _page, "there is nothing to look at", is_needed=is_served)
    yield _part("names", _importing("tonekeeper.edge.dns_exchange"), "an SBC needs an address", is_needed=by_name)
    yield _part("TLS", _importing("tonekeeper.edge.tls"), "no SBC is reached over TLS", is_needed=over_tls)
    lan = site is not None and bool(site.lan.interfaces)
    profiles = settings.profiles_dir if settings else None
    yield _part("firmware profiles", lambda: _profiles(profiles), "no phone is known by its model", is_needed=lan)
    by_itself = settings is not None and settings.snmp is not None and settings.snmp.agentx is None
    snmp = _importing("tonekeeper.faces.snmp.engine")
    yield _part("SNMP by itself", snmp, "managers are answered through snmpd only", is_needed=by_itself)


def _host(settings: Settings | None) -> Iterator[Part]:
    directory = settings.state_dir if settings else STATE_DIR
    state = "nothing is remembered and no journal is kept"
    yield _part("state directory", lambda: host_abilities.missing_writable(directory), state, is_needed=True)
    clock = "certificates are refused and logs mislead"
    yield _part("clock", lambda: host_abilities.missing_clock(Path(program)), clock, is_needed=True)


def _kernel(settings: Settings | None) -> Iterator[Part]:
    site = settings.site if settings else None
    steers = site is not None and site.failover.mode is Mode.STEER
    routes = site is not None and site.role is Role.ROUTER
    listens = site is not None and bool(site.lan.interfaces)
    to_bind = "paths over different WANs cannot be told apart"
    yield _part("SO_BINDTODEVICE", host_abilities.missing_device_binding, to_bind, is_needed=True)
    yield _part("netlink", _netlink, "the state of the WANs is not seen", is_needed=True)
    admin = "nothing is steered and the firewall is not examined"
    yield _part("CAP_NET_ADMIN", _net_admin, admin, is_needed=steers or routes)
    raw = "phones that register are not noticed"
    yield _part("CAP_NET_RAW", host_abilities.missing_packet_sockets, raw, is_needed=listens)
    yield _part("policy routing", lambda: _first(missing_for_steering()), "nothing is steered", is_needed=steers)
    yield _part("conntrack", lambda: _first(missing_for_flows()), "phones keep the old WAN longer", is_needed=False)
    shadow = "what the firewall does to SIP stays unknown"
    yield _part("nftables, nftrace, namespaces", _shadow, shadow, is_needed=routes)


def _part(name: str, attempt: Attempt, without: str, *, is_needed: bool) -> Part:
    try:
        missing = attempt()
    except (TonekeeperError, ImportError, OSError) as error:
        missing = str(error).replace("\n", "; ")
    return Part(name, missing, without, is_needed)


def _importing(module: str) -> Attempt:
    def attempt() -> str:
        import_module(module)
        return ""

    return attempt


def _sip() -> str:
    from tonekeeper.wire.sip.message import decode_request, render_message

    said = [
        ("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-self-check"),
        ("From", "<sip:self@192.0.2.1>;tag=check"),
        ("To", "<sip:192.0.2.2>"),
        ("Call-ID", "self-check"),
        ("CSeq", "1 OPTIONS"),
        ("Max-Forwards", "70"),
    ]
    heard = decode_request(render_message("OPTIONS sip:192.0.2.2 SIP/2.0", said))
    return "" if heard.header("Call-ID") == "self-check" else "a request is not read as it was written"


def _stun() -> str:
    from tonekeeper.wire.stun.codec import decode_stun, encode_stun
    from tonekeeper.wire.stun.message import binding_request

    said = binding_request(bytes(12))
    return "" if decode_stun(encode_stun(said)).transaction_id == said.transaction_id else "a request is misread"


def _page() -> str:
    from tonekeeper.core.agent import Agent
    from tonekeeper.faces.http.page.render import render_page

    site = Site(name="self-check", wans=(Wan("lo", "lo"),), sbcs=())
    page = render_page(Agent(site, seed=1, started=0.0, version="self-check").report(0.0))
    return "" if "self-check" in page else "the page does not show the site"


def _profiles(directory: Path | None) -> str:
    from tonekeeper.app.profile_set import installed_profiles, load_profiles

    told = directory if directory not in (None, PROFILES_DIR) else None
    load_profiles(told or installed_profiles())
    return ""


def _netlink() -> str:
    from tonekeeper.edge.netlink import default_route_interface

    default_route_interface()
    return ""


def _net_admin() -> str:
    return "" if has_net_admin() else "the process does not have it; run as root, or grant it"


def _shadow() -> str:
    """A copy of this host's rules beside a made-up network, without a packet."""
    from tonekeeper.edge.shadow import Scene, ask_shadow
    from tonekeeper.edge.shadow_ruleset import read_ruleset
    from tonekeeper.edge.shadow_surroundings import assumed_surroundings

    network = assumed_surroundings([("lan0", "192.168.1.1/24")], [("wan0", "198.18.0.2/30")], ())
    ask_shadow(Scene(network, read_ruleset(), ("lan0",), (("wan", "wan0"),), {}), (), lambda verdicts: ())
    return ""


def _first(sentences: tuple[str, ...]) -> str:
    return sentences[0] if sentences else ""
