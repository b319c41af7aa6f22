"""Profiles against anything: a document is a profile or mistakes, a text is a match or nobody's."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.phones.documents import SMALLEST, document
from tonekeeper.edge.yaml_document import YamlDocument, parse_yaml
from tonekeeper.errors import ConfigError, DecodeError, Mistake
from tonekeeper.phones.match import Match, ProfileSet
from tonekeeper.phones.pattern import parse_pattern
from tonekeeper.phones.pattern_parts import LONGEST_USER_AGENT
from tonekeeper.phones.schema import read_profile

SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=20)
KEYS = st.text(max_size=12) | st.sampled_from(sorted(SMALLEST)) | st.sampled_from(["`", "$.a", "x` - at `$", "a.b[0]"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))
PATTERN_PIECES = st.sampled_from(
    ["Acme", "{model}", "{model=T*}", "{model=T4*|*U}", "{firmware}", "{mac}", "{word}", "{rest}", "[x]", *" /-_V[]{}1"]
)
USER_AGENT_PIECES = st.sampled_from(["Acme", "T4", "U", "1.0", "00:15:65:00:00:01", *" /-_V\x00é"])
PATTERNS = st.lists(PATTERN_PIECES, min_size=1, max_size=7).map("".join)
USER_AGENTS = st.lists(USER_AGENT_PIECES, max_size=10).map("".join)
MUTATIONS = st.sampled_from(["{}", "[]", "- ", ": ", "&a ", "*a", "!!str ", *"\"'\t\n\x07#|%?"])


@st.composite
def changed_documents(draw):
    """The smallest profile with something else at some place."""
    changed = document()
    place, key = changed, draw(st.sampled_from(sorted(changed)))
    while isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
        place = place[key]
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    if draw(st.booleans()) and isinstance(place, dict):
        place[draw(KEYS)] = draw(VALUES)
    else:
        place[key] = draw(VALUES)
    return changed


@st.composite
def changed_texts(draw):
    text = "a: 1\nb:\n  - c: two\n    d: [3, {e: 4}]\n"
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(MUTATIONS) + text[at + draw(st.integers(0, 3)) :]
    return text


@given(VALUES | changed_documents())
def test_any_document_is_a_profile_or_mistakes_with_remedies(value):
    profile, mistakes = read_profile(value)
    assert (profile is None) == bool(mistakes)
    assert all(isinstance(each, Mistake) and each.reason and each.remedy for each in mistakes)


def document_or_error(text):
    try:
        return parse_yaml(text, "x.yaml")
    except ConfigError as error:
        return error


@given(changed_texts() | st.text(max_size=60))
def test_any_text_is_a_document_with_lines_or_a_config_error(text):
    read = document_or_error(text)
    if isinstance(read, YamlDocument):
        assert all(1 <= line <= text.count("\n") + text.count("\r") + 2 for line in read.lines.values())
    else:
        assert read.mistakes[0].key_path.startswith("line ")


def pattern_or_none(text):
    try:
        return parse_pattern(text)
    except DecodeError:
        return None


@given(st.text(max_size=300) | USER_AGENTS, st.integers(1, 3000))
def test_any_user_agent_has_a_family_or_none(user_agent, times):
    profile, _ = read_profile(SMALLEST)
    found = ProfileSet([profile]).match(user_agent * times)
    assert found is None or isinstance(found, Match)


@given(PATTERNS, USER_AGENTS)
def test_any_pattern_reads_any_user_agent_or_is_refused(text, user_agent):
    pattern = pattern_or_none(text)
    if pattern is not None:
        read = pattern.read(user_agent)
        assert read is None or len("".join(read)) <= len(user_agent) <= LONGEST_USER_AGENT


@given(PATTERNS, PATTERNS, USER_AGENTS)
def test_no_user_agent_fits_two_patterns_that_have_no_text_in_common(one, other, user_agent):
    first, second = pattern_or_none(one), pattern_or_none(other)
    if first and second and first.common_text(second) is None:
        assert first.read(user_agent) is None or second.read(user_agent) is None
