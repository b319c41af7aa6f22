from pathlib import Path

import pytest

from tonekeeper.errors import ConfigError
from tonekeeper.settings import load_settings, parse_settings
from tonekeeper.settings.load import LONGEST_FILE

MINIMAL = '[[sbc]]\nname = "primary"\nuri = "sip:sbc1.example.net"\n'


def test_a_file_gives_the_same_settings_as_its_text(tmp_path):
    file = tmp_path / "site.toml"
    file.write_text(MINIMAL)
    assert load_settings(file) == parse_settings(MINIMAL, "site.toml")


@pytest.mark.parametrize("written", [b"\xef\xbb\xbf" + MINIMAL.encode(), MINIMAL.replace("\n", "\r\n").encode()])
def test_a_file_saved_on_windows_is_read_all_the_same(tmp_path, written):
    file = tmp_path / "site.toml"
    file.write_bytes(written)
    assert load_settings(file) == parse_settings(MINIMAL, "site.toml")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("absent.toml", "No such file or directory"),
        (".", "Is a directory"),
        ("a" * 300, "File name too long"),
        ("nul\0byte", "embedded null byte"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_mistake_with_the_systems_own_reason(tmp_path, path, reason):
    with pytest.raises(ConfigError) as refused:
        load_settings(tmp_path / path)
    [mistake] = refused.value.mistakes
    assert mistake.reason == f"cannot read it: {reason}"
    assert mistake.remedy == "give the path of a file that this user may read"


def test_a_file_that_this_user_may_not_read_is_a_mistake(monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may read everything
    with pytest.raises(ConfigError, match=r"^site\.toml: file: cannot read it: Permission denied; "):
        load_settings(Path("site.toml"))


def test_a_file_without_end_is_read_up_to_a_limit_and_refused(tmp_path):
    file = tmp_path / "site.toml"
    file.write_bytes(b"#" * (LONGEST_FILE + 1))
    with pytest.raises(ConfigError, match="file: is longer than 1048576 bytes"):
        load_settings(file)


def test_a_file_of_the_longest_length_is_still_read(tmp_path):
    file = tmp_path / "site.toml"
    file.write_text(MINIMAL + "#" * (LONGEST_FILE - len(MINIMAL)))
    assert load_settings(file).site.sbcs


def test_a_byte_that_is_not_utf_8_is_found_on_its_line(tmp_path):
    file = tmp_path / "site.toml"
    file.write_bytes(b"# one\r\n# two\r\n# \xff\r\n")
    with pytest.raises(ConfigError, match="line 3: byte 0xff is not UTF-8; save the file as UTF-8"):
        load_settings(file)
