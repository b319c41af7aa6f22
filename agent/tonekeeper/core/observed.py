"""What the agent itself says about the checks that need no tool beside its probing: read from its report.

None: not known yet, and it will be. What will never be known is `not checked`, with what would make it possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.lookups import is_address
from tonekeeper.core.report import Report, SbcReport, SbcState, WanState
from tonekeeper.core.site import Site

Judge = Callable[[Site, Report], CheckResult | None]

_DNS = ("sbc-unresolved", "dns-broken", "dns-lies", "dns-stale")
_MEDIA = ("media-one-way", "media-poor")


def _wans(site: Site, report: Report) -> CheckResult | None:
    if _findings(report, ("site-offline",)):
        return _result(Check.WANS, False, "nobody answers over any WAN")
    if any(wan.state is WanState.UNKNOWN for wan in report.wans):
        return None
    told = ", ".join(f"{wan.name} {wan.state}{_lost(report, wan.name)}" for wan in report.wans)
    fine = all(wan.state is WanState.UP for wan in report.wans)
    fine = fine and not _findings(report, ("wan-degraded", "wan-flapping"))
    return _result(Check.WANS, fine, told)


def _lost(report: Report, wan: str) -> str:
    losses = [path.loss for sbc in report.sbcs for path in sbc.paths if path.wan == wan and path.loss is not None]
    return f" ({sum(losses) / len(losses):.0%} lost)" if losses and sum(losses) else ""


def _dns(site: Site, report: Report) -> CheckResult | None:
    named = [sbc for sbc in site.sbcs if not is_address(sbc.host)]
    if not named:
        return CheckResult(Check.DNS, Outcome.NOT_CHECKED, "every SBC is configured by its address")
    if broken := _findings(report, _DNS):
        return _result(Check.DNS, False, _subjects(report, broken))
    waiting = [one for one in report.sbcs if one.confirmed_s is None and one.name in {sbc.name for sbc in named}]
    return None if waiting else _result(Check.DNS, True, f"{_counted(len(named), 'name')} resolved")


def _sbcs(site: Site, report: Report) -> CheckResult | None:
    if _findings(report, ("site-offline",)):
        return CheckResult(Check.SBCS, Outcome.NOT_CHECKED, "nobody answers over any WAN")
    if any(sbc.state is SbcState.UNKNOWN for sbc in report.sbcs):
        return None
    fine = all(sbc.state is SbcState.HEALTHY for sbc in report.sbcs)
    fine = fine and not _findings(report, ("same-address-twice", "standby-drift", "tls-invalid", "tls-expiring"))
    return _result(Check.SBCS, fine, ", ".join(f"{sbc.name} {sbc.state}" for sbc in report.sbcs))


def _media(site: Site, report: Report) -> CheckResult | None:
    called = {sbc.name for sbc in site.sbcs if any(policy.depth == "call" for policy in sbc.depths)}
    if not called:
        return CheckResult(Check.MEDIA, Outcome.NOT_CHECKED, "no echo number is configured ([sbc.call])")
    asked = [sbc for sbc in report.sbcs if sbc.name in called and sbc.state is not SbcState.DOWN]
    if not asked:
        return CheckResult(Check.MEDIA, Outcome.NOT_CHECKED, "no SBC answers that could be called")
    if broken := _findings(report, _MEDIA):
        return _result(Check.MEDIA, False, _subjects(report, broken))
    if any(_is_awaited(sbc, "media") for sbc in asked):
        return None
    return _result(Check.MEDIA, True, f"an echo call was heard both ways over {_counted(len(asked), 'SBC')}")


def _is_awaited(sbc: SbcReport, name: str) -> bool:
    for function in sbc.functions:
        if function.function == name:
            return function.state == "unknown" or function.passed_s is None
    return True


def _nat(site: Site, report: Report) -> CheckResult | None:
    if site.nat is None:
        return CheckResult(Check.NAT, Outcome.NOT_CHECKED, "no [nat] server is configured to measure it from")
    up = [wan for wan in report.wans if not wan.metered and wan.state is WanState.UP]
    if not up:
        return CheckResult(Check.NAT, Outcome.NOT_CHECKED, "no WAN is up that may be measured (metered ones are not)")
    if {wan.name for wan in up} - {nat.wan for nat in report.nat}:
        return None
    told = [f"{nat.wan} {nat.mapping}{_kept(nat.lifetime_s.get('replied'))}" for nat in report.nat]
    return _result(Check.NAT, not _findings(report, ("nat-binding-short",)), "; ".join(told))


def _kept(lifetime: tuple[float, float | None] | None) -> str:
    if lifetime is None:
        return ""
    low, high = lifetime
    return f", forgets UDP after {low:.0f} s or more" if high is None else f", forgets UDP after {low:.0f}-{high:.0f} s"


def _sip_alg(site: Site, report: Report) -> CheckResult | None:
    if _findings(report, ("sip-alg-active", "sip-helper-attached")):
        return _result(Check.SIP_ALG, False, "SIP is rewritten on the way")
    if site.nat is None:
        return CheckResult(Check.SIP_ALG, Outcome.NOT_CHECKED, "no [nat] server is configured to compare with")
    if not report.nat:
        return None
    known = [nat for nat in report.nat if nat.sip_alg != "not checked"]
    if not known:
        why = next((nat.reasons.get("sip_alg", "") for nat in report.nat), "")
        return CheckResult(Check.SIP_ALG, Outcome.NOT_CHECKED, why or "nobody mirrors SIP there")
    return _result(Check.SIP_ALG, True, "SIP arrives as it was sent")


def _phones(site: Site, report: Report) -> CheckResult | None:
    if not site.lan.interfaces:
        return CheckResult(Check.PHONES, Outcome.NOT_CHECKED, "no LAN is configured ([lan] interfaces)")
    known = sum(bool(phone.profile) for phone in report.phones)
    told = f"{_counted(len(report.phones), 'phone')} seen, {known} of a known model"
    return _result(Check.PHONES, not _findings(report, ("phone-", "phones-")), told)


def _rp_filter(site: Site, report: Report) -> CheckResult | None:
    if not any(wan.interface for wan in report.wans):
        return CheckResult(Check.RP_FILTER, Outcome.NOT_CHECKED, "only Linux has it")
    strict = _findings(report, ("rp-filter-strict",))
    return _result(Check.RP_FILTER, not strict, _subjects(report, strict) if strict else "no WAN drops its own answers")


OBSERVED: Mapping[Check, Judge] = {
    Check.WANS: _wans,
    Check.DNS: _dns,
    Check.SBCS: _sbcs,
    Check.MEDIA: _media,
    Check.RP_FILTER: _rp_filter,
    Check.PHONES: _phones,
    Check.NAT: _nat,
    Check.SIP_ALG: _sip_alg,
}


def _findings(report: Report, codes: Iterable[str]) -> tuple[str, ...]:
    """Codes of those that hold, explained ones included; a code ending in "-" stands for all that begin so."""
    active = [finding.code for finding in report.findings] + [one.finding.code for one in report.explained]
    wanted = tuple(codes)
    return tuple(
        code for code in active if any(code == one or (one.endswith("-") and code.startswith(one)) for one in wanted)
    )


def _subjects(report: Report, codes: Iterable[str]) -> str:
    wanted = set(codes)
    all_of_them = [*report.findings, *(one.finding for one in report.explained)]
    return ", ".join(f"{one.code} {one.subject}".strip() for one in all_of_them if one.code in wanted)


def _result(check: Check, fine: bool, detail: str) -> CheckResult:
    return CheckResult(check, Outcome.OK if fine else Outcome.PROBLEM, detail)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
