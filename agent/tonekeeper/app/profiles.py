"""`tonekeeper profiles`: what is known of phones."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import assert_never

from tonekeeper.app.profile_set import ProfilesRefusedError, installed_profiles, load_profiles, read_profiles
from tonekeeper.edge.whole_file import whole_file
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.profile_answers import show_lint, show_list, show_match, show_profile
from tonekeeper.faces.cli.profiles import (
    CompileProfiles,
    LintProfiles,
    ListProfiles,
    MatchProfile,
    Profiles,
    ShowProfile,
    ShowSchema,
)
from tonekeeper.faces.cli.terminal import Terminal


def carry_out(command: Profiles, terminal: Terminal) -> Exit:
    """ProfilesRefusedError where the profiles cannot be used; `lint` shows that itself."""
    match command:
        case ListProfiles():
            return show_list(
                command, load_profiles(profiles_directory(command.directory), terminal.say).profiles, terminal
            )
        case ShowProfile():
            return _show(command, terminal)
        case MatchProfile():
            found = load_profiles(profiles_directory(command.directory), terminal.say).match(command.user_agent)
            return show_match(command, found, terminal)
        case LintProfiles():
            return _lint(command, terminal)
        case ShowSchema():
            from tonekeeper.phones.schema import json_schema

            terminal.show_json(json_schema())
            return Exit.FINE
        case CompileProfiles():
            return _compile(command, terminal)
        case _:
            assert_never(command)


def profiles_directory(named: str = "") -> Path:
    """The one that was named, or that is installed."""
    return Path(named) if named else installed_profiles()


def _show(command: ShowProfile, terminal: Terminal) -> Exit:
    profiles = load_profiles(profiles_directory(command.directory), terminal.say)
    profile = profiles.get(command.id)
    if profile is not None:
        return show_profile(command, profile, terminal)
    near = difflib.get_close_matches(command.id[:64], [each.id for each in profiles.profiles], n=1)
    remedy = f"did you mean {near[0]}?" if near else "tonekeeper profiles list names them all"
    terminal.say(f"cannot show {command.id[:64]!r}: there is no such profile; {remedy}")
    return Exit.USAGE


def _lint(command: LintProfiles, terminal: Terminal) -> Exit:
    directory = profiles_directory(command.directory)
    try:
        profiles = read_profiles(directory)
    except ProfilesRefusedError as refused:
        return show_lint(command, str(directory), 0, refused.errors, terminal)
    return show_lint(command, str(directory), len(profiles), (), terminal)


def _compile(command: CompileProfiles, terminal: Terminal) -> Exit:
    from tonekeeper.phones.compiled import write_compiled

    profiles = read_profiles(profiles_directory(command.directory)).profiles
    with whole_file(Path(command.out)) as file:
        file.write(write_compiled(profiles))
    terminal.say(f"{command.out}: {len(profiles)} profiles")
    return Exit.FINE
