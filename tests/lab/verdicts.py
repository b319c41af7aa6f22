"""What a status says of an incident: states, whose fault it is, and the finding with its evidence."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.agent import Section, Status
from tests.lab.sbc import Sbc


def over(transport: str, sbc: Sbc, **keys: object) -> Section:
    """An [[sbc]] section: by its address, or over TLS by its address and with keys that say whom to trust."""
    port = sbc.tls_port if transport == "tls" else sbc.port
    return {"name": sbc.name, "uri": f"sip:{sbc.address}:{port};transport={transport}", **keys}


def path_states(status: Status, sbc: str) -> dict[str, str]:
    """By WAN; of an SBC with one address."""
    return {path["wan"]: path["state"] for path in status.sbc(sbc)["paths"]}


def sbc_states(status: Status) -> dict[str, str]:
    return {sbc["name"]: sbc["state"] for sbc in status["sbcs"]}


def blamed_wans(status: Status) -> set[str]:
    return {wan["name"] for wan in status["wans"] if wan["blamed"]}


def functions(status: Status, sbc: str) -> dict[str, str]:
    """State of each function that is known."""
    return {one["function"]: one["state"] for one in status.sbc(sbc)["functions"]}


def codes(status: Status) -> set[tuple[str, str]]:
    """(code, subject) of all that is shown, but where the site is: that follows from the rest."""
    return {(one["code"], one["subject"]) for one in status["findings"] if one["code"] != "not-on-first-choice"}


def finding(status: Status, code: str, subject: str) -> Section:
    found = [one for one in status["findings"] if (one["code"], one["subject"]) == (code, subject)]
    assert len(found) == 1, f"{code} {subject} is there {len(found)} times:\n{status}"
    return found[0]


def shows(code: str, subject: str) -> Callable[[Status], bool]:
    return lambda status: status.has(code, subject)
