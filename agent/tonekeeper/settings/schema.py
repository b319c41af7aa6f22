"""Which keys there are: one function a section, each key with its kind and its default.

The defaults are those of the values themselves; a test holds the tables of docs/configuration.md against them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tonekeeper.core.site import (
    DampingPolicy,
    FailoverPolicy,
    LanPolicy,
    Mode,
    NatPolicy,
    Prefer,
    ProbePolicy,
    Role,
    RtpRange,
    Site,
    Wan,
)
from tonekeeper.errors import Mistake
from tonekeeper.settings import kinds, rules
from tonekeeper.settings.checks import read_checks
from tonekeeper.settings.model import (
    PROFILES_DIR,
    STATE_DIR,
    HttpSettings,
    JournalSettings,
    LogFormat,
    LogLevel,
    LogSettings,
    Settings,
)
from tonekeeper.settings.notices import notices_about, unused_budgets
from tonekeeper.settings.sbcs import read_sbcs
from tonekeeper.settings.snmp import read_snmp
from tonekeeper.settings.table import Table


@dataclass(frozen=True, slots=True)
class _Agent:
    name: str = "tonekeeper"
    role: Role = Role.ROUTER
    state_dir: Path = STATE_DIR
    profiles_dir: Path = PROFILES_DIR


def read_settings(values: dict[str, object], mistakes: list[Mistake]) -> Settings:
    """The whole file. What comes back is only fit for use where `mistakes` is still empty."""
    with Table("", values, mistakes) as root:
        agent = _agent(root.table("agent"))
        wans = _wans(root)
        site = Site(
            name=agent.name,
            role=agent.role,
            wans=tuple(wan for _, wan in wans),
            sbcs=read_sbcs(root),
            probe=_probe(root.table("probe")),
            failover=_failover(root.table("failover"), wans),
            damping=_damping(root.table("damping")),
            nat=_nat(root.table_if_present("nat")),
            lan=_lan(root.table("lan")),
            rtp=_firewall(root.table("firewall")),
            checks=read_checks(root.table("checks")),
        )
        http = _http(root.table("http"))
        snmp = read_snmp(root.table_if_present("snmp"))
        journal = _journal(root.table("journal"))
        log = _log(root.table("log"))
    settings = Settings(site, agent.state_dir, agent.profiles_dir, http, snmp, journal, log)
    return replace(settings, notices=(*unused_budgets(wans), *notices_about(settings)))


def _agent(table: Table) -> _Agent:
    with table:
        default = _Agent()
        return _Agent(
            name=table.optional("name", kinds.name(63), default.name),
            role=table.optional("role", kinds.one_of(Role), default.role),
            state_dir=table.optional("state_dir", kinds.absolute_path, default.state_dir),
            profiles_dir=table.optional("profiles_dir", kinds.absolute_path, default.profiles_dir),
        )


def _wans(root: Table) -> list[tuple[Table, Wan]]:
    read = [(table, _wan(table)) for table in root.tables("wan", at_most=16)]
    rules.one_wan_a_name(read)
    rules.own_source_on_a_shared_interface(read)
    return read


def _wan(table: Table) -> Wan:
    with table:
        return Wan(
            name=table.required("name", kinds.name(), "", example='"fibre"'),
            interface=table.required("interface", kinds.interface, "", example='"eth0"'),
            source=table.optional("source", kinds.address, ""),
            metered=table.optional("metered", kinds.boolean, False),
            budget=table.optional("budget", kinds.size("1MiB", "1GiB"), Wan("", "").budget),
            resolvers=table.optional("resolvers", kinds.addresses(at_most=8), ()),
        )


def _probe(table: Table) -> ProbePolicy:
    with table:
        default = ProbePolicy()
        return ProbePolicy(
            interval=table.optional("interval", kinds.duration("1s", "1h"), default.interval),
            false_alarms_per_month=table.optional(
                "false_alarms_per_month", kinds.number(0.001, 1000), default.false_alarms_per_month
            ),
            packets_per_second=table.optional("packets_per_second", kinds.whole_number(1, 1000), None),
            bytes_per_day=table.optional("bytes_per_day", kinds.size("1MiB", "100GiB"), None),
        )


def _failover(table: Table, wans: Sequence[tuple[Table, Wan]]) -> FailoverPolicy:
    with table:
        default = FailoverPolicy()
        policy = FailoverPolicy(
            mode=table.optional("mode", kinds.one_of(Mode), default.mode),
            prefer=table.optional("prefer", kinds.one_of(Prefer), default.prefer),
            min_dwell=table.optional("min_dwell", kinds.duration("0s", "1d"), default.min_dwell),
            switches=table.optional("switches", kinds.whole_number(1, 100), default.switches),
            switch_refill=table.optional("switch_refill", kinds.duration("1s", "7d"), default.switch_refill),
            failback_after=table.optional("failback_after", kinds.duration("1s", "7d"), default.failback_after),
            failback_spread=table.optional("failback_spread", kinds.duration("0s", "1d"), default.failback_spread),
            probation=table.optional("probation", kinds.duration("0s", "1h"), default.probation),
        )
    rules.steered_wans_on_their_own_interfaces(table, policy, wans)
    return policy


def _damping(table: Table) -> DampingPolicy:
    # No ceiling overflows: 6h are 720 half-lives of 30s, and a float goes to the power of two of 1023.
    with table:
        default = DampingPolicy()
        policy = DampingPolicy(
            half_life=table.optional("half_life", kinds.duration("30s", "1d"), default.half_life),
            suppress=table.optional("suppress", kinds.number(100, 100000), default.suppress),
            reuse=table.optional("reuse", kinds.number(10, 50000), default.reuse),
            max_suppress=table.optional("max_suppress", kinds.duration("1m", "6h"), default.max_suppress),
        )
    rules.damping_that_ends_and_begins(table, policy)
    return policy


def _nat(table: Table | None) -> NatPolicy | None:
    if table is None:
        return None
    with table:
        return NatPolicy(*table.required("server", kinds.server(3478), ("", 0), example='"stun.example.net"'))


def _lan(table: Table) -> LanPolicy:
    with table:
        return LanPolicy(
            interfaces=table.optional("interfaces", kinds.interfaces, ()),
            probe=table.optional("probe", kinds.boolean, LanPolicy().probe),
            registrar_rate=table.optional("registrar_rate", kinds.number(0.1, 100_000), None),
            min_expiry=table.optional("min_expiry", kinds.duration("1s", "1d"), None),
        )


def _firewall(table: Table) -> RtpRange | None:
    with table:
        return table.optional("rtp", kinds.rtp_range, None)


def _http(table: Table) -> HttpSettings | None:
    with table:
        default = HttpSettings()
        enabled = table.optional("enabled", kinds.boolean, True)
        http = HttpSettings(
            listen=table.optional("listen", kinds.endpoint(str(default.listen)), default.listen),
            token_file=table.optional("token_file", kinds.absolute_path, None),
            tls_cert=table.optional("tls_cert", kinds.absolute_path, None),
            tls_key=table.optional("tls_key", kinds.absolute_path, None),
            client_ca=table.optional("client_ca", kinds.absolute_path, None),
        )
    rules.proof_beyond_loopback(table, http)
    rules.whole_tls(table)
    return http if enabled else None


def _journal(table: Table) -> JournalSettings:
    with table:
        return JournalSettings(table.optional("max_bytes", kinds.size("64KiB", "1GiB"), JournalSettings().max_bytes))


def _log(table: Table) -> LogSettings:
    with table:
        default = LogSettings()
        return LogSettings(
            format=table.optional("format", kinds.one_of(LogFormat), default.format),
            level=table.optional("level", kinds.one_of(LogLevel), default.level),
        )
