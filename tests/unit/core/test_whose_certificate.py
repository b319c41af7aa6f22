"""A certificate that is refused: the SBC's, or that of something in the way of one WAN."""

from __future__ import annotations

import dataclasses

from tests.unit.core.talk import Talk, path, site
from tonekeeper.core.events import TlsFacts, TlsSeen

GOOD = TlsFacts("", "TLSv1.3", "TLS_AES_256_GCM_SHA384", "CN=sbc1.example.net", "CN=Lab Root", 8e6)
BAD = dataclasses.replace(GOOD, problem="it is for portal.example.net, not for sbc1.example.net")


def findings(**seen: TlsFacts) -> list[str]:
    """With what the primary showed over each WAN."""
    talk = Talk(site()).begin()
    for wan, facts in seen.items():
        talk.tell(TlsSeen(path(wan, "primary"), facts))
    return talk.findings()


def test_what_is_refused_over_every_wan_is_the_sbcs():
    assert findings(fibre=BAD, lte=BAD) == ["tls-invalid primary"]


def test_what_only_one_wan_shows_is_told_with_that_wan():
    assert findings(fibre=BAD, lte=GOOD) == ["tls-invalid primary over fibre"]


def test_what_one_wan_has_not_seen_yet_is_not_held_for_good():
    assert findings(fibre=BAD) == ["tls-invalid primary"]
