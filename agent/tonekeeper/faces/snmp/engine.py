"""The engine of the stand-alone SNMP agent, with pysnmp: messages, their security, the bookkeeping of requests and
informs. The one module that knows pysnmp.

Objects come from our own view, and access is decided here instead of by VACM: everybody who may ask may read
everything, at the level of his own keys or above.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from pyasn1.error import PyAsn1Error
from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.carrier.base import AbstractTransportDispatcher
from pysnmp.carrier.error import CarrierError
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine as PysnmpEngine
from pysnmp.entity.rfc3413 import cmdrsp, context, ntforg
from pysnmp.error import PySnmpError
from pysnmp.proto import rfc1902, rfc1905
from pysnmp.proto.api import v2c
from pysnmp.smi import error as smi_error
from pysnmp.smi.instrum import AbstractMibInstrumController

from tonekeeper.faces.snmp.answers import answer
from tonekeeper.faces.snmp.managers import Level, Target, User
from tonekeeper.faces.snmp.sockets import NOTIFIER
from tonekeeper.faces.snmp.view import View
from tonekeeper.wire.agentx.pdus import Get, GetBulk, GetNext, Request, SearchRange
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.secret import Secret
from tonekeeper.wire.smi import Oid, Tag, Value, Varbind

Foreign: TypeAlias = Any
"""What pysnmp hands over: it has no types."""

TICK = 1.0
"""Seconds between two looks at what has run out."""
FASTER = 10
"""Times as fast does pysnmp forget what it keeps of each message: for 300 and 600 ticks, and authenticated or not."""
INFORM_TIMEOUT, INFORM_RETRIES = 3.0, 2
MOST_OCTETS = 1200
"""Of the varbinds of one answer to GETBULK, so that it fits into one packet with all that stands around them."""
SYS_UP_TIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)

Send = Callable[[bytes, int, Endpoint], None]
"""Message, LISTENER or NOTIFIER, where to; OSError where it cannot leave."""

_COMMUNITY = "community"
"""Security name of whoever knows it."""
_V1, _V2C, _V3 = 0, 1, 3
"""Message processing models."""
_AUTH = {
    "sha1": config.USM_AUTH_HMAC96_SHA,
    "sha224": config.USM_AUTH_HMAC128_SHA224,
    "sha256": config.USM_AUTH_HMAC192_SHA256,
    "sha384": config.USM_AUTH_HMAC256_SHA384,
    "sha512": config.USM_AUTH_HMAC384_SHA512,
}
_PRIV = {
    "": config.USM_PRIV_NONE,
    "aes128": config.USM_PRIV_CFB128_AES,
    "aes192": config.USM_PRIV_CFB192_AES,
    "aes256": config.USM_PRIV_CFB256_AES,
}
_LEVELS = {Level.AUTHENTICATED: "authNoPriv", Level.ENCRYPTED: "authPriv"}
_TYPES: dict[Tag, Foreign] = {
    Tag.INTEGER: rfc1902.Integer32,
    Tag.OCTET_STRING: rfc1902.OctetString,
    Tag.OBJECT_IDENTIFIER: rfc1902.ObjectIdentifier,
    Tag.IP_ADDRESS: rfc1902.IpAddress,
    Tag.COUNTER32: rfc1902.Counter32,
    Tag.GAUGE32: rfc1902.Gauge32,
    Tag.TIME_TICKS: rfc1902.TimeTicks,
    Tag.COUNTER64: rfc1902.Counter64,
}
_ABSENT = {
    Tag.NO_SUCH_OBJECT: rfc1905.noSuchObject,
    Tag.NO_SUCH_INSTANCE: rfc1905.noSuchInstance,
    Tag.END_OF_MIB_VIEW: rfc1905.endOfMibView,
}


class Engine:
    """`view` is asked at every request. `boots`: how often this engine has started, this time included.

    Making one takes its time, on a router seconds: that may be done on another thread. `start`, and whatever comes
    after, belongs into the running loop.
    """

    def __init__(
        self,
        engine_id: bytes,
        boots: int,
        *,
        users: Sequence[User],
        community: Secret | None,
        targets: Sequence[Target],
        view: Callable[[], View],
        send: Send,
    ) -> None:
        self._began = time.monotonic()
        self._engine = PysnmpEngine()
        self._identify(engine_id, boots)
        self._dispatcher = _Dispatcher(send)
        self._engine.register_transport_dispatcher(self._dispatcher)
        self._levels = {user.name: user.level for user in users}
        self._admit(users, community)
        self._targets = {target.name: target for target in targets}
        for target in targets:
            self._add_target(target)
        self._originator = ntforg.NotificationOriginator()
        self._objects = _Objects(view, self._check_access)
        self._respond(self._objects)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tick()

    def receive(self, message: bytes, through: int, source: Endpoint) -> None:
        """A message that somebody sent. Whatever is wrong with it ends with it; what is wrong with us is raised."""
        with suppress(Exception):  # on malformed BER pysnmp raises whatever comes: TypeError, IndexError, its own
            self._engine.message_dispatcher.receive_message(
                self._engine, _domain(source, through), _address(source), message
            )
        if (bug := self._objects.take_bug()) is not None:
            raise bug

    async def notify(self, name: str, varbinds: Sequence[Varbind]) -> bool:
        """Tell the target `name`: whether it has acknowledged that, or a trap has left. `varbinds` begin with
        snmpTrapOID.0."""
        acknowledged = self._targets[name].acknowledged
        pdu = v2c.InformRequestPDU() if acknowledged else v2c.SNMPv2TrapPDU()
        v2c.apiPDU.set_defaults(pdu)
        up_time = Varbind(SYS_UP_TIME, Value(Tag.TIME_TICKS, round((time.monotonic() - self._began) * 100) % 2**32))
        v2c.apiPDU.set_varbinds(pdu, [(one.oid, _object(one.value)) for one in (up_time, *varbinds)])
        done: asyncio.Future[bool] = self._loop.create_future()

        def answered(_engine: Foreign, _handle: Foreign, failure: Foreign, response: Foreign, _: Foreign) -> None:
            if not done.done():
                done.set_result(failure is None and not v2c.apiPDU.get_error_status(response))

        try:
            self._originator.send_pdu(self._engine, name, None, b"", pdu, answered)
        except (PySnmpError, PyAsn1Error):
            return False
        return await done if acknowledged else True

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._engine.unregister_transport_dispatcher()

    # --- making it

    def _identify(self, engine_id: bytes, boots: int) -> None:
        """By hand: an engine id given to pysnmp's constructor makes it keep the boots in the temporary directory."""
        own, boot_count, up_time = self._engine.get_mib_builder().import_symbols(
            "__SNMP-FRAMEWORK-MIB", "snmpEngineID", "snmpEngineBoots", "snmpEngineTime"
        )
        own.syntax = self._engine.snmpEngineID = own.syntax.clone(engine_id)
        boot_count.syntax = boot_count.syntax.clone(boots)
        up_time.syntax = _EngineTime.since(self._began)

    def _admit(self, users: Sequence[User], community: Secret | None) -> None:
        models = self._engine.message_processing_subsystems
        del models[_V1]
        if community is None:
            del models[_V2C]
        else:
            config.add_v1_system(self._engine, _COMMUNITY, community.reveal())
        for user in users:
            priv_key = user.priv_key.reveal() if user.priv_key is not None else None
            auth = (_AUTH[user.auth], user.auth_key.reveal())
            config.add_v3_user(self._engine, user.name, *auth, _PRIV[user.priv], priv_key)

    def _add_target(self, target: Target) -> None:
        how = (_COMMUNITY, "noAuthNoPriv", _V2C)
        if target.user:
            how = (target.user, _LEVELS[self._levels[target.user]], _V3)
        config.add_target_parameters(self._engine, target.name, *how)
        where = (_domain(target.address, NOTIFIER), tuple(target.address))
        patience = (INFORM_TIMEOUT * 100, INFORM_RETRIES)
        config.add_target_address(self._engine, target.name, *where, target.name, *patience)

    def _respond(self, objects: _Objects) -> None:
        here = context.SnmpContext(self._engine)
        here.unregister_context_name("")
        here.register_context_name("", objects)
        for responder in (cmdrsp.GetCommandResponder, cmdrsp.NextCommandResponder, cmdrsp.SetCommandResponder):
            responder(self._engine, here)
        _BulkResponder(self._engine, here)

    def _check_access(self) -> None:
        """Of the request that is being answered. USM lets lower levels pass that name another engine as the judge."""
        asked = self._engine.observer.get_execution_context("rfc3412.receiveMessage:request")
        if asked["messageProcessingModel"] == _V3:
            least = self._levels.get(str(asked["securityName"]))
            if least is None or int(asked["securityLevel"]) < least:
                raise smi_error.AuthorizationError(idx=0)

    def _tick(self) -> None:
        now = time.monotonic()
        self._dispatcher.handle_timer_tick(now)
        models = (*self._engine.message_processing_subsystems.values(), *self._engine.security_models.values())
        for model in models * (FASTER - 1):
            model.receive_timer_tick(self._engine, now)
        self._timer = self._loop.call_later(TICK, self._tick)


