"""The composition root: the only package that sees everything. Commands are read by the faces and carried out here.

`daemon` puts a running agent together, `checking` looks at its configuration first, `recording` keeps its journal,
`replaying` reads one, `nat` measures, `reflector` answers such measurements at the provider, `demo` plays an incident
on loopback. Each command imports what it needs when it is given (`commands`): `status` on a router should not load the
daemon, nor the daemon the others.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tonekeeper.errors import TonekeeperError
from tonekeeper.faces.cli.agent import RUN, parse_run
from tonekeeper.faces.cli.outcome import Exit, exit_for_error
from tonekeeper.faces.cli.terminal import Terminal


def main(arguments: Sequence[str] | None = None) -> int:
    """The `tonekeeper` command; the exit code of the contract."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    terminal = Terminal(sys.stdout, sys.stderr)
    try:
        return _carry_out(words, terminal)
    except TonekeeperError as error:
        terminal.say(str(error))
        return exit_for_error(error)
    except BrokenPipeError:
        sys.stderr.close()
        return Exit.FINE
    except KeyboardInterrupt:
        return Exit.FINE


def _carry_out(words: list[str], terminal: Terminal) -> Exit:
    """The daemon stays, so it is read without the other commands: they would cost it 2 MiB."""
    if words[:1] == [RUN]:
        from tonekeeper.app.daemon import run_daemon

        return run_daemon(Path(parse_run(words).config))
    from tonekeeper.app.commands import carry_out
    from tonekeeper.faces.cli.parser import parse_command

    return carry_out(parse_command(words), terminal)
