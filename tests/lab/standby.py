"""A second registrar, at the alternate site, so that both SBCs can be proven to the same depth; and how they are."""

from __future__ import annotations

from pathlib import Path

from tests.lab.agent import Section
from tests.lab.registrar import PASSWORD, USER, Registrar
from tests.lab.topology import Lab

INTERVAL = "30s"
"""The least there is: the first deep probes begin 2 to 7 s after the start, one at a time, the next ones half a minute
later."""


class Standby(Registrar):
    """As `Registrar`, in another place; with a password that is as good, or with another."""

    def __init__(self, lab: Lab, *, algorithm: str = "MD5") -> None:
        super().__init__(lab, algorithm=algorithm)
        site = lab.sbc("alternate")
        self.name = "standby"
        self.address = site.address
        self.namespace = site.namespace


class Account:
    """The test account at both of them, with its password in a file."""

    def __init__(self, lab: Lab) -> None:
        self._file: Path = lab.directory / "test-account"
        self.write(PASSWORD)

    def write(self, password: str) -> None:
        self._file.write_text(f"{password}\n")
        self._file.chmod(0o600)

    @property
    def registers(self) -> Section:
        """The keys of an [[sbc]] section for an SBC where it registers."""
        return {"account.user": USER, "account.password_file": str(self._file), "register.interval": INTERVAL}

    def proves(self, name: str, registrar: Registrar, *, number: str = "", mailbox: str = "") -> Section:
        """A whole section: registers, calls `number` if there is one, asks for `mailbox` if there is one."""
        uri = f"sip:{registrar.address}:{registrar.port};transport=udp"
        section: Section = {"name": name, "uri": uri, **self.registers}
        if number:
            section |= {"call.number": number, "call.interval": INTERVAL}
        if mailbox:
            section |= {"voicemail.mailbox": mailbox, "voicemail.interval": INTERVAL}
        return section