class _Objects(AbstractMibInstrumController):
    """Our view in place of pysnmp's tree of MIB objects, which takes ten times as long."""

    def __init__(self, view: Callable[[], View], check_access: Callable[[], None]) -> None:
        self._view = view
        self._check_access = check_access
        self._bug: Exception | None = None

    def take_bug(self) -> Exception | None:
        """What went wrong in making the latest answer, once; the manager was told genErr."""
        bug, self._bug = self._bug, None
        return bug

    def read_variables(self, *varbinds: Foreign, **_: object) -> list[Foreign]:
        return self.answer(Get(tuple(tuple(name) for name, _ in varbinds)))

    def read_next_variables(self, *varbinds: Foreign, **_: object) -> list[Foreign]:
        return self.answer(GetNext(tuple(SearchRange(tuple(name), ()) for name, _ in varbinds)))

    def write_variables(self, *_varbinds: Foreign, **_: object) -> list[Foreign]:
        self._check_access()
        raise smi_error.NotWritableError(idx=0)

    def answer(self, request: Request) -> list[Foreign]:
        self._check_access()
        try:
            found = answer(request, self._view(), MOST_OCTETS).varbinds
        except Exception as bug:
            self._bug = bug
            raise smi_error.GenError(idx=0) from bug
        return [(rfc1902.ObjectName(one.oid), _object(one.value)) for one in found]


