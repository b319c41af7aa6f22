"""docs/sbc.md says what the agent does: its numbers are the ones in force, its findings are in the catalogue."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tonekeeper.core import backoff, functions, meaning, names, paths, probe, probe_allowance, servers, whereabouts
from tonekeeper.core.depth import part, register, voice, watch
from tonekeeper.core.findings import CATALOGUE
from tonekeeper.core.site import Depth, ProbePolicy
from tonekeeper.edge import dns, nameservers
from tonekeeper.settings.sbcs import INTERVALS

DOCUMENT = (Path(__file__).parents[3] / "docs" / "sbc.md").read_text()
TEXT = " ".join(DOCUMENT.split())
CALL, REGISTER, VOICEMAIL = (
    probe_allowance.DEPTH_COSTS[depth] for depth in (Depth.CALL, Depth.REGISTER, Depth.VOICEMAIL)
)
SPOKEN = {4: "four"}


@pytest.mark.parametrize(
    "sentence",
    [
        f"else up to {nameservers.MOST} that its DHCP client was given",
        f"A resolver has {dns.LIMIT:g} s for a whole look-up.",
        f"within {whereabouts.LEAST_TTL:g} s and {whereabouts.MOST_TTL / 3600:g} h",
        f"after a failure in {whereabouts.RETRY:g} s, doubling to {whereabouts.RETRY_MOST:g} s",
        f"called a lie after {whereabouts.LIE_AFTER:g} s",
        f"nobody has confirmed the addresses for {names.STALE_AFTER / 60:g} min",
        f"{servers.EXPIRES_SOON / servers.DAY:g} days before its end",
        f"critical from {servers.EXPIRES_NOW / servers.DAY:g} days on",
        f"{servers.ROUNDS:g} of its intervals",
        f"names {SPOKEN[servers.MOST_DIFFERENCES]} differences",
    ],
)
def test_what_it_says_of_names_certificates_and_standbys_is_in_force(sentence):
    assert sentence in TEXT


@pytest.mark.parametrize(
    "sentence",
    [
        f"| OPTIONS | always, every {ProbePolicy().interval:g} s |",
        f"| `[sbc.register]` | every {INTERVALS[Depth.REGISTER] / 60:g} min |",
        f"| `[sbc.voicemail]` | every {INTERVALS[Depth.VOICEMAIL] / 60:g} min |",
        f"{voice.PACKETS + 5} packets in {voice.PACKETS * voice.PERIOD:g} s",
        f"idle {watch.IDLE_METERED:g} times more rarely",
        f"It takes {part.PATIENCE:g} s at most",
        f"{part.CLEANUP_PATIENCE:g} s of cleaning up",
        f"to the test account, for {register.EXPIRES} s",
        f"below MOS {functions.POOR_MOS}",
    ],
)
def test_what_it_says_of_deep_probes_is_in_force(sentence):
    assert sentence in TEXT


@pytest.mark.parametrize(
    "sentence",
    [
        f"{probe_allowance.HEADROOM:g} times what all is well needs, at least {probe_allowance.SLOWEST_RATE:g}",
        f"{probe_allowance.BYTE_HEADROOM:g} times what all is well needs; half at once",
        f"a call {CALL.packets} packets and {CALL.bytes / 1000:.0f} kB",
        f"the others {REGISTER.packets} packets and {VOICEMAIL.bytes / 1000:.0f} kB",
        f"carried packets for {paths.OUTAGE:g} s | 0 to {backoff.FIRST_PROBE_SPREAD:g} s",
        f"{watch.RETRY / 2:g} to {watch.RETRY:g} s, the upper bound doubling to {watch.RETRY_MOST / 60:g} min",
        f"{probe.REOPEN / 2:g} to {probe.REOPEN:g} s, the upper bound doubling to {probe.REOPEN_MOST:g} s",
    ],
)
def test_what_it_says_of_the_storm_guard_is_in_force(sentence):
    assert sentence in TEXT


def test_a_failed_register_waits_as_it_says():
    alone, beside = (backoff.register_retry_bound(1, any_flow_works=works) for works in (False, True))

    assert (
        f"{alone / 2:g} to {alone:g} s ({beside / 2:g} to {beside:g} s while another works), "
        f"doubling to {backoff.REGISTER_MOST / 60:g} min"
    ) in TEXT
    assert meaning.LONGEST_HOLD == 3600, "an hour at most"
    assert register.LONGEST_EXPIRES == 3600, "more than an hour"


def test_every_finding_it_names_is_in_the_catalogue():
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", DOCUMENT)) - {"auth-int"}

    assert len(named) > 10
    assert named <= CATALOGUE.keys()


def test_what_the_other_documents_link_to_is_a_heading():
    headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", DOCUMENT, re.MULTILINE)}
    linked = {
        anchor
        for document in (Path(__file__).parents[3] / "docs").glob("*.md")
        for anchor in re.findall(r"\]\((?:sbc\.md)#([a-z-]+)\)", document.read_text())
    }

    assert {"where-an-sbc-is", "how-deep"} <= linked <= headings
