"""A registrar at the site of an SBC that lets everybody register, for no longer than it was told: Kamailio's own."""

from __future__ import annotations

from pathlib import Path

from tests.lab.sbc import Sbc
from tests.lab.topology import Lab

_TEMPLATE = Path(__file__).with_name("open_registrar.cfg")


class OpenRegistrar(Sbc):
    """`with OpenRegistrar(lab, "primary", longest=30) as registrar: ...`; `longest`: the expiry that it grants at most,
    in seconds. What it answers is switched as an SBC's. Several at one site have different ports."""

    def __init__(self, lab: Lab, site: str, *, longest: int, port: int = 5090) -> None:
        sbc = lab.sbc(site)
        super().__init__(f"open-{site}-{port}", sbc.address, sbc.namespace, lab.core, lab.authority)
        self.port = port
        self._longest = longest

    def launch(self) -> None:
        self._launch(_TEMPLATE, LONGEST=self._longest)
