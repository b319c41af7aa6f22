"""How much each source may ask the reflector for."""

from __future__ import annotations

from tonekeeper.edge.source_allowances import SourceAllowances


def allowances(*, most_sources: int = 100, all_per_second: float = 1000.0) -> SourceAllowances:
    return SourceAllowances(
        per_second=1.0, burst=2.0, most_sources=most_sources, all_per_second=all_per_second, now=0.0
    )


def test_one_source_cannot_use_up_what_another_has():
    sources = allowances()
    assert [sources.take("192.0.2.1", 0.0) for _ in range(3)] == [True, True, False]
    assert sources.take("192.0.2.2", 0.0)


def test_all_sources_together_have_a_limit_too():
    sources = allowances(all_per_second=10.0)
    assert sum(sources.take(f"192.0.2.{host}", 0.0) for host in range(50)) == 10


def test_the_addresses_of_one_ipv6_network_share_a_bucket():
    sources = allowances()
    assert [sources.take(f"2001:db8::{host}", 0.0) for host in range(3)] == [True, True, False]
    assert sources.take("2001:db8:0:1::", 0.0)


def test_the_table_never_grows_beyond_its_limit_and_forgets_who_was_silent_longest():
    sources = allowances(most_sources=2)
    for host in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"):
        sources.take(host, 0.0)
    assert len(sources) == 2
    assert not sources.take("192.0.2.1", 0.0)
