"""What the programs we start see of our environment.

The launcher of a bundle (PyInstaller) leads the dynamic linker to the libraries it carries, and keeps what was there
before in LD_LIBRARY_PATH_ORIG. `nft`, `ip` and `conntrack` are the system's, and must find the system's libraries.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

_OF_THE_LAUNCHER = "_PYI_"
_PATH, _BEFORE = "LD_LIBRARY_PATH", "LD_LIBRARY_PATH_ORIG"


def child_environment(ours: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Of a program of the system: ours, as it was before a launcher changed it."""
    given = {name: value for name, value in ours.items() if not name.startswith(_OF_THE_LAUNCHER)}
    if len(given) == len(ours):
        return given
    before = given.pop(_BEFORE, "")
    given.pop(_PATH, None)
    return {**given, _PATH: before} if before else given
