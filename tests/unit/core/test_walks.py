"""Whether two WANs share their fate, found out gently."""

from __future__ import annotations

import dataclasses

from tests.unit.core.talk import Talk, site
from tonekeeper.core.commands import WalkPath
from tonekeeper.core.events import SiteChanged


def walked(talk: Talk, since: float = 0.0) -> list[str]:
    return [f"{c.path.wan} {c.path.sbc}" for at, c in talk.done if at >= since and isinstance(c, WalkPath)]


def test_every_wan_and_sbc_is_walked_once_an_hour_and_one_at_a_time():
    talk = Talk().begin().pass_time(58)
    assert walked(talk) == []
    talk.pass_time(120)
    assert walked(talk) == ["fibre primary", "lte primary", "fibre alternate", "lte alternate"]
    talk.pass_time(3300)
    assert len(walked(talk)) == 4
    talk.pass_time(400)
    assert len(walked(talk)) == 8


def test_a_reload_walks_again_at_once():
    talk = Talk().begin().pass_time(300)
    began = talk.now
    talk.tell(SiteChanged(site()))
    talk.pass_time(70)
    assert len(walked(talk, began)) == 4


def test_a_metered_wan_is_not_walked():
    fibre, lte = site().wans
    talk = Talk(dataclasses.replace(site(), wans=(fibre, dataclasses.replace(lte, metered=True)))).begin()
    talk.pass_time(300)
    assert {one.split()[0] for one in walked(talk)} == {"fibre"}


def test_one_wan_shares_its_fate_with_nobody():
    assert walked(Talk(site("fibre")).begin().pass_time(300)) == []


def test_the_same_first_router_is_a_shared_fate():
    talk = Talk()
    talk.kernel.hops = {"fibre": ("192.0.2.254", "192.0.2.1"), "lte": ("", "192.0.2.254")}
    talk.begin().pass_time(200)
    assert "shared-fate fibre and lte" in talk.findings()
    assert "192.0.2.254" in next(f.summary for f in talk.report.findings if f.code == "shared-fate")


def test_meeting_only_further_out_is_no_shared_fate():
    talk = Talk()
    talk.kernel.hops = {"fibre": ("198.51.100.1", "192.0.2.254"), "lte": ("203.0.113.1", "192.0.2.254")}
    talk.begin().pass_time(200)
    assert talk.findings() == []
