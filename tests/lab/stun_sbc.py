"""An SBC that answers STUN on its SIP port, beside the one at its site that does not: Kamailio's `stun` module."""

from __future__ import annotations

from pathlib import Path

from tests.lab.sbc import Sbc
from tests.lab.topology import Lab

_TEMPLATE = Path(__file__).with_name("stun_sbc.cfg")


class StunSbc(Sbc):
    """`with StunSbc(lab) as sbc: ...`, at the primary site, UDP only."""

    port = 5062

    def __init__(self, lab: Lab) -> None:
        site = lab.sbc("primary")
        super().__init__("stun-sbc", site.address, site.namespace, lab.core, lab.authority)

    def launch(self) -> None:
        self._launch(_TEMPLATE)
