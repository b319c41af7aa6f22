"""Whatever stands in a file: Settings, or a ConfigError. Nothing else ever comes out."""

from datetime import UTC, date, datetime, time
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from tonekeeper.errors import ConfigError
from tonekeeper.settings import Settings, parse_settings
from tonekeeper.settings.load import settings_from

EVERY_KEY = (Path(__file__).parent / "every-key.toml").read_text()
WORDS = sorted(set(EVERY_KEY.replace('"', " ").replace("[", " ").replace("]", " ").split()) - {"=", "#"})

keys = st.sampled_from(WORDS) | st.text(max_size=8)
numbers = st.integers() | st.sampled_from([10**400, -(10**400)]) | st.floats()
moments = st.sampled_from([datetime(2026, 11, 17, 9, tzinfo=UTC), date(2026, 11, 17), time(9, 12)])
leaves = st.sampled_from(WORDS) | st.text(max_size=20) | numbers | st.booleans() | moments
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=20
)
documents = st.dictionaries(keys, trees, max_size=6)

SHAPE = {
    "agent": ("name", "role", "state_dir", "profiles_dir"),
    "wan": ("name", "interface", "source", "metered", "budget"),
    "sbc": ("name", "uri", "media", "rtp"),
    "probe": ("interval", "false_alarms_per_month"),
    "failover": (
        "mode",
        "prefer",
        "min_dwell",
        "switches",
        "switch_refill",
        "failback_after",
        "failback_spread",
        "probation",
    ),
    "damping": ("half_life", "suppress", "reuse", "max_suppress"),
    "nat": ("server",),
    "lan": ("interfaces", "probe", "registrar_rate", "min_expiry"),
    "checks": ("background", "time_servers", "portal_url"),
    "firewall": ("rtp",),
    "http": ("enabled", "listen", "token_file", "tls_cert", "tls_key", "client_ca"),
    "snmp": ("listen", "enterprise", "user", "target", "agentx", "community", "community_file", "allow"),
    "journal": ("max_bytes",),
    "log": ("format", "level"),
}
LISTS = {"wan", "sbc"}


def section(name):
    table = st.fixed_dictionaries({}, optional=dict.fromkeys(SHAPE[name], trees))
    return st.lists(table | trees, max_size=3) if name in LISTS else table


near_documents = st.fixed_dictionaries({}, optional={name: section(name) for name in SHAPE})


def settings_or_mistakes(read):
    """True where settings came out, False where a ConfigError did; anything else passes through and fails the test."""
    try:
        settings = read()
    except ConfigError as error:
        refused = error
    else:
        assert isinstance(settings, Settings)
        assert settings.site.sbcs
        return True
    assert refused.mistakes
    assert all(m.key_path and m.reason and m.remedy and str(m).isprintable() for m in refused.mistakes)
    return False


@given(st.text(max_size=200))
@example("\ufeff")
@example("a = " + "[" * 3000)
@example("a" + ".a" * 3000 + " = 1")
@example("x = 0x" + "f" * 5000)
@example("x = " + "9" * 5000)
@example("wan = [" + "{}," * 100 + "]")
@example("a = " + "b" * 100_000 + "!")
def test_any_text_gives_settings_or_a_config_error(text):
    settings_or_mistakes(lambda: parse_settings(text, "site.toml"))


@given(st.lists(st.sampled_from(EVERY_KEY.splitlines()), max_size=30))
def test_the_lines_of_a_good_file_in_any_order_give_settings_or_a_config_error(lines):
    settings_or_mistakes(lambda: parse_settings("\n".join(lines), "site.toml"))


@given(st.integers(0, len(EVERY_KEY)), st.integers(0, 40), st.text(max_size=5))
def test_a_good_file_with_a_piece_replaced_gives_settings_or_a_config_error(at, length, piece):
    text = EVERY_KEY[:at] + piece + EVERY_KEY[at + length :]
    settings_or_mistakes(lambda: parse_settings(text, "site.toml"))


@given(documents)
def test_any_toml_document_gives_settings_or_a_config_error(document):
    settings_or_mistakes(lambda: settings_from(document, "site.toml"))


@given(near_documents)
def test_any_value_under_any_known_key_gives_settings_or_a_config_error(document):
    settings_or_mistakes(lambda: settings_from(document, "site.toml"))


def test_a_good_file_does_come_out_as_settings():
    assert settings_or_mistakes(lambda: parse_settings(EVERY_KEY, "site.toml"))
