"""Passwords of test accounts, keys of managers: from a file or an environment variable, into a value that never shows
them."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from tonekeeper.core.site import Account
from tonekeeper.errors import EdgeError
from tonekeeper.wire.secret import Secret

_LONGEST = 4096
"""Octets; a file that is longer holds no password."""


def read_password(account: Account, environment: Mapping[str, str] = os.environ) -> Secret | None:
    """None where the account names no place for it. `EdgeError` where there is none, or where everybody can read it.

    Of a file, without the line break at its end. Neither the error nor the value shows what was read.
    """
    if account.password_file:
        content = _from_file(account.password_file, "password", "see password_file of the account")
        return Secret(_checked(content, "password", f"file '{account.password_file}'"))
    if account.password_env:
        found = environment.get(account.password_env)
        if found is None:
            doing = f"find the password of '{account.user}' in the environment"
            raise EdgeError(doing, remedy=f"set the variable {account.password_env} for the agent")
        return Secret(_checked(found, "password", f"variable '{account.password_env}'"))
    return None


def read_secret(file: Path, what: str, key: str) -> Secret:
    """The one line of a file: `what` for people ("key"), `key` of the configuration that names it. `EdgeError` as with
    a password."""
    return Secret(_checked(_from_file(str(file), what, f"see {key}"), what, f"file '{file}'"))


def _from_file(name: str, what: str, remedy: str) -> str:
    doing = f"read the {what} in '{name}'"
    try:
        with open(name, "rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
                raise EdgeError(f"{doing}: everybody on this host can read it", remedy=f"chmod 600 '{name}'")
            content = file.read(_LONGEST + 1)
    except OSError as error:
        raise EdgeError(doing, error, remedy=remedy) from None
    if len(content) > _LONGEST:
        raise EdgeError(f"{doing}: it has more than {_LONGEST} octets", remedy=f"put nothing but the {what} into it")
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        # `from None`: the exception has the octets in it.
        raise EdgeError(f"{doing}: it is not UTF-8", remedy=f"put nothing but the {what} into it") from None


def _checked(text: str, what: str, place: str) -> str:
    if not text:
        raise EdgeError(f"use the {what} in {place}: it is empty", remedy=f"put the {what} into it")
    if not text.isprintable():
        doing = f"use the {what} in {place}: it has more than one line, or characters that nobody types"
        raise EdgeError(doing, remedy=f"put nothing but the {what} into it")
    return text
