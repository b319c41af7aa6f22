"""Passwords of test accounts: from a file or an environment variable, into a value that never shows them."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

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
        return Secret(_checked(_from_file(account.password_file), f"file '{account.password_file}'"))
    if account.password_env:
        found = environment.get(account.password_env)
        if found is None:
            doing = f"find the password of '{account.user}' in the environment"
            raise EdgeError(doing, remedy=f"set the variable {account.password_env} for the agent")
        return Secret(_checked(found, f"variable '{account.password_env}'"))
    return None


def _from_file(name: str) -> str:
    doing = f"read the password in '{name}'"
    try:
        with open(name, "rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
                raise EdgeError(f"{doing}: everybody on this host can read it", remedy=f"chmod 600 '{name}'")
            content = file.read(_LONGEST + 1)
    except OSError as error:
        raise EdgeError(doing, error, remedy="see password_file of the account") from None
    if len(content) > _LONGEST:
        raise EdgeError(f"{doing}: it has more than {_LONGEST} octets", remedy="put nothing but the password into it")
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        # `from None`: the exception has the octets in it.
        raise EdgeError(f"{doing}: it is not UTF-8", remedy="put nothing but the password into it") from None


def _checked(text: str, place: str) -> str:
    if not text:
        raise EdgeError(f"use the password in {place}: it is empty", remedy="put the password into it")
    if not text.isprintable():
        doing = f"use the password in {place}: it has more than one line, or characters that nobody types"
        raise EdgeError(doing, remedy="put nothing but the password into it")
    return text
