"""Who the agents are: a broken row is named, and the others are used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.fleet.inventory import read_csv, read_rows
from tonekeeper.fleet.targets import target_groups


def test_columns_may_come_in_any_order_and_others_are_labels():
    inventory = read_csv("address,name,region,credentials\n192.0.2.1,site-1,north,env:NOC_TOKEN\n")
    (host,) = inventory.hosts
    assert (host.name, host.url, host.credentials, host.labels) == (
        "site-1",
        "http://192.0.2.1:8642",
        "env:NOC_TOKEN",
        {"region": "north"},
    )
    assert inventory.mistakes == ()


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("192.0.2.1:9000", "http://192.0.2.1:9000"),
        ("https://cpe.example.net", "https://cpe.example.net:8642"),
        ("[2001:db8::1]:8642", "http://[2001:db8::1]:8642"),
        ("https://proxy.example.net:443/site-1/", "https://proxy.example.net:443/site-1"),
    ],
)
def test_an_address_may_say_scheme_port_and_path(address: str, url: str):
    (host,) = read_csv(f"name,address\nsite-1,{address}\n").hosts
    assert host.url == url


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("site-2,192.0.2.2:99999,", '"192.0.2.2:99999": is no address'),
        ("site-2,two words,", '"two words": is no address'),
        ("site-2,,", '"": is no address'),
        (",192.0.2.2,", '"": is no name'),
        ("site-1,192.0.2.2,", '"site-1": is there already'),
        ("site-2,192.0.2.2,telnet", '"telnet": is no method'),
        ("site-2,192.0.2.2,http,more", "has more columns"),
    ],
)
def test_a_broken_line_is_named_and_the_others_are_used(line: str, reason: str):
    inventory = read_csv(f"name,address,method\nsite-1,192.0.2.1,http\n{line}\nsite-3,192.0.2.3,\n")
    assert [host.name for host in inventory.hosts] == ["site-1", "site-3"]
    (mistake,) = inventory.mistakes
    assert mistake.key_path == "line 3"
    assert reason in f"{mistake.value}: {mistake.reason}"


def test_a_secret_in_the_place_of_its_reference_is_not_repeated():
    inventory = read_csv("name,address,credentials\nsite-1,192.0.2.1,hush-hush\n")
    assert "hush" not in str(inventory.mistakes)


def test_a_file_without_the_columns_says_which_line_to_begin_with():
    (mistake,) = read_csv("host;port\na;b\n").mistakes
    assert mistake.remedy == "begin with the line name,address,method,credentials"


@given(st.text(max_size=400))
def test_any_text_is_hosts_and_mistakes(text: str):
    inventory = read_csv(text)
    assert all(host.url.startswith(("http://", "https://")) for host in inventory.hosts)


def test_prometheus_gets_the_site_its_labels_and_no_secret():
    rows = [
        ("line 2", {"name": "site-1", "address": "https://192.0.2.1/s", "credentials": "env:T", "2nd": "x"}),
        ("line 3", {"name": "site-2", "address": "192.0.2.2"}),
    ]
    assert target_groups(read_rows(rows).hosts) == [
        {
            "targets": ["192.0.2.1:8642"],
            "labels": {
                "site": "site-1",
                "label_2nd": "x",
                "__scheme__": "https",
                "__metrics_path__": "/s/metrics",
            },
        },
        {"targets": ["192.0.2.2:8642"], "labels": {"site": "site-2"}},
    ]
