"""Who may ask by SNMP and who is told, from the settings and the key files that they name."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from tonekeeper.edge.secrets import read_secret
from tonekeeper.errors import EdgeError, Mistake
from tonekeeper.faces.snmp.managers import Target, User
from tonekeeper.settings.model import NotificationKind, SnmpSettings, SnmpUser
from tonekeeper.wire.secret import Secret

SHORTEST_KEY = 8
"""Characters (RFC 3414 section 11.2)."""
_PACKAGES = ("pysnmp", "cryptography")
"""Of the extra `snmp`."""


def users_of(settings: SnmpSettings) -> tuple[User, ...]:
    """`EdgeError` for a key that cannot be read or used; it is never shown."""
    return tuple(_user(index, user) for index, user in enumerate(settings.users))


def community_of(settings: SnmpSettings) -> Secret | None:
    """None: nobody asks by SNMPv2c. `EdgeError` as above."""
    if settings.community_file is not None:
        return read_secret(settings.community_file, "community", "snmp.community_file")
    return Secret(settings.community) if settings.community else None


def targets_of(settings: SnmpSettings) -> tuple[Target, ...]:
    return tuple(
        Target(one.name, one.address, one.user, one.kind is NotificationKind.INFORM) for one in settings.targets
    )


def expect_packages() -> None:
    """`EdgeError` where the extra is not installed."""
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise EdgeError(
            f"answer SNMP: there is no Python package {' and no '.join(missing)}",
            remedy="install the extra (pip install 'tonekeeper[snmp]'), or let snmpd answer: [snmp] agentx",
        )


def mistakes_in(settings: SnmpSettings) -> Iterator[tuple[Mistake, EdgeError]]:
    """Everything that will keep SNMP from being answered, with the error that says so."""
    if settings.agentx is None:
        try:
            expect_packages()
        except EdgeError as error:
            yield _mistake("snmp", error), error
    if settings.community_file is not None:
        try:
            community_of(settings)
        except EdgeError as error:
            yield _mistake("snmp.community_file", error), error
    for index, user in enumerate(settings.users):
        for purpose in ("auth", "priv"):
            try:
                _key(index, user, purpose)
            except EdgeError as error:
                yield _mistake(_key_path(index, user, purpose), error), error


def _mistake(key_path: str, error: EdgeError) -> Mistake:
    return Mistake(key_path, "", str(error).removesuffix(f"; {error.remedy}"), error.remedy)


def _user(index: int, user: SnmpUser) -> User:
    auth_key = _key(index, user, "auth")
    assert auth_key is not None, "settings without it were refused"
    return User(user.name, str(user.auth_protocol), auth_key, str(user.priv_protocol or ""), _key(index, user, "priv"))


def _key(index: int, user: SnmpUser, purpose: str) -> Secret | None:
    written, file = (user.auth_key, user.auth_key_file) if purpose == "auth" else (user.priv_key, user.priv_key_file)
    key_path = _key_path(index, user, purpose)
    if file is not None:
        key = read_secret(file, "key", key_path)
    elif written:
        key = Secret(written)
    else:
        return None
    if len(key.reveal()) < SHORTEST_KEY:
        doing = f"use {key_path} of SNMP user '{user.name}': it has less than {SHORTEST_KEY} characters"
        raise EdgeError(doing, remedy="take a longer one, managers refuse it too (RFC 3414 section 11.2)")
    return key


def _key_path(index: int, user: SnmpUser, purpose: str) -> str:
    is_in_file = (user.auth_key_file if purpose == "auth" else user.priv_key_file) is not None
    return f"snmp.user[{index}].{purpose}_key{'_file' if is_in_file else ''}"
