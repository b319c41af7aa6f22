"""Commands that list rulesets: whatever they do, they end, and what they say is bounded."""

from __future__ import annotations

import errno

import pytest

from tonekeeper.edge import shadow_commands
from tonekeeper.edge.shadow_commands import load, output_of, run
from tonekeeper.errors import EdgeError


def test_what_a_command_says_and_complains_about_comes_back():
    assert output_of("sh", "-c", "echo rules; echo '# Warning: mine' >&2") == ("rules\n", "# Warning: mine\n")


def test_a_ruleset_without_end_is_cut_off():
    with pytest.raises(EdgeError, match="cannot use the ruleset: it is longer than 1 MiB; gather addresses"):
        output_of("yes", "ip saddr 192.0.2.1 drop", most=1 << 20)


def test_complaints_without_end_do_not_keep_a_command_from_ending():
    assert len(run(("sh", "-c", "yes complaint | head -c 3000000 >&2; exit 3"), most=10).err) == 1 << 16


def test_what_is_loaded_arrives_whole_however_long_it_is():
    assert run(("wc", "-c"), "x" * (3 << 20)).out.strip() == str(3 << 20)


def test_a_command_without_end_is_ended(monkeypatch):
    monkeypatch.setattr(shadow_commands, "PATIENCE", 0.05)
    with pytest.raises(EdgeError, match=r"cannot run 'sleep 60': no end after 0\.05 s"):
        run(("sleep", "60"))
    with pytest.raises(EdgeError, match="no end after"):  # it has closed its output, and goes on
        run(("sh", "-c", "exec sleep 60 >&-"))


def test_a_command_may_take_so_much_memory_and_no_more():
    until_limited = "while [ $(ulimit -v) = unlimited ]; do :; done; ulimit -v"
    assert 1 << 17 <= int(run(("sh", "-c", until_limited)).out) <= 1 << 20  # KiB


def test_a_ruleset_that_takes_more_memory_is_refused_in_a_sentence():
    with pytest.raises(EdgeError, match=r"cannot use the ruleset: sh needs more than [0-9]+ MiB for it"):
        output_of("sh", "-c", "echo 'utils.c:38: Memory allocation failure' >&2; exit 2")


def test_a_command_that_is_not_there_is_named():
    with pytest.raises(EdgeError, match="install tonekeeper-nothing") as refused:
        run(("tonekeeper-nothing",))
    assert refused.value.errno == errno.ENOSYS


@pytest.mark.parametrize(
    ("said", "told", "number"),
    [
        ("Error: syntax error", "cannot load the ruleset into its copy: Error: syntax error", 0),
        ("Operation not permitted (you must be root)", "run it as root, or give a dump", errno.EPERM),
        ("", "no reason", 0),
    ],
)
def test_a_command_that_fails_says_why(said, told, number):
    with pytest.raises(EdgeError) as refused:
        load(("sh", "-c", f"echo '{said}' >&2; exit 1"), "")
    assert told in str(refused.value)
    assert refused.value.errno == number
