"""How a command ends: the exit codes of the contract, and which error means which."""

from __future__ import annotations

import errno
from enum import IntEnum

from tonekeeper.core.report import Report, Severity
from tonekeeper.errors import AgentUnreachableError, EdgeError, TonekeeperError

_MISSING = frozenset(
    {
        errno.EPERM,
        errno.EACCES,
        errno.ENOSYS,
        errno.EOPNOTSUPP,
        errno.EPROTONOSUPPORT,
        errno.EAFNOSUPPORT,
        errno.ENOPROTOOPT,
    }
)


class Exit(IntEnum):
    FINE = 0
    PROBLEMS = 1
    """A critical finding, or a replay that differs."""
    USAGE = 2
    """Wrong usage or configuration."""
    UNREACHABLE = 3
    """The agent cannot be asked."""
    MISSING = 4
    """A permission or a kernel feature is missing."""


def exit_for_report(report: Report) -> Exit:
    critical = any(finding.severity is Severity.CRITICAL for finding in report.findings)
    return Exit.PROBLEMS if critical else Exit.FINE


def exit_for_error(error: TonekeeperError) -> Exit:
    """The code for an error that ended a command. An EdgeError whose errno tells of no permission and no missing
    feature is about what the operator named: a port in use, a file that does not exist."""
    match error:
        case AgentUnreachableError():
            return Exit.UNREACHABLE
        case EdgeError() if error.errno in _MISSING:
            return Exit.MISSING
        case _:
            return Exit.USAGE
