"""`profiles`: what is known of phone models, and whether what is written about them can be used.

The answers are in `profile_answers`: an agent that never looks at a phone need not load what a phone is.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass

from tonekeeper.faces.cli.families import Families, add_command


@dataclass(frozen=True, slots=True)
class ListProfiles:
    """`directory`, here and below: empty for the installed profiles."""

    directory: str = ""
    json: bool = False


@dataclass(frozen=True, slots=True)
class ShowProfile:
    id: str
    directory: str = ""
    json: bool = False


@dataclass(frozen=True, slots=True)
class MatchProfile:
    user_agent: str
    directory: str = ""
    json: bool = False


@dataclass(frozen=True, slots=True)
class LintProfiles:
    directory: str = ""
    json: bool = False


@dataclass(frozen=True, slots=True)
class ShowSchema:
    """The JSON Schema of a profile."""


@dataclass(frozen=True, slots=True)
class CompileProfiles:
    """All profiles into the one file `out`."""

    out: str
    directory: str = ""


Profiles = ListProfiles | ShowProfile | MatchProfile | LintProfiles | ShowSchema | CompileProfiles


def add_profiles(families: Families) -> None:
    parser = add_command(
        families,
        "profiles",
        _read_nothing,
        help="what is known of phone models",
        description="Firmware profiles: which User-Agent is which family of phones, what can be set there, and what "
        "such a phone does when a server fails.",
        example='tonekeeper profiles match "Yealink SIP-T46U 108.86.0.20"',
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_list(inner)
    _add_show(inner)
    _add_match(inner)
    _add_lint(inner)
    add_command(
        inner,
        "schema",
        _read_schema,
        help="the JSON Schema of a profile",
        description="Prints the JSON Schema that every profile fits, for editors and for the checks of others.",
        example="tonekeeper profiles schema > profile.schema.json",
    )
    _add_compile(inner)


def _add_list(inner: Families) -> None:
    parser = add_command(
        inner,
        "list",
        _read_list,
        help="every family",
        description="One line for each family of phones that is known.",
        example="tonekeeper profiles list",
    )
    _add_directory(parser)
    _add_json(parser)


def _add_show(inner: Families) -> None:
    parser = add_command(
        inner,
        "show",
        _read_show,
        help="what is known of one family",
        description="Parameters with their defaults and limits, what the phone does at each kind of failure, quirks, "
        "and how it is given new settings; each with its source.",
        example="tonekeeper profiles show yealink-desk",
    )
    parser.add_argument("id", metavar="ID", help="as 'tonekeeper profiles list' names it")
    _add_directory(parser)
    _add_json(parser)


def _add_match(inner: Families) -> None:
    parser = add_command(
        inner,
        "match",
        _read_match,
        help="which family sends a User-Agent",
        description="Says vendor, model, firmware and family of a User-Agent. A wrong family is worse than none: exit "
        "code 1 where none fits, or more than one.",
        example='tonekeeper profiles match "Yealink SIP-T46U 108.86.0.20"',
    )
    parser.add_argument("user_agent", metavar="USER-AGENT", help="as the phone sends it, in quotes")
    _add_directory(parser)
    _add_json(parser)


def _add_lint(inner: Families) -> None:
    parser = add_command(
        inner,
        "lint",
        _read_lint,
        help="everything that is wrong with profiles",
        description="Reads every profile of a directory and says what is wrong with it, by file, line and key. Exit "
        "code 2 when there is anything.",
        example="tonekeeper profiles lint firmware-profiles",
    )
    parser.add_argument("directory", metavar="DIR", nargs="?", default="", help="default: the installed profiles")
    _add_json(parser)


def _add_compile(inner: Families) -> None:
    parser = add_command(
        inner,
        "compile",
        _read_compile,
        help="all profiles in one JSON file",
        description="Writes all profiles into one JSON file. As profiles.json in their directory it is read in their "
        "place, as long as no profile is newer, and the agent does without a YAML reader.",
        example="tonekeeper profiles compile --profiles firmware-profiles firmware-profiles/profiles.json",
    )
    parser.add_argument("out", metavar="OUT", help="the file to write")
    _add_directory(parser)


def _add_directory(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--profiles", metavar="DIR", dest="directory", default="", help="default: the installed profiles"
    )


def _add_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def _read_nothing(arguments: Namespace) -> Profiles:
    raise AssertionError("argparse wants one of the commands inside")


def _read_list(arguments: Namespace) -> Profiles:
    return ListProfiles(arguments.directory, arguments.json)


def _read_show(arguments: Namespace) -> Profiles:
    return ShowProfile(arguments.id, arguments.directory, arguments.json)


def _read_match(arguments: Namespace) -> Profiles:
    return MatchProfile(arguments.user_agent, arguments.directory, arguments.json)


def _read_lint(arguments: Namespace) -> Profiles:
    return LintProfiles(arguments.directory, arguments.json)


def _read_schema(arguments: Namespace) -> Profiles:
    return ShowSchema()


def _read_compile(arguments: Namespace) -> Profiles:
    return CompileProfiles(arguments.out, arguments.directory)