class _BulkResponder(cmdrsp.BulkCommandResponder):
    """As many repetitions as fit into a packet (RFC 3416 section 4.2.3)."""

    def handle_management_operation(self, engine: Foreign, reference: Foreign, where: Foreign, pdu: Foreign) -> None:
        request = GetBulk(
            max(0, int(v2c.apiBulkPDU.get_non_repeaters(pdu))),
            max(0, int(v2c.apiBulkPDU.get_max_repetitions(pdu))),
            tuple(SearchRange(tuple(name), ()) for name, _ in v2c.apiPDU.get_varbinds(pdu)),
        )
        found = self.snmpContext.get_mib_instrum(where).answer(request)
        self.send_varbinds(engine, reference, 0, 0, found)
        self.release_state_information(reference)


class _Dispatcher(AbstractTransportDispatcher):
    """Our sockets as pysnmp's transports."""

    def __init__(self, send: Send) -> None:
        super().__init__()
        self._send = send
        self.set_timer_resolution(TICK)

    def get_transport(self, domain: Foreign) -> Foreign:
        is_ipv6 = tuple(domain[: len(udp6.SNMP_UDP6_DOMAIN)]) == udp6.SNMP_UDP6_DOMAIN
        return udp6.Udp6Transport if is_ipv6 else udp.UdpTransport

    def send_message(self, message: Foreign, domain: Foreign, address: Foreign) -> None:
        try:
            self._send(bytes(message), int(domain[-1]), Endpoint(str(address[0]), int(address[1])))
        except OSError as error:
            raise CarrierError(str(error)) from None


class _EngineTime(rfc1902.Integer32):
    """snmpEngineTime by a clock that nobody sets: pysnmp's own fails for ever once the wall clock has gone back."""

    @classmethod
    def since(cls, began: float) -> _EngineTime:
        syntax = cls(0)
        syntax.began = began
        return syntax

    def clone(self, *_: object, **__: object) -> Foreign:
        return rfc1902.Integer32(int(time.monotonic() - self.began))


def _domain(where: Endpoint, through: int) -> tuple[int, ...]:
    """Of a transport, with the socket behind it as pysnmp's own transports have their number."""
    return (*(udp6.SNMP_UDP6_DOMAIN if where.is_ipv6 else udp.SNMP_UDP_DOMAIN), through)


def _address(where: Endpoint) -> Foreign:
    kind = udp6.Udp6TransportAddress if where.is_ipv6 else udp.UdpTransportAddress
    return kind(tuple(where))


def _object(value: Value) -> Foreign:
    return _ABSENT[value.tag] if value.tag in _ABSENT else _TYPES[value.tag](value.content)
