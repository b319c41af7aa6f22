"""What can only be judged across keys, or with the host in view. Values that were refused already are left alone."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Collection, Iterable, Sequence

from tonekeeper.core.site import DampingPolicy, Depth, FailoverPolicy, Mode, Sbc, Transport, Wan
from tonekeeper.errors import Mistake
from tonekeeper.settings.model import HttpSettings, Settings, SnmpTarget, SnmpUser
from tonekeeper.settings.suggestion import nearest
from tonekeeper.settings.table import Table
from tonekeeper.settings.written import as_written


def one_wan_a_name(wans: Sequence[tuple[Table, Wan]]) -> None:
    _once((table, wan.name) for table, wan in wans)


def one_sbc_a_name(sbcs: Sequence[tuple[Table, Sbc]]) -> None:
    _once((table, sbc.name) for table, sbc in sbcs)


def one_snmp_name_each(users: Sequence[tuple[Table, SnmpUser]], targets: Sequence[tuple[Table, SnmpTarget]]) -> None:
    _once((table, user.name) for table, user in users)
    _once((table, target.name) for table, target in targets)


def _once(names: Iterable[tuple[Table, str]]) -> None:
    first: dict[str, Table] = {}
    for table, name in names:
        if name and name in first:
            table.refuse("name", f"is the name of {first[name].path} too", "give each a name of its own")
        first.setdefault(name, table)


def one_sbc_a_place(sbcs: Sequence[tuple[Table, Sbc]]) -> None:
    """An alternate that is the primary is no alternate."""
    first: dict[tuple[str, int, str], Table] = {}
    for table, sbc in sbcs:
        place = (
            sbc.host.lower(),
            sbc.port or (5061 if sbc.transport is Transport.TLS else 5060),
            sbc.transport or Transport.UDP,
        )
        if sbc.host and place in first:
            table.refuse("uri", f"is the same place as {first[place].path}", "name another SBC, or leave this one out")
        first.setdefault(place, table)


def an_account_to_probe_with(table: Table, sbc: Sbc) -> None:
    for policy in sbc.depths:
        if sbc.account is None and policy.depth is not Depth.CALL and not table.has("account"):
            table.refuse(str(policy.depth), "needs a test account", "add a section [sbc.account] to this SBC")


def whole_client_certificate(table: Table) -> None:
    for key, needs in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if table.has(key) and not table.has(needs):
            table.refuse(key, f"is set without {needs}", f"set {needs} too, or leave {key} out")


def one_place_for_the_password(table: Table) -> None:
    if table.has("password_file") and table.has("password_env"):
        table.refuse("password_env", "is set beside password_file", "keep one of the two")
    if not table.has("password_file") and not table.has("password_env") and table.sound:
        remedy = "set password_file to the path of a file with the password in it, or password_env to a variable"
        table.refuse("password_file", "is missing", remedy)


def own_source_on_a_shared_interface(wans: Sequence[tuple[Table, Wan]]) -> None:
    """Two WANs behind one interface are told apart by the address they probe from."""
    for table, wan in wans:
        shared = [other for other, each in wans if each.interface == wan.interface and other is not table]
        if not wan.interface or not shared or (table.has("source") and not wan.source):
            continue
        if not wan.source:
            reason = f"is missing, and {shared[0].path} is on {wan.interface} as well"
            table.refuse("source", reason, "give each WAN on this interface an address of its own to probe from")
    first: dict[tuple[str, str], Table] = {}
    for table, wan in wans:
        key = (wan.interface, wan.source)
        if wan.interface and wan.source and key in first:
            table.refuse("source", f"is the source of {first[key].path} too", "give each WAN an address of its own")
        first.setdefault(key, table)


def steered_wans_on_their_own_interfaces(
    table: Table, policy: FailoverPolicy, wans: Sequence[tuple[Table, Wan]]
) -> None:
    """A route leads to an interface, and cannot tell two WANs behind one apart."""
    if policy.mode is not Mode.STEER:
        return
    first: dict[str, Table] = {}
    for each, wan in wans:
        if wan.interface and wan.interface in first:
            reason = (
                f"cannot move anything between {first[wan.interface].path} and {each.path}, both on {wan.interface}"
            )
            table.refuse("mode", reason, 'give each an interface of its own, such as a VLAN, or write "observe"')
            return
        first.setdefault(wan.interface, each)


def damping_that_ends_and_begins(table: Table, policy: DampingPolicy) -> None:
    """Two mistakes that would leave damping without effect, told of at a key that the file has."""
    if not table.sound:
        return
    if policy.reuse >= policy.suppress:
        if table.has("reuse"):
            remedy = "write less, or raise suppress"
            table.refuse("reuse", f"is not below suppress, which is {policy.suppress:g}", remedy)
        else:
            table.refuse("suppress", f"is not above reuse, which is {policy.reuse:g}", "write more, or lower reuse")
        return
    ceiling = policy.reuse * 2.0 ** (policy.max_suppress / policy.half_life)
    if ceiling > policy.suppress:
        return
    half_lives = math.ceil(math.log2(policy.suppress / policy.reuse) * 100) / 100
    key = next(key for key in ("max_suppress", "half_life", "suppress", "reuse") if table.has(key))
    table.refuse(
        key,
        f"would never let a penalty rise above {ceiling:.0f}, and suppress is {policy.suppress:g}",
        f"make max_suppress longer than {half_lives:.2f} times half_life, or bring suppress and reuse closer together",
    )


def proof_beyond_loopback(table: Table, http: HttpSettings) -> None:
    """Whoever can reach the agent must prove who they are: by the token, or by a certificate of their own."""
    if table.has("token_file") or table.has("client_ca") or _is_loopback(http):
        return
    remedy = "set token_file to the path of a file with a token in it, or listen on 127.0.0.1"
    table.refuse("listen", "can be reached from other hosts, and neither token_file nor client_ca is set", remedy)


def _is_loopback(http: HttpSettings) -> bool:
    return ipaddress.ip_address(http.listen.host).is_loopback


def whole_tls(table: Table) -> None:
    for key, needs in (("tls_cert", "tls_key"), ("tls_key", "tls_cert"), ("client_ca", "tls_cert")):
        if table.has(key) and not table.has(needs):
            table.refuse(key, f"is set without {needs}", f"set {needs} too, or leave {key} out")


def one_key_each(table: Table) -> None:
    """A user's passphrase stands here or in a file; privacy needs a passphrase of its own (RFC 3414 section 2.1)."""
    for purpose in ("auth", "priv"):
        key, file, protocol = f"{purpose}_key", f"{purpose}_key_file", f"{purpose}_protocol"
        if table.has(key) and table.has(file):
            table.refuse(file, f"is set beside {key}", "keep one of the two")
        if table.has(protocol) and not (table.has(key) or table.has(file)):
            table.refuse(protocol, "is set without a key", f"set {file} or {key}")
        if (table.has(key) or table.has(file)) and not table.has(protocol) and purpose == "priv":
            table.refuse(key if table.has(key) else file, f"is set without {protocol}", f'set {protocol} = "aes128"')


def interface_mistakes(settings: Settings, present: Collection[str]) -> tuple[Mistake, ...]:
    """The interfaces that `settings` names and the host does not have; `present` are those it has.

    For `check` and for start. At run time an interface may come and go, and that is for the core to judge.
    """
    named = [(f"wan[{i}].interface", wan.interface) for i, wan in enumerate(settings.site.wans)]
    named += [(f"lan.interfaces[{i}]", interface) for i, interface in enumerate(settings.site.lan.interfaces)]
    return tuple(
        Mistake(key_path, as_written(interface), "is no interface of this host", _of_these(interface, present))
        for key_path, interface in named
        if interface not in present
    )


def _of_these(interface: str, present: Collection[str]) -> str:
    meant = nearest(interface, present)
    if meant:
        return f"did you mean {meant}?"
    return f"this host has {', '.join(sorted(present))}" if present else "this host has none"
