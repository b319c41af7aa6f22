"""`nat`: what the NAT on the way does, and for how long it remembers."""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError, Namespace
from dataclasses import dataclass

import msgspec

from tonekeeper.core.nat.attempt import LONGEST
from tonekeeper.core.nat.result import NOT_CHECKED, BindingKind, NatResult, Progress, SipAlg
from tonekeeper.core.nat.tracked import TrackedFlow
from tonekeeper.faces.cli.families import Families, add_command
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.nat_text import render_nat, render_progress

STUN_PORT = 3478
SIP_PORT = 5060
MOST_FLOWS = 20
"""In the document: those with the most time left."""
SHORTEST_WAIT, LONGEST_WAIT, LONGEST_WAIT_FOR_TCP = 2.0, 3600.0, 10_000.0
"""Seconds. A NAT must keep a TCP connection for 7,440 s (RFC 5382 REQ-5); a reflector keeps it for 14,400 s."""

_HOST_PORT = re.compile(r"(?:\[(?P<bracketed>[0-9A-Fa-f:.%]+)\]|(?P<host>[^\[\]:/\s]+))(?::(?P<port>[0-9]{1,5}))?")
_BARE_IPV6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*")


@dataclass(frozen=True, slots=True)
class Server:
    """A name or an address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Nat:
    """Measure the NAT between `interface` (empty: whichever leads there) and `server`."""

    server: Server
    interface: str = ""
    longest: float = LONGEST
    """Seconds a UDP binding is left idle at most."""
    longest_tcp: float = 0.0
    """Seconds a TCP connection is waited for when the rest is known; 0: not at all."""
    sip: tuple[Server, ...] = ()
    metered_allowed: bool = False
    json: bool = False


@dataclass(frozen=True, slots=True)
class KernelNat:
    """This host's own NAT, as its kernel is set; seconds. Read, not measured."""

    unreplied: int | None
    stream: int | None
    tcp: int | None
    flows: tuple[TrackedFlow, ...] = ()
    """To the SIP servers; empty as well where they cannot be read."""

    def __str__(self) -> str:
        told = ", ".join(f"{name} {seconds} s" for name, seconds in self.timeouts.items() if seconds is not None)
        longest: dict[BindingKind, TrackedFlow] = {}
        for one in self.longest_first:
            longest.setdefault(one.kind, one)
        left = "".join(f"; {one} is {kind} and has {one.remaining_s} s left" for kind, one in longest.items())
        return f"as a router, its own NAT is set to {told} (nf_conntrack, read and not measured){left}"

    @property
    def timeouts(self) -> dict[str, int | None]:
        return {"unreplied": self.unreplied, "stream": self.stream, "tcp": self.tcp}

    @property
    def longest_first(self) -> list[TrackedFlow]:
        """A flow that has more left than the settings say has a timeout of its own."""
        return sorted(self.flows, key=lambda one: -one.remaining_s)

    def document(self) -> list[dict[str, object]]:
        """Of the flows, as JSON."""
        return [
            {"flow": str(one), "kind": one.kind, "remaining_s": one.remaining_s, "helper": one.helper}
            for one in self.longest_first[:MOST_FLOWS]
        ]


def add_nat(families: Families) -> None:
    parser = add_command(
        families,
        "nat",
        _read_nat,
        help="measure NAT mapping, filtering, binding lifetime and SIP ALG",
        description="Leaves many UDP bindings and TCP connections idle at once, so that a lifetime is known hardly "
        "later than it is over. The server needs RFC 5780 (coturn, or 'tonekeeper reflector', which does TCP as "
        "well). What cannot be measured is said to be not checked, and why. Exit code 1 when SIP is rewritten or "
        "nothing could be measured.",
        example="tonekeeper nat --server stun.example.net --interface eth0 --max 120",
    )
    parser.add_argument("--server", metavar="HOST[:PORT]", type=_stun_server, required=True, help="STUN, RFC 5780")
    parser.add_argument("--interface", metavar="IF", default="", help="the WAN (default: whichever leads there)")
    parser.add_argument(
        "--max",
        metavar="S",
        dest="longest",
        type=_seconds,
        default=LONGEST,
        help="leave no UDP binding idle for longer than S seconds (default: %(default)g)",
    )
    parser.add_argument(
        "--tcp",
        metavar="S",
        dest="longest_tcp",
        type=_seconds_of_tcp,
        default=0.0,
        help="wait up to S seconds for TCP connections to die, which takes hours with most NATs (default: they are "
        "left idle for as long as UDP takes, and it is said what they outlived)",
    )
    parser.add_argument(
        "--sip",
        metavar="HOST[:PORT]",
        type=_sip_server,
        action="append",
        default=[],
        help="an SBC to ask with OPTIONS, to see whether SIP is rewritten; may be repeated",
    )
    parser.add_argument(
        "--allow-metered", action="store_true", help="measure even where bytes cost money; it takes about 90 kB"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def _read_nat(arguments: Namespace) -> Nat:
    return Nat(
        server=arguments.server,
        interface=arguments.interface,
        longest=arguments.longest,
        longest_tcp=arguments.longest_tcp,
        sip=tuple(arguments.sip),
        metered_allowed=arguments.allow_metered,
        json=arguments.json,
    )


def show_nat(command: Nat, result: NatResult, kernel: KernelNat | None, terminal: Terminal) -> Exit:
    """The answer of `nat`."""
    if command.json:
        document: dict[str, object] = msgspec.to_builtins(result)
        timeouts, flows = (None, None) if kernel is None else (kernel.timeouts, kernel.document())
        terminal.show_json(document | {"kernel_timeouts_s": timeouts, "kernel_flows": flows})
    else:
        about_kernel = str(kernel) if kernel is not None else ""
        text = render_nat(result, kernel=about_kernel, colour=terminal.wants_colour, width=terminal.width)
        terminal.show(text)
    return Exit.PROBLEMS if result.sip_alg is SipAlg.YES or _is_empty(result) else Exit.FINE


def show_progress(progress: Progress, terminal: Terminal) -> None:
    """Over what was shown before; nothing where standard error is no terminal."""
    terminal.show_progress(render_progress(progress, colour=terminal.wants_progress_colour, width=terminal.width))


def _is_empty(result: NatResult) -> bool:
    lifetimes = result.lifetime_s
    measured = (lifetimes.unreplied, lifetimes.replied, lifetimes.stream, lifetimes.tcp)
    return result.mapping == NOT_CHECKED == result.filtering and not any(measured)


def _stun_server(text: str) -> Server:
    return _server(text, STUN_PORT)


def _sip_server(text: str) -> Server:
    return _server(text, SIP_PORT)


def _server(text: str, default_port: int) -> Server:
    if _BARE_IPV6.fullmatch(text):
        return Server(text, default_port)
    found = _HOST_PORT.fullmatch(text)
    port = int(found["port"] or default_port) if found else 0
    if found is None or not 0 < port <= 65535:
        raise ArgumentTypeError(f"{text!r} is not HOST[:PORT]; write stun.example.net:{default_port}")
    return Server(found["bracketed"] or found["host"], port)


def _seconds(text: str) -> float:
    return _up_to(LONGEST_WAIT, text)


def _seconds_of_tcp(text: str) -> float:
    return _up_to(LONGEST_WAIT_FOR_TCP, text)


def _up_to(longest: float, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not SHORTEST_WAIT <= seconds <= longest:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds between {SHORTEST_WAIT:g} and {longest:g}")
    return seconds
