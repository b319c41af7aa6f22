"""What a valid file asks for and does not get, or gets otherwise than one may think: said, never silent."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from tonekeeper.core.site import Sbc, Wan
from tonekeeper.settings.model import HttpSettings, Settings, SnmpSettings
from tonekeeper.settings.table import Table

_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
"""RFC 1918, RFC 4193: what a LAN may be numbered from."""


def notices_about(settings: Settings) -> tuple[str, ...]:
    """One sentence each, beginning with the key path."""
    found = _private_media(settings.site.sbcs)
    if settings.snmp is not None:
        found += _short_keys(settings.snmp)
        found += _nobody_asks(settings.snmp)
    if settings.http is not None:
        found += _plain_http(settings.http)
    return tuple(found)


def unused_budgets(wans: Sequence[tuple[Table, Wan]]) -> tuple[str, ...]:
    return tuple(
        f"{table.path}.budget: has no effect without metered = true"
        for table, wan in wans
        if table.has("budget") and not wan.metered
    )


def _private_media(sbcs: Iterable[Sbc]) -> list[str]:
    return [
        f"sbc[{index}].media: {network} is a private network, and a LAN within it would be steered away too"
        for index, sbc in enumerate(sbcs)
        for network in sbc.media
        if "/" in network and _is_private(network)
    ]


def _is_private(written: str) -> bool:
    network = ipaddress.ip_network(written)
    return any(network.version == private.version and network.overlaps(private) for private in _PRIVATE)


def _short_keys(snmp: SnmpSettings) -> list[str]:
    return [
        f"snmp.user[{index}].{key}: shorter than 8 characters, so SNMP is not answered (RFC 3414 section 11.2)"
        for index, user in enumerate(snmp.users)
        for key, secret in (("auth_key", user.auth_key), ("priv_key", user.priv_key))
        if 0 < len(secret) < 8
    ]


def _nobody_asks(snmp: SnmpSettings) -> list[str]:
    if snmp.agentx is not None or snmp.users:
        return []
    if not (snmp.community or snmp.community_file):
        return ["snmp: neither a user nor a community is set, so nobody is answered"]
    if not ipaddress.ip_address(snmp.listen.host).is_loopback:
        return ["snmp.community: crosses the network in the clear, with all that is answered"]
    return []


def _plain_http(http: HttpSettings) -> list[str]:
    if http.tls_cert is not None or ipaddress.ip_address(http.listen.host).is_loopback:
        return []
    return [f"http.listen = {http.listen}: the token crosses the network in the clear; set tls_cert and tls_key"]
