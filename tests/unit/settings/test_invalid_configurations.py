"""One small bad file per mistake in `invalid/`, beside the exact text that a person reads."""

from pathlib import Path

import pytest

from tonekeeper.errors import ConfigError
from tonekeeper.settings import load_settings

INVALID = Path(__file__).parent / "invalid"
FILES = sorted(INVALID.glob("*.toml"))


def test_every_invalid_file_has_its_message_and_every_message_its_file():
    assert {file.stem for file in FILES} == {text.stem for text in INVALID.glob("*.txt")}
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_invalid_file_is_refused_with_exactly_this_message(file):
    with pytest.raises(ConfigError) as refused:
        load_settings(file)
    assert refused.value.file == str(file)
    assert f"{refused.value}\n".replace(str(file), file.name) == file.with_suffix(".txt").read_text()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_message_names_a_place_a_reason_and_a_remedy_on_one_printable_line(file):
    with pytest.raises(ConfigError) as refused:
        load_settings(file)
    for mistake in refused.value.mistakes:
        assert mistake.key_path
        assert mistake.reason
        assert mistake.remedy
        assert str(mistake).isprintable()
        assert len(str(mistake)) < 400


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_secret_in_a_file_is_never_repeated(file):
    with pytest.raises(ConfigError) as refused:
        load_settings(file)
    for secret in ("open sesame", "public", "12345678"):
        assert secret not in str(refused.value)
