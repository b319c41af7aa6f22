"""When deep probes are made anew, and what is said of those that cannot be made."""

from __future__ import annotations

import dataclasses

import pytest

from tests.unit.core.talk import Talk, site
from tonekeeper.core.commands import ClosePath, Command, OpenPath, ProbeDepth
from tonekeeper.core.depth.result import DepthResult, DepthVerdict
from tonekeeper.core.events import DepthProbed, SiteChanged
from tonekeeper.core.site import Account, Depth, DepthPolicy, Site, TlsPolicy, Transport

HOUR = 3600.0
SOON = 40.0
"""Seconds: the latest moment for what is due now, one after the other and as the storm guard allows."""
REGISTER, CALL = DepthPolicy(Depth.REGISTER, HOUR), DepthPolicy(Depth.CALL, HOUR, "600")
UNREADABLE = "cannot read the password in '/etc/tonekeeper/password': No such file or directory"


def proving(*depths: DepthPolicy, **changes: object) -> Site:
    """A site whose primary is proven so deep, with `changes` in its other settings."""
    plain = site()
    primary = dataclasses.replace(plain.sbcs[0], depths=depths, account=Account("100", password_file="/p"))
    return dataclasses.replace(plain, sbcs=(dataclasses.replace(primary, **changes), plain.sbcs[1]))


class Proving(Talk):
    """Deep probes end a second later with `verdict`."""

    verdict = DepthVerdict.PASSED
    reason = ""

    def _carry_out(self, command: Command) -> None:
        super()._carry_out(command)
        if isinstance(command, ProbeDepth):
            result = DepthResult(command.policy.depth, self.verdict, self.reason)
            self.coming.append((self.now + 1.0, DepthProbed(command.path, command.policy.depth, result)))

    def asked_since(self, since: float) -> list[Depth]:
        return [c.policy.depth for at, c in self.done if at > since and isinstance(c, ProbeDepth)]

    def asked_after(self, of: Site) -> list[Depth]:
        """What is asked soon after the configuration was changed to `of`."""
        since = self.now
        self.tell(SiteChanged(of))
        self.pass_time(SOON)
        return self.asked_since(since)


@pytest.fixture
def settled() -> Proving:
    """Registered over both WANs a minute ago."""
    talk = Proving(proving(REGISTER)).begin()
    talk.pass_time(60.0)
    assert talk.asked_since(0.0) == [Depth.REGISTER, Depth.REGISTER]
    return talk


# --- a changed configuration


def test_a_configuration_that_changes_nothing_here_asks_nothing_anew(settled):
    assert settled.asked_after(proving(REGISTER)) == []


@pytest.mark.parametrize(
    "changed",
    [
        proving(REGISTER, account=Account("101", password_file="/p")),
        proving(REGISTER, account=Account("100", password_file="/another")),
        proving(DepthPolicy(Depth.REGISTER, 60.0)),
        proving(REGISTER, tls=TlsPolicy(ca_file="/ca.pem")),
    ],
    ids=["account", "password", "interval", "tls"],
)
def test_what_is_asked_otherwise_now_is_asked_soon(settled, changed):
    assert settled.asked_after(changed) == [Depth.REGISTER, Depth.REGISTER]


def test_a_depth_that_is_new_is_asked_soon_and_the_others_in_their_time(settled):
    assert set(settled.asked_after(proving(REGISTER, CALL))) == {Depth.CALL}


@pytest.mark.parametrize("verdict", [DepthVerdict.DENIED, DepthVerdict.NOT_CHECKED])
def test_what_was_denied_or_could_not_be_asked_is_asked_soon_after_a_reload(verdict):
    talk = Proving(proving(REGISTER))
    talk.verdict, talk.reason = verdict, "because"
    talk.begin().pass_time(60.0)
    asked = len(talk.asked_since(0.0))
    talk.pass_time(600.0)
    assert len(talk.asked_since(0.0)) == asked
    assert talk.asked_after(proving(REGISTER))


def test_what_was_spared_because_of_a_denial_is_asked_after_a_reload_as_well():
    talk = Proving(proving(REGISTER, DepthPolicy(Depth.VOICEMAIL, HOUR)))
    talk.verdict = DepthVerdict.DENIED
    talk.begin().pass_time(60.0)
    assert len(talk.asked_since(0.0)) == 1
    talk.verdict = DepthVerdict.PASSED
    since = talk.now
    talk.tell(SiteChanged(talk.agent.situation.site))
    talk.pass_time(3 * SOON)
    assert sorted(talk.asked_since(since)) == ["register", "register", "voicemail", "voicemail"]


def test_a_password_that_is_still_wrong_after_a_reload_is_tried_once():
    talk = Proving(proving(REGISTER, DepthPolicy(Depth.VOICEMAIL, HOUR)))
    talk.verdict = DepthVerdict.DENIED
    talk.begin().pass_time(60.0)
    assert len(talk.asked_after(talk.agent.situation.site)) == 1


def test_connections_are_opened_again_where_other_certificates_are_trusted():
    def over_tls(policy: TlsPolicy) -> Site:
        return proving(transport=Transport.TLS, tls=policy)

    talk = Talk(over_tls(TlsPolicy())).begin()
    since, primary = talk.now, over_tls(TlsPolicy()).sbcs[0].name
    talk.pass_time(5.0)
    talk.tell(SiteChanged(over_tls(TlsPolicy(ca_file="/ca.pem"))))
    done = [c for at, c in talk.done if at > since and isinstance(c, OpenPath | ClosePath)]
    assert [(type(c), c.path.wan, c.path.sbc) for c in done] == [
        (kind, wan, primary) for kind in (ClosePath, OpenPath) for wan in ("fibre", "lte")
    ]
    assert {c.tls.ca_file for c in done if isinstance(c, OpenPath)} == {"/ca.pem"}


# --- what cannot be asked


def test_a_probe_that_cannot_be_made_is_said_with_the_reason_and_no_failure_of_the_sbc():
    talk = Proving(proving(REGISTER, CALL))
    talk.verdict, talk.reason = DepthVerdict.NOT_CHECKED, UNREADABLE
    talk.begin().pass_time(60.0)
    assert talk.sbc("primary") == "healthy"
    [finding] = [one for one in talk.report.findings if one.code == "depth-not-checked"]
    assert finding.subject == "primary"
    assert finding.evidence == {"depths": "register and call", "wans": "fibre and lte", "why": UNREADABLE}


def test_it_is_gone_once_the_probe_was_made(settled):
    settled.verdict, settled.reason = DepthVerdict.NOT_CHECKED, UNREADABLE
    settled.pass_time(HOUR)
    assert "depth-not-checked primary" in settled.findings()
    settled.verdict, settled.reason = DepthVerdict.PASSED, ""
    settled.asked_after(proving(REGISTER))
    assert settled.findings() == []
