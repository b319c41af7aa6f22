"""`profiles` on the command line, with the directories it reads."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import msgspec
import pytest

from tests.unit.phones.documents import document
from tonekeeper.app import profile_set
from tonekeeper.app.profile_set import ProfilesRefusedError, installed_profiles, load_profiles
from tonekeeper.app.profiles import carry_out
from tonekeeper.errors import EdgeError
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.parser import parse_command
from tonekeeper.faces.cli.profiles import (
    CompileProfiles,
    LintProfiles,
    ListProfiles,
    MatchProfile,
    ShowProfile,
    ShowSchema,
)
from tonekeeper.faces.cli.terminal import Terminal


@pytest.fixture
def directory(tmp_path):
    write(tmp_path, "acme", "one", document())
    return tmp_path


def write(directory, vendor, model, content):
    (directory / vendor).mkdir(exist_ok=True)
    path = directory / vendor / f"{model}.yaml"
    # JSON is YAML.
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2))
    return path


def carried_out(command):
    out, err = io.StringIO(), io.StringIO()
    code = carry_out(command, Terminal(out, err, {"COLUMNS": "80"}))
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (["list"], ListProfiles()),
        (["list", "--json", "--profiles", "d"], ListProfiles("d", json=True)),
        (["show", "acme-one"], ShowProfile("acme-one")),
        (["match", "Acme One5 2.0", "--json"], MatchProfile("Acme One5 2.0", json=True)),
        (["match", ""], MatchProfile("")),
        (["lint"], LintProfiles()),
        (["lint", "d", "--json"], LintProfiles("d", json=True)),
        (["schema"], ShowSchema()),
        (["compile", "out.json", "--profiles", "d"], CompileProfiles("out.json", "d")),
    ],
)
def test_a_line_becomes_a_command(line, command):
    assert parse_command(["profiles", *line]) == command


@pytest.mark.parametrize("line", [[], ["show"], ["match"], ["paint"], ["compile"]])
def test_wrong_usage_ends_with_two(line, capsys):
    with pytest.raises(SystemExit) as ended:
        parse_command(["profiles", *line])
    assert ended.value.code == Exit.USAGE
    assert "usage: tonekeeper profiles" in capsys.readouterr().err


@pytest.mark.parametrize("inner", ["list", "show", "match", "lint", "schema", "compile"])
def test_every_command_has_help_with_an_example(inner, capsys):
    with pytest.raises(SystemExit):
        parse_command(["profiles", inner, "--help"])
    assert "example:\n  tonekeeper profiles" in capsys.readouterr().out


def test_a_match_is_the_document_of_the_contract(directory):
    code, out, _ = carried_out(MatchProfile("Acme One5 2.0", str(directory), json=True))
    expected = {"profile": "acme-one", "vendor": "Acme", "model": "One5", "firmware": "2.0", "confidence": 1.0}
    assert (code, msgspec.json.decode(out)) == (Exit.FINE, expected)


def test_a_user_agent_that_fits_nothing_is_null_and_a_problem(directory):
    assert carried_out(MatchProfile("\x1b[2J" * 1000, str(directory), json=True)) == (Exit.PROBLEMS, "null\n", "")
    code, out, err = carried_out(MatchProfile("Bell 1", str(directory)))
    assert (code, out) == (Exit.PROBLEMS, "")
    assert "no profile fits" in err


def test_a_profile_is_shown_with_what_it_knows_and_where_from(directory):
    code, out, _ = carried_out(ShowProfile("acme-one", str(directory)))
    assert code == Exit.FINE
    assert "registration-retry       retry; default 30 s; 5 to any [G p.1]" in out
    assert "no-answer                unknown" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_profile_that_is_not_there_is_missed_with_the_nearest_name(directory):
    code, out, err = carried_out(ShowProfile("acme-onn", str(directory)))
    assert (code, out) == (Exit.USAGE, "")
    assert err == "cannot show 'acme-onn': there is no such profile; did you mean acme-one?\n"


def test_lint_is_silent_about_nothing(directory):
    assert carried_out(LintProfiles(str(directory))) == (Exit.FINE, f"{directory}: fine: 1 profiles\n", "")


def test_lint_names_file_line_key_value_and_remedy(directory):
    path = write(directory, "acme", "one", document(parameters__0__unit="fortnight"))
    line = path.read_text().splitlines().index('      "unit": "fortnight",') + 1
    code, out, err = carried_out(LintProfiles(str(directory)))
    assert (code, out) == (Exit.USAGE, "")
    assert err.startswith(f'{path}: line {line}, parameters[0].unit = "fortnight": is no known word; known here: ms')


def test_lint_sees_every_file(directory):
    write(directory, "acme", "two", document(id="acme-three"))
    write(directory, "bell", "one", document(id="bell-one", kind="toaster"))
    (directory / "bell" / "bad.yaml").write_bytes(b"a: \xff")
    (directory / "bell" / "long.yaml").write_text("#" * 300_000)
    code, out, _ = carried_out(LintProfiles(str(directory), json=True))
    read = msgspec.json.decode(out)
    said = {each["file"].rpartition("/")[2]: each["mistakes"][0]["reason"] for each in read["files"]}
    assert (code, read["valid"], read["profiles"]) == (Exit.USAGE, False, 0)
    assert said == {
        "two.yaml": "is not what the file is called",
        "one.yaml": "is no known word",
        "bad.yaml": "byte 0xff is not UTF-8",
        "long.yaml": "is longer than 262144 bytes",
    }


def test_two_profiles_that_claim_one_user_agent_are_refused_at_the_line_of_the_second(directory):
    path = write(directory, "bell", "one", document(id="bell-one"))
    line = path.read_text().splitlines().index('      "Acme {model=One*} {firmware}[ {mac}]"') + 1
    code, _, err = carried_out(LintProfiles(str(directory)))
    assert code == Exit.USAGE
    assert err.startswith(
        f'{path}: line {line}, match.user_agents[0] = "Acme {{model=One*}} {{firmware}}[ {{mac}}]": is claimed'
    )


def test_one_bad_file_leaves_whoever_has_a_set_with_the_good_one(directory):
    profiles = load_profiles(directory)
    write(directory, "acme", "one", document(colour="red"))
    with pytest.raises(ProfilesRefusedError, match="unknown key"):
        load_profiles(directory)
    assert profiles.match("Acme One5 2.0").profile == "acme-one"


def test_profiles_are_looked_for_where_they_are_installed_then_beside_the_program_then_in_the_checkout(
    tmp_path, monkeypatch
):
    places = {name: tmp_path / name for name in ("PROFILES_DIR", "_IN_PREFIX", "_IN_CHECKOUT")}
    for name, place in places.items():
        monkeypatch.setattr(profile_set, name, place)
    assert installed_profiles() == places["PROFILES_DIR"], "where they should have been"
    for place in reversed(places.values()):
        place.mkdir()
        assert installed_profiles() == place


def test_a_directory_without_profiles_is_a_mistake(tmp_path):
    with pytest.raises(ProfilesRefusedError, match="there is no <vendor>"):
        load_profiles(tmp_path)
    with pytest.raises(EdgeError, match="cannot read the profiles in"):
        load_profiles(tmp_path / "absent")


def test_what_was_compiled_is_read_until_a_profile_is_newer(directory):
    compiled = directory / "profiles.json"
    code, _, err = carried_out(CompileProfiles(str(compiled), str(directory)))
    assert (code, err) == (Exit.FINE, f"{compiled}: 1 profiles\n")
    path = write(directory, "acme", "one", document(vendor="Changed"))
    os.utime(path, ns=(0, 0))
    assert load_profiles(directory).match("Acme One5 2.0").vendor == "Acme"
    os.utime(compiled, ns=(0, 0))
    os.utime(path, ns=(0, 1))
    told = []
    assert load_profiles(directory, told.append).match("Acme One5 2.0").vendor == "Changed"
    command = f"tonekeeper profiles compile --profiles {directory} {compiled}"
    assert told == [f"cannot use '{compiled}': '{path}' was written after it; write it again: {command}"]


def test_profiles_that_came_and_went_since_they_were_compiled_are_noticed(directory):
    write(directory, "acme", "two", document(id="acme-two", match={"user_agents": []}, examples=[]))
    carried_out(CompileProfiles(str(directory / "profiles.json"), str(directory)))
    (directory / "acme" / "two.yaml").unlink()
    told = []
    assert [each.id for each in load_profiles(directory, told.append).profiles] == ["acme-one"]
    assert "the directory has other profiles by now; write it again" in told[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Input data was truncated"),
        (b"[]", "Expected `object`"),
        (b'{"schema": 2, "profiles": []}', "schema 2, and this program knows 1"),
        (b"\xff", ""),
        (b'{"schema": 1}', "missing required field `profiles`"),
    ],
)
def test_a_compiled_file_that_is_none_is_told_and_not_used_where_there_are_others(directory, content, reason):
    compiled, source = directory / "profiles.json", directory / "acme" / "one.yaml"
    compiled.write_bytes(content)
    os.utime(source, ns=(0, 0))
    _, _, err = carried_out(ListProfiles(directory=str(directory)))
    assert reason in err
    assert "write it again: tonekeeper profiles compile" in err
    source.unlink()
    with pytest.raises(ProfilesRefusedError, match="write it again: tonekeeper profiles compile"):
        load_profiles(directory)


def test_compiled_profiles_are_all_that_an_agent_needs(directory):
    carried_out(CompileProfiles(str(directory / "profiles.json"), str(directory)))
    (directory / "acme" / "one.yaml").unlink()
    assert load_profiles(directory).match("Acme One5 2.0").profile == "acme-one"


def test_without_pyyaml_profiles_are_compiled_elsewhere(directory, monkeypatch):
    monkeypatch.delitem(sys.modules, "tonekeeper.edge.yaml_document", raising=False)
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(EdgeError, match="PyYAML is not installed; install it, or compile the profiles where it is"):
        load_profiles(directory)


def test_an_agent_with_compiled_profiles_loads_no_reader_and_no_tuner(directory):
    """The files lie there as well, as they do where they are installed."""
    carried_out(CompileProfiles(str(directory / "profiles.json"), str(directory)))
    program = f"""
