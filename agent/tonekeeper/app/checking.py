"""`tonekeeper check`: the file, and what it names on this host: interfaces, passwords, certificates, keys."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

from tonekeeper.core.site import Sbc
from tonekeeper.edge.secrets import read_password
from tonekeeper.errors import ConfigError, EdgeError, Mistake
from tonekeeper.faces.cli.agent import Check, show_mistakes, show_valid
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.settings import interface_mistakes, load_settings
from tonekeeper.settings.model import SnmpSettings

_NOT_OURS_TO_READ = (errno.EACCES, errno.EPERM)
"""Whoever checks may be allowed less than the daemon."""


def check(command: Check, terminal: Terminal) -> Exit:
    try:
        settings = load_settings(Path(command.file))
        mistakes = interface_mistakes(settings, [name for _, name in socket.if_nameindex()])
        for index, sbc in enumerate(settings.site.sbcs):
            mistakes += tuple(_unusable_files(f"sbc[{index}]", sbc))
        if settings.snmp is not None:
            mistakes += tuple(_unanswered(settings.snmp))
        if mistakes:
            raise ConfigError(command.file, mistakes)
    except ConfigError as error:
        return show_mistakes(command, error, terminal)
    return show_valid(command, settings.site, settings.notices, terminal)


def _unusable_files(key_path: str, sbc: Sbc) -> Iterator[Mistake]:
    """Read as the daemon will read them."""
    if sbc.account is not None and sbc.account.password_file:
        try:
            read_password(sbc.account)
        except EdgeError as error:
            yield from _mistake(f"{key_path}.account.password_file", sbc.account.password_file, error)
    if sbc.tls.ca_file or sbc.tls.cert_file:
        from tonekeeper.edge.tls import TlsSession  # OpenSSL, for those only who use it

        try:
            TlsSession(sbc.tls, sbc.host)
        except EdgeError as error:
            yield from _mistake(f"{key_path}.tls", "", error)


def _unanswered(snmp: SnmpSettings) -> Iterator[Mistake]:
    """What would keep SNMP from being answered."""
    from tonekeeper.app.snmp_access import mistakes_in

    for mistake, error in mistakes_in(snmp):
        if error.errno not in _NOT_OURS_TO_READ:
            yield mistake


def _mistake(key_path: str, file: str, error: EdgeError) -> Iterator[Mistake]:
    if error.errno not in _NOT_OURS_TO_READ:
        value = f'"{file}"' if file else ""
        yield Mistake(key_path, value, str(error).removesuffix(f"; {error.remedy}"), error.remedy)
