"""The [snmp] section: who may ask, who is told, and whether another agent of this host answers for us."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path

from tonekeeper.errors import DecodeError
from tonekeeper.settings import kinds, rules
from tonekeeper.settings.kinds import Refusal
from tonekeeper.settings.model import (
    SNMP_LISTEN,
    AuthProtocol,
    NotificationKind,
    PrivProtocol,
    SnmpSettings,
    SnmpTarget,
    SnmpUser,
)
from tonekeeper.settings.table import Table
from tonekeeper.settings.written import a_toml_type, as_written
from tonekeeper.wire.endpoint import Endpoint, parse_endpoint

_ONLY_STAND_ALONE = ("community", "community_file", "allow", "user", "target")
_TCP = "tcp:"
_MOST_NETWORKS = 32


def read_snmp(table: Table | None) -> SnmpSettings | None:
    if table is None:
        return None
    with table:
        default = SnmpSettings()
        users = [(each, _user(each)) for each in table.tables("user", at_most=32)]
        targets = [(each, _target(each)) for each in table.tables("target", at_most=8)]
        snmp = SnmpSettings(
            listen=table.optional("listen", kinds.endpoint(str(SNMP_LISTEN)), default.listen),
            enterprise=table.optional("enterprise", kinds.whole_number(1, 2**31 - 1), default.enterprise),
            users=tuple(user for _, user in users),
            agentx=table.optional("agentx", _master, None),
            community=table.optional("community", kinds.text, "", secret=True),
            community_file=table.optional("community_file", kinds.absolute_path, None),
            allow=table.optional("allow", _networks, ()),
            targets=tuple(target for _, target in targets),
        )
    rules.one_snmp_name_each(users, targets)
    _one_way_to_answer(table)
    _one_community(table)
    _community_that_not_everybody_hears(table, snmp)
    _keys_to_tell_by(table, targets, snmp)
    return snmp


def _user(table: Table) -> SnmpUser:
    with table:
        user = SnmpUser(
            name=table.required("name", kinds.name(), "", example='"noc"'),
            auth_protocol=table.required(
                "auth_protocol", kinds.one_of(AuthProtocol), AuthProtocol.SHA256, example='"sha256"'
            ),
            auth_key=table.optional("auth_key", kinds.text, "", secret=True),
            auth_key_file=table.optional("auth_key_file", kinds.absolute_path, None),
            priv_protocol=table.optional("priv_protocol", kinds.one_of(PrivProtocol), None),
            priv_key=table.optional("priv_key", kinds.text, "", secret=True),
            priv_key_file=table.optional("priv_key_file", kinds.absolute_path, None),
        )
    rules.one_key_each(table)
    return user


def _target(table: Table) -> SnmpTarget:
    with table:
        default = SnmpTarget("", Endpoint("", 0))
        return SnmpTarget(
            name=table.required("name", kinds.name(), "", example='"noc"'),
            address=table.required(
                "address", kinds.endpoint("192.0.2.9:162"), default.address, example='"192.0.2.9:162"'
            ),
            user=table.optional("user", kinds.name(), default.user),
            kind=table.optional("kind", kinds.one_of(NotificationKind), default.kind),
        )


def _master(value: object) -> Path | Endpoint | Refusal:
    remedy = 'write the path of its socket, such as "/var/agentx/master", or "tcp:127.0.0.1:705"'
    written = kinds.text(value)
    if isinstance(written, Refusal):
        return Refusal(written.reason, remedy)
    if not written.startswith(_TCP):
        return Path(written) if written.startswith("/") else Refusal("is no place of an SNMP agent", remedy)
    try:
        return parse_endpoint(written.removeprefix(_TCP))
    except DecodeError as error:
        return Refusal(error.reason, remedy)


def _networks(value: object) -> tuple[str, ...] | Refusal:
    remedy = 'write a list of networks or addresses, each once, such as ["192.0.2.0/24"]'
    if not isinstance(value, list):
        return Refusal(f"is {a_toml_type(value)}, not a list", remedy)
    if len(value) > _MOST_NETWORKS:
        return Refusal(f"names more than {_MOST_NETWORKS} networks", remedy)
    found: list[str] = []
    for each in value:
        try:
            network = str(ipaddress.ip_network(each if isinstance(each, str) else ""))
        except ValueError:
            return Refusal(f"{as_written(each)} is no network", remedy)
        if network in found:
            return Refusal(f"names {as_written(each)} twice", remedy)
        found.append(network)
    return tuple(found)


def _one_way_to_answer(table: Table) -> None:
    """Whoever answers for us has users, managers and a port of its own."""
    if not table.has("agentx"):
        return
    if table.has("listen"):
        table.refuse("listen", "is set beside agentx", "keep one of the two: with agentx, snmpd has the port")
    for key in _ONLY_STAND_ALONE:
        if table.has(key):
            table.refuse(key, "has no effect beside agentx", "leave it out, and set it up in snmpd.conf")


def _one_community(table: Table) -> None:
    if table.has("community") and table.has("community_file"):
        table.refuse("community_file", "is set beside community", "keep one of the two")


def _community_that_not_everybody_hears(table: Table, snmp: SnmpSettings) -> None:
    key = "community_file" if table.has("community_file") else "community"
    if not table.has(key) or snmp.allow or ipaddress.ip_address(snmp.listen.host).is_loopback:
        return
    table.refuse(
        key,
        f"would be answered to whoever reaches {snmp.listen}",
        'set allow to the networks of the managers, such as ["192.0.2.0/24"], or let them in by [[snmp.user]]',
    )


def _keys_to_tell_by(table: Table, targets: Sequence[tuple[Table, SnmpTarget]], snmp: SnmpSettings) -> None:
    has_community = table.has("community") or table.has("community_file")
    known = [user.name for user in snmp.users]
    for each, target in targets:
        if target.user and target.user not in known and "" not in known:
            remedy = f"name one of these: {', '.join(known)}" if known else "add a section [[snmp.user]]"
            each.refuse("user", "is no [[snmp.user]]", remedy)
        elif not each.has("user") and not has_community and each.sound:
            each.refuse("user", "is missing, and there is no community", "name the [[snmp.user]] to tell it by")