import pathlib, sys
import tonekeeper.app.daemon, tonekeeper.app.phone_background
from tonekeeper.app.profile_set import load_profiles
assert len(load_profiles(pathlib.Path({str(directory)!r}))) == 1
print(*[name for name in {NOT_FOR_AGENTS!r} if name in sys.modules])
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "\n"


NOT_FOR_AGENTS = (
    "yaml",
    "tonekeeper.edge.yaml_document",
    "tonekeeper.phones.schema",
    "tonekeeper.phones.lint",
    "tonekeeper.phones.tune",
    "tonekeeper.phones.forecast",
    "tonekeeper.faces.cli.profile_answers",
)
"""While no phone of a known model is there."""


def test_a_compiled_file_that_cannot_be_written_leaves_nothing_behind(directory):
    with pytest.raises(EdgeError, match="cannot write"):
        carried_out(CompileProfiles(str(directory / "absent" / "out.json"), str(directory)))
    with pytest.raises(EdgeError, match="cannot write"):
        carried_out(CompileProfiles(str(directory / "acme"), str(directory)))
    assert [each.name for each in directory.iterdir()] == ["acme"]


def test_the_schema_is_one_json_document():
    code, out, _ = carried_out(ShowSchema())
    assert (code, msgspec.json.decode(out)["title"]) == (Exit.FINE, "Tonekeeper firmware profile")
