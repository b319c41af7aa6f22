"""The answers of `profiles`."""

from __future__ import annotations

from collections.abc import Sequence

from tonekeeper.errors import ConfigError
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.profiles import LintProfiles, ListProfiles, MatchProfile, ShowProfile
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.profile_text import render_list, render_match, render_profile
from tonekeeper.phones.match import Match
from tonekeeper.phones.profile import Profile


def show_list(command: ListProfiles, profiles: Sequence[Profile], terminal: Terminal) -> Exit:
    if command.json:
        keys = ("id", "vendor", "family", "kind")
        terminal.show_json([{key: getattr(profile, key) for key in keys} for profile in profiles])
    else:
        terminal.show(render_list(profiles))
    return Exit.FINE


def show_profile(command: ShowProfile, profile: Profile, terminal: Terminal) -> Exit:
    if command.json:
        terminal.show_json(profile)
    else:
        terminal.show(render_profile(profile, width=terminal.width))
    return Exit.FINE


def show_match(command: MatchProfile, match: Match | None, terminal: Terminal) -> Exit:
    if command.json:
        terminal.show_json(match)
    elif match is not None:
        terminal.show(render_match(match))
    else:
        terminal.say("no profile fits this User-Agent; 'tonekeeper profiles list' names the families that are known")
    return Exit.FINE if match is not None else Exit.PROBLEMS


def show_lint(
    command: LintProfiles, directory: str, count: int, errors: Sequence[ConfigError], terminal: Terminal
) -> Exit:
    """`count` profiles that are fine together, or the errors."""
    if command.json:
        files = [{"file": error.file, "mistakes": error.mistakes} for error in errors]
        terminal.show_json({"directory": directory, "valid": not errors, "profiles": count, "files": files})
    elif errors:
        for error in errors:
            terminal.say(str(error))
    else:
        terminal.show(f"{directory}: fine: {count} profiles\n")
    return Exit.USAGE if errors else Exit.FINE
