"""A profile's YAML: words stay words, every key has its line, and nothing clever is let in."""

import pytest
import yaml

from tonekeeper.edge import yaml_document
from tonekeeper.edge.yaml_document import parse_yaml
from tonekeeper.errors import ConfigError


@pytest.fixture(
    autouse=True, params=sorted({yaml.SafeLoader, yaml_document._LOADER}, key=str), ids=lambda one: one.__name__
)
def loader(request, monkeypatch):
    """Debian's PyYAML has the C parser, a wheel for a rarer machine may not."""
    monkeypatch.setattr(yaml_document, "_LOADER", request.param)


def refusal(text):
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "x.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("12:30:00", "12:30:00"),
        ("0755", 755),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("2026-11-22", "2026-11-22"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        (".inf", ".inf"),
        ("1.2.3", "1.2.3"),
        ("9" * 30, "9" * 30),
        ("true", True),
        ("null", None),
        ("~", None),
        ('"12"', "12"),
        ("'true'", "true"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_a_plain_value_is_what_the_core_schema_says(written, value):
    read = parse_yaml(f"key: {written}\n", "x.yaml").value["key"]
    assert (read, type(read)) == (value, type(value))


def test_every_key_path_has_its_line():
    document = parse_yaml("a: 1\nb:\n  - c: 2\n    d: [3,\n      4]\n  - e:\n      f: 5\n", "x.yaml")
    assert document.value == {"a": 1, "b": [{"c": 2, "d": [3, 4]}, {"e": {"f": 5}}]}
    lines = {"a": 1, "b": 2, "b[0].c": 3, "b[0].d": 4, "b[0].d[1]": 5, "b[1]": 6, "b[1].e.f": 7}
    assert {path: document.lines[path] for path in lines} == lines


def test_a_path_that_is_not_there_has_the_line_of_what_is_around_it():
    document = parse_yaml("a: 1\nb:\n  - c: 2\n", "x.yaml")
    assert document.line_of("b[0].missing") == 3
    assert document.line_of("elsewhere") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            "x.yaml: line 3 = a: stands here a second time; the first is on line 1; keep one of the two",
        ),
        ("a:\n  b: 1\n  'b': 2\n", "line 3 = a.b: stands here a second time"),
        ("a: &x 1\n", "line 1 = &x: is an anchor"),
        ("a: 1\nb: *x\n", "line 2 = *x: is an alias"),
        ("a: !!python/object:os.system 1\n", "is a tag"),
        ("a: !local 1\n", "is a tag"),
        ("a: 1\n---\nb: 2\n", "begins a second document"),
        ("1: a\n", "line 1 = 1: is a key that is no text; put it in quotes"),
        ("true: a\n", "is a key that is no text"),
        ("? [a]\n: b\n", "has a key that is no text"),
        ("a: [1\n", "line 2"),
        ("a: b: c\n", "line 1"),
        ('a: "\x01"\n', "is not YAML"),
        ("[" * 100_000, "line 1: nests too deeply"),
        ("a:\n" + "".join(f"{' ' * i}- \n" for i in range(1, 60)), "nests too deeply"),
        ('a: "\\ud800"\n', "line 1"),
    ],
)
def test_what_is_not_such_a_document_is_refused_with_its_line(text, said):
    assert said in refusal(text)


def test_an_empty_file_is_nothing():
    assert parse_yaml("", "x.yaml").value is None
