"""Firmware profiles, from their files to a set that can be used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tonekeeper.edge.profile_files import CompiledFile, ProfileFile, compiled_file, profile_files
from tonekeeper.errors import ConfigError, DecodeError, EdgeError, Mistake, TonekeeperError
from tonekeeper.phones.compiled import read_compiled
from tonekeeper.phones.match import ProfileSet
from tonekeeper.phones.profile import Profile
from tonekeeper.settings.model import PROFILES_DIR

if TYPE_CHECKING:
    from tonekeeper.edge.yaml_document import YamlDocument


_IN_CHECKOUT = Path(__file__).parents[3] / "firmware-profiles"
_IN_PREFIX = Path(sys.prefix) / "share/tonekeeper/firmware-profiles"


class ProfilesRefusedError(TonekeeperError):
    """Profiles that cannot be used together, with a ConfigError for each file that has mistakes."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class _Read:
    """A profile, and the document that knows where its keys stand."""

    file: ProfileFile
    document: YamlDocument
    profile: Profile

    def refused(self, mistakes: Sequence[Mistake]) -> ConfigError:
        return _refused(self.file, self.document, mistakes)


def installed_profiles() -> Path:
    """The first directory of them that there is: installed, beside this program, in the checkout."""
    places = (PROFILES_DIR, _IN_PREFIX, _IN_CHECKOUT)
    return next((place for place in places if place.is_dir()), PROFILES_DIR)


def load_profiles(directory: Path, tell: Callable[[str], None] = lambda why: None) -> ProfileSet:
    """The profiles in `directory`: compiled where that is up to date, else from their files. All of them or none:
    ProfilesRefusedError says everything that is wrong, and whoever has a set already keeps that.

    `tell`: hears why what was compiled is not used.
    """
    compiled = compiled_file(directory)
    if compiled is None:
        return read_profiles(directory)
    found = _read_compiled(compiled, directory)
    if isinstance(found, ProfileSet):
        return found
    remedy = f"write it again: tonekeeper profiles compile --profiles {directory} {compiled.path}"
    if not profile_files(directory):
        raise ProfilesRefusedError([ConfigError(str(compiled.path), [Mistake("file", "", found, remedy)])])
    tell(f"cannot use '{compiled.path}': {found}; {remedy}")
    return read_profiles(directory)


def _read_compiled(compiled: CompiledFile, directory: Path) -> ProfileSet | str:
    """Or why it cannot be used."""
    if compiled.newer is not None:
        return f"'{compiled.newer}' was written after it"
    try:
        profiles = read_compiled(compiled.content())
    except DecodeError as error:
        return error.reason
    files = {file.id for file in profile_files(directory)}
    if files and files != {profile.id for profile in profiles.profiles}:
        return "the directory has other profiles by now"
    return profiles


def read_profiles(directory: Path) -> ProfileSet:
    """As `load_profiles`, but always from the files."""
    from tonekeeper.phones.clash import clashes

    read: list[_Read] = []
    errors: list[ConfigError] = []
    for file in profile_files(directory):
        try:
            read.append(_read(file))
        except ConfigError as error:
            errors.append(error)
    by_id = {each.profile.id: each for each in read}
    errors += [by_id[clash.second].refused([clash.mistake]) for clash in clashes([each.profile for each in read])]
    if not read and not errors:
        missing = Mistake("files", "", "there is no <vendor>/<model>.yaml", "give the directory of the profiles")
        errors.append(ConfigError(str(directory), [missing]))
    if errors:
        raise ProfilesRefusedError(errors)
    return ProfileSet([each.profile for each in read])


def _read(file: ProfileFile) -> _Read:
    # A daemon that finds its profiles compiled does without the readers, which take 4.5 MiB.
    from tonekeeper.phones.schema import read_profile

    try:
        from tonekeeper.edge.yaml_document import parse_yaml
    except ModuleNotFoundError:
        remedy = "install it, or compile the profiles where it is: tonekeeper profiles compile"
        raise EdgeError(f"read '{file.path}': PyYAML is not installed", remedy=remedy) from None

    document = parse_yaml(file.text(), str(file.path))
    profile, mistakes = read_profile(document.value)
    if profile is not None and profile.id != file.id:
        mistakes.append(
            Mistake("id", profile.id, "is not what the file is called", f"write {file.id}, or move the file")
        )
    if profile is None or mistakes:
        raise _refused(file, document, mistakes)
    return _Read(file, document, profile)


def _refused(file: ProfileFile, document: YamlDocument, mistakes: Sequence[Mistake]) -> ConfigError:
    """The mistakes in the order of their lines."""
    placed = sorted(((document.line_of(m.key_path), m) for m in mistakes), key=lambda pair: pair[0])
    return ConfigError(str(file.path), [_at_line(line, mistake) for line, mistake in placed])


def _at_line(line: int, mistake: Mistake) -> Mistake:
    return Mistake(f"line {line}, {mistake.key_path}", mistake.value, mistake.reason, mistake.remedy)
