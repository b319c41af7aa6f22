"""The evidence of a diagnosis: what was found, what it was found from, and on what kind of host; nobody's secrets."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

import msgspec

from tonekeeper import __version__
from tonekeeper.edge.child_environment import child_environment
from tonekeeper.edge.files import TornLine, read_segment, segments_in
from tonekeeper.edge.secrets import read_password
from tonekeeper.errors import EdgeError
from tonekeeper.faces.cli.diagnose import DiagnosisAnswer
from tonekeeper.faces.diagnosis_text import render_diagnosis
from tonekeeper.faces.redaction import Redaction
from tonekeeper.settings import Settings

TOOLS: Mapping[str, tuple[str, ...]] = {
    "ruleset.nft": ("nft", "-a", "list", "ruleset"),
    "ruleset.iptables": ("iptables-save", "-c"),
    "addresses.txt": ("ip", "-details", "-statistics", "address"),
    "routes.txt": ("ip", "route", "show", "table", "all"),
    "routes6.txt": ("ip", "-6", "route", "show", "table", "all"),
    "rules.txt": ("ip", "rule"),
    "neighbours.txt": ("ip", "neighbour"),
}
"""File in the bundle, and the command whose output it is."""
PATIENCE = 5.0
"""Seconds for each of them."""
MOST_JOURNAL = 8 * 1024 * 1024
"""Bytes of its lines; a segment more at most."""
_VERSIONS = ("nft --version", "iptables --version", "ip -V", "conntrack --version")
_LIBRARIES = ("dnspython", "h11", "msgspec", "pyroute2.minimal", "PyYAML", "rich", "pysnmp")

_STORY = """Evidence of a Tonekeeper diagnosis.

diagnosis.txt      what was found, the cause first
report.html        the same to look at and to print
report.json        the same for programs (docs/api.md)
examination.json   what was checked, and what was not and why
journal/           what the agent saw and did; `tonekeeper replay journal` plays it again
ruleset.*, *.txt   firewall, addresses, routes and neighbours of this host
configuration.toml the configuration, without secrets
versions.json      of the agent, the system and its tools

Passwords, tokens, keys, the users of SIP URIs and phone numbers were taken out.
"""


def gather(
    answer: DiagnosisAnswer, page: str, settings: Settings | None, config: str, state_dir: Path | None
) -> dict[str, bytes]:
    """Files of the bundle, by name; `page`: the report as HTML; what could not be read is said in `missing.txt`."""
    redaction = Redaction(_known(settings))
    missing: list[str] = []
    files: dict[str, str] = {"README.txt": _STORY}
    files["report.html"] = page
    files["diagnosis.txt"] = render_diagnosis(answer.report, answer.examination, answer.notes)
    files["report.json"] = msgspec.json.format(msgspec.json.encode(answer.report), indent=2).decode()
    files["examination.json"] = msgspec.json.format(msgspec.json.encode(answer.examination), indent=2).decode()
    files["versions.json"] = msgspec.json.format(msgspec.json.encode(_versions()), indent=2).decode()
    for name, command in TOOLS.items():
        files[name] = _output(command, missing)
    if config:
        files["configuration.toml"] = _text_of(Path(config), missing)
    if state_dir is not None:
        files |= journal_files(state_dir, missing)
    files["missing.txt"] = "\n".join(missing) + "\n"
    return {
        name: redaction.of(text).encode("utf-8", "backslashreplace") for name, text in files.items() if text.strip()
    }


def _known(settings: Settings | None) -> Iterable[str]:
    """What the configuration says about people and secrets."""
    if settings is None:
        return
    for sbc in settings.site.sbcs:
        if sbc.account is not None:
            yield from (sbc.account.user, sbc.account.auth_user)
            try:
                password = read_password(sbc.account)
            except EdgeError:
                continue
            if password is not None:
                yield password.reveal()
        yield from (policy.target for policy in sbc.depths)
    if settings.http is not None and settings.http.token_file is not None:
        yield _secret_in(settings.http.token_file)
    for user in settings.snmp.users if settings.snmp is not None else ():
        yield from (user.name, user.auth_key, user.priv_key)
        for file in (user.auth_key_file, user.priv_key_file):
            if file is not None:
                yield _secret_in(file)


def _secret_in(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def journal_files(state_dir: Path, missing: list[str]) -> dict[str, str]:
    """The latest segments, as plain lines: on disk they are compressed, and all of them may not fit into memory."""
    found: dict[str, str] = {}
    left = MOST_JOURNAL
    try:
        for segment in reversed(segments_in(state_dir)):
            lines = [line for line in read_segment(segment) if not isinstance(line, TornLine)]
            left -= sum(map(len, lines))
            if left < 0 and found:
                missing.append(f"journal: {segment.name} and what is older, more than {MOST_JOURNAL >> 20} MiB")
                break
            text = "".join(f"{line.decode('utf-8', 'backslashreplace')}\n" for line in lines)
            found[f"journal/{segment.name.removesuffix('.gz')}"] = text
    except EdgeError as error:
        missing.append(f"journal: {error}")
    return dict(reversed(found.items()))


def _output(command: tuple[str, ...], missing: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False, env=child_environment())
    except (OSError, subprocess.TimeoutExpired) as error:
        missing.append(f"{' '.join(command)}: {error}")
        return ""
    if done.returncode:
        missing.append(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode(errors="replace")


def _text_of(path: Path, missing: list[str]) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        missing.append(f"{path}: {error}")
        return ""


def _versions() -> dict[str, object]:
    tools = {line.split()[0]: _output(tuple(line.split()), []).strip() for line in _VERSIONS}
    libraries = {name: found for name in _LIBRARIES if (found := _library(name))}
    return {
        "tonekeeper": __version__,
        "python": sys.version,
        "system": " ".join(platform.uname()),
        "distribution": _distribution(),
        "tools": tools,
        "libraries": libraries,
    }


def _library(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""
