"""The [[sbc]] sections: where an SBC is, and how deep it is proven."""

from __future__ import annotations

import re

from tonekeeper.core.site import Account, Depth, DepthPolicy, Sbc, TlsPolicy
from tonekeeper.settings import kinds, rules
from tonekeeper.settings.kinds import Refusal, text
from tonekeeper.settings.table import Table
from tonekeeper.settings.uri import SbcPlace, sbc_uri

INTERVALS = {Depth.REGISTER: 300.0, Depth.CALL: 3600.0, Depth.VOICEMAIL: 900.0}
"""Seconds between two deep probes of a path, unless told. A call occupies a line, so it is made rarely."""

_USER = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/%-]{1,64}")
"""RFC 3261 section 25.1, `user`."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def read_sbcs(root: Table) -> tuple[Sbc, ...]:
    nowhere = "no SBC is configured, so there is nothing to watch"
    read = [(table, _sbc(table)) for table in root.tables("sbc", at_most=32, if_none=nowhere)]
    rules.one_sbc_a_name(read)
    rules.one_sbc_a_place(read)
    return tuple(sbc for _, sbc in read)


def _sbc(table: Table) -> Sbc:
    with table:
        place = table.required("uri", sbc_uri, SbcPlace(), example='"sip:sbc1.example.net"')
        sbc = Sbc(
            name=table.required("name", kinds.name(), "", example='"primary"'),
            uri=place.uri,
            host=place.host,
            port=place.port,
            transport=place.transport,
            media=table.optional("media", kinds.networks(at_most=16), ()),
            rtp=table.optional("rtp", kinds.rtp_range, None),
            stun=table.optional("stun", kinds.boolean, None),
            tls=_tls(table.table("tls")),
            account=_account(table.table_if_present("account")),
            depths=tuple(
                policy for depth in Depth if (policy := _depth(table.table_if_present(depth), depth)) is not None
            ),
        )
    rules.an_account_to_probe_with(table, sbc)
    return sbc


def _tls(table: Table) -> TlsPolicy:
    with table:
        policy = TlsPolicy(
            ca_file=str(table.optional("ca_file", kinds.absolute_path, None) or ""),
            cert_file=str(table.optional("cert_file", kinds.absolute_path, None) or ""),
            key_file=str(table.optional("key_file", kinds.absolute_path, None) or ""),
        )
    rules.whole_client_certificate(table)
    return policy


def _account(table: Table | None) -> Account | None:
    if table is None:
        return None
    with table:
        account = Account(
            user=table.required("user", sip_user, "", example='"tonekeeper-0042"'),
            domain=table.optional("domain", kinds.host, ""),
            auth_user=table.optional("auth_user", text, ""),
            password_file=str(table.optional("password_file", kinds.absolute_path, None) or ""),
            password_env=table.optional("password_env", _variable, ""),
        )
    rules.one_place_for_the_password(table)
    return account


def _depth(table: Table | None, depth: Depth) -> DepthPolicy | None:
    if table is None:
        return None
    with table:
        interval = table.optional("interval", kinds.duration("30s", "7d"), INTERVALS[depth])
        match depth:
            case Depth.REGISTER:
                target = ""
            case Depth.CALL:
                target = table.required("number", sip_user, "", example='"echo"')
            case Depth.VOICEMAIL:
                target = table.optional("mailbox", sip_user, "")
    return DepthPolicy(depth, interval, target)


def sip_user(value: object) -> str | Refusal:
    """The part of a SIP URI before the @."""
    remedy = 'write the user part of a SIP address alone, such as "tonekeeper-0042"'
    written = text(value)
    if isinstance(written, Refusal):
        return Refusal(written.reason, remedy)
    return written if _USER.fullmatch(written) else Refusal("is not the user part of a SIP address", remedy)


def _variable(value: object) -> str | Refusal:
    remedy = 'write the name of an environment variable, such as "TONEKEEPER_PASSWORD"'
    written = text(value)
    if isinstance(written, Refusal):
        return Refusal(written.reason, remedy)
    return written if _VARIABLE.fullmatch(written) else Refusal("is not the name of a variable", remedy)
