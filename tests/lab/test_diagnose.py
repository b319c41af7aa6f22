"""Each fault, put in for real: the first line of the verdict names it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab.agent import Agent
from tests.lab.diagnosing import Technician
from tests.lab.topology import Lab

pytestmark = pytest.mark.lab


@pytest.fixture
def technician(make_agent: Callable[..., Agent]) -> Technician:
    return Technician(make_agent())


def test_a_site_where_all_is_well_is_not_called_ill(technician: Technician):
    found = technician.look()
    assert found.first == ""
    assert found.code == 0
    assert {one["outcome"] for one in found.report["checks"]} <= {"ok", "not checked"}


def test_a_wan_that_loses_a_fifth_of_the_packets(lab: Lab, technician: Technician):
    with lab.provider("fibre").lose(20):
        assert technician.look().first == "wan-degraded fibre"


def test_an_sbc_that_is_being_drained(lab: Lab, technician: Technician):
    lab.sbc("primary").answer_503(retry_after=120)
    assert technician.look().first == "sbc-draining primary"


def test_no_alternate_is_configured(lab: Lab, make_agent: Callable[..., Agent]):
    primary = lab.sbc("primary")
    only = make_agent(sbc=[{"name": "primary", "uri": primary.uri}], wan=[{"name": "fibre", "interface": "eth0"}])
    assert Technician(only).look().first.startswith("no-alternate")
