"""What a valid file asks for and does not get, or gets otherwise than one may think: said, never silent."""

from __future__ import annotations

import ipaddress

from tonekeeper.core.site import Mode
from tonekeeper.settings.model import HttpSettings, Settings, SnmpSettings


def notices_about(settings: Settings) -> tuple[str, ...]:
    """One sentence each, beginning with the key path."""
    found = []
    if settings.site.failover.mode is Mode.STEER:
        found.append(
            'failover.mode = "steer": steering is not built yet; this release decides and reports as with "observe", '
            "and changes nothing in the kernel"
        )
    found += [
        f"wan[{index}].metered: used last, but probed as often as the others by this release"
        for index, wan in enumerate(settings.site.wans)
        if wan.metered
    ]
    if settings.nat is not None:
        found.append("nat: read, but this release does not measure NAT yet")
    if settings.lan.interfaces:
        found.append("lan: read, but this release does not look at phones yet")
    if settings.snmp is not None:
        found.append("snmp: read, but this release does not answer SNMP yet")
        found += _short_keys(settings.snmp)
    if settings.http is not None:
        found += _plain_http(settings.http)
    return tuple(found)


def _short_keys(snmp: SnmpSettings) -> list[str]:
    return [
        f"snmp.user[{index}].{key}: shorter than 8 characters, managers refuse that (RFC 3414 section 11.2)"
        for index, user in enumerate(snmp.users)
        for key, secret in (("auth_key", user.auth_key), ("priv_key", user.priv_key))
        if 0 < len(secret) < 8
    ]


def _plain_http(http: HttpSettings) -> list[str]:
    if http.tls_cert is not None:
        return ["http.tls_cert: read, but this release serves plain HTTP"]
    if not ipaddress.ip_address(http.listen.host).is_loopback:
        return [f"http.listen = {http.listen}: the token crosses the network in the clear, this release has no TLS"]
    return []
