"""A registrar at the site of an SBC that lets everybody register, for no longer than it was told: Kamailio's own."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

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

    def __enter__(self) -> OpenRegistrar:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def launch(self) -> None:
        directory = self.namespace.directory
        values = {
            "ADDRESS": self.address,
            "NAME": self.name,
            "PORT": self.port,
            "DIRECTORY": directory,
            "LONGEST": self._longest,
        }
        text = _TEMPLATE.read_text()
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        config = directory / f"{self.name}.cfg"
        config.write_text(text)
        command = ("kamailio", "-DD", "-E", "-m", "32", "-M", "4", "-w", str(directory), "-Y", str(directory))
        self._process = self.namespace.popen(*command, "-f", str(config), log=self.name)
        self._changed = self._frozen = False
