"""A NAT, described in the words of RFC 4787 (UDP) and RFC 5382 (TCP).

*Mapping*: how much of the remote endpoint decides whether two flows of one local endpoint leave from the same
external port (section 4.1). *Filtering*: how much of it a datagram from outside must share with somebody we wrote to,
to be let in (section 5). A binding ends when it was idle for too long (section 4.3); how long that is depends on what
it has seen so far: only datagrams outwards (*unreplied*), an answer too (*replied*), or a conversation (*stream*).
`LINUX` is the kernel's conntrack: a flow is a stream when an answer was seen and a further datagram passes more than
two seconds after the first (since 5.0); before that the unreplied time holds.

A TCP connection has an entry of its own. After its time the entry is gone, and then a packet inwards reaches nobody,
while one outwards makes a new entry where the NAT is loose, and reaches nobody either where it is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.wire.endpoint import Endpoint

FIRST_PORT, LAST_PORT = 32768, 65535


class Dependence(StrEnum):
    ENDPOINT_INDEPENDENT = "endpoint-independent"
    ADDRESS_DEPENDENT = "address-dependent"
    ADDRESS_AND_PORT_DEPENDENT = "address-and-port-dependent"


@dataclass(frozen=True, slots=True)
class NatBehaviour:
    """How a NAT treats UDP; lifetimes in seconds of idleness."""

    mapping: Dependence = Dependence.ENDPOINT_INDEPENDENT
    filtering: Dependence = Dependence.ADDRESS_AND_PORT_DEPENDENT
    unreplied: float = 30.0
    replied: float = 30.0
    stream: float = 120.0
    stream_after: float = 2.0
    """Seconds after the first datagram from which an answered binding may count as a stream."""
    inbound_refreshes: bool = True
    """Whether datagrams inwards keep a binding alive (RFC 4787 REQ-6: they may, nobody should count on it)."""
    tcp: float = 432_000.0
    """Of an established connection (Linux: 5 days)."""
    is_loose: bool = True
    """Whether packets outwards in the middle of a connection make an entry (nf_conntrack_tcp_loose)."""


LINUX = NatBehaviour(mapping=Dependence.ADDRESS_AND_PORT_DEPENDENT)


@dataclass(slots=True)
class _Binding:
    key: tuple[object, ...]
    local: Endpoint
    external: Endpoint
    first: float
    expires: float
    written_to: set[object]
    answered: bool = False


@dataclass(slots=True)
class _Connection:
    local: Endpoint
    external: Endpoint
    expires: float


def _seen(dependence: Dependence, remote: Endpoint) -> object:
    """The part of a remote endpoint that this dependence looks at."""
    if dependence is Dependence.ENDPOINT_INDEPENDENT:
        return None
    return remote.host if dependence is Dependence.ADDRESS_DEPENDENT else remote


class Nat:
    def __init__(self, address: str, behaviour: NatBehaviour) -> None:
        self.address = address
        self.behaviour = behaviour
        self.refused = 0
        """Datagrams from outside that no binding let in."""
        self._by_key: dict[tuple[object, ...], _Binding] = {}
        self._by_port: dict[int, _Binding] = {}
        self._connections: dict[tuple[Endpoint, Endpoint], _Connection] = {}
        """By local and remote endpoint."""
        self._port = FIRST_PORT

    def outward(self, now: float, local: Endpoint, remote: Endpoint) -> Endpoint:
        """The external endpoint from which a datagram to `remote` leaves now."""
        behaviour = self.behaviour
        key = (local, _seen(behaviour.mapping, remote))
        binding = self._by_key.get(key)
        if binding is None or binding.expires <= now:
            binding = self._bind(now, key, local)
        binding.written_to.add(_seen(behaviour.filtering, remote))
        binding.expires = now + self._lifetime(binding, now)
        return binding.external

    def inward(self, now: float, external: Endpoint, remote: Endpoint) -> Endpoint | None:
        """The local endpoint that a datagram from `remote` to `external` reaches now; None if it is refused."""
        binding = self._by_port.get(external.port)
        if (
            binding is None
            or binding.expires <= now
            or _seen(self.behaviour.filtering, remote) not in binding.written_to
        ):
            self.refused += 1
            return None
        if not binding.answered:
            binding.answered = True
            binding.expires += self.behaviour.replied - self.behaviour.unreplied
            lifetime = self.behaviour.replied
        else:
            lifetime = self._lifetime(binding, now)
        if self.behaviour.inbound_refreshes:
            binding.expires = now + lifetime
        return binding.local

    def connection_outward(self, now: float, local: Endpoint, remote: Endpoint, *, opens: bool) -> Endpoint | None:
        """The external endpoint of a packet of a TCP connection, or None where it is not let through."""
        known = self._connections.get((local, remote))
        if known is None and opens:
            known = self._connections[local, remote] = _Connection(local, Endpoint(self.address, local.port), now)
        elif known is None or (known.expires <= now and not self.behaviour.is_loose):
            return None
        known.expires = now + self.behaviour.tcp
        return known.external

    def connection_inward(self, now: float, external: Endpoint, remote: Endpoint) -> Endpoint | None:
        """The local endpoint that a packet of a TCP connection reaches, or None."""
        for (local, other), known in self._connections.items():
            if other == remote and known.external == external and known.expires > now:
                known.expires = now + self.behaviour.tcp
                return local
        self.refused += 1
        return None

    def _lifetime(self, binding: _Binding, now: float) -> float:
        if not binding.answered:
            return self.behaviour.unreplied
        is_stream = now > binding.first + self.behaviour.stream_after
        return self.behaviour.stream if is_stream else self.behaviour.replied

    def _bind(self, now: float, key: tuple[object, ...], local: Endpoint) -> _Binding:
        self._forget_expired(now)
        if len(self._by_port) > LAST_PORT - FIRST_PORT:
            raise RuntimeError(f"cannot bind another port of {self.address}: all are in use")
        while self._port in self._by_port:
            self._port = self._port + 1 if self._port < LAST_PORT else FIRST_PORT
        external = Endpoint(self.address, self._port)
        self._port = self._port + 1 if self._port < LAST_PORT else FIRST_PORT  # never the port of the one before
        binding = _Binding(key, local, external, now, now, set())
        self._by_key[key] = self._by_port[external.port] = binding
        return binding

    def _forget_expired(self, now: float) -> None:
        for binding in [binding for binding in self._by_port.values() if binding.expires <= now]:
            del self._by_port[binding.external.port]
            del self._by_key[binding.key]
