"""The kernel's files about its table of connections, as it writes them."""

from __future__ import annotations

from pathlib import Path

from tonekeeper.core.beside.connection_table import TableSeen
from tonekeeper.edge.connection_table import read_table

HEADING = (
    "entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  "
    "expect_new expect_create expect_delete search_restart\n"
)


def row(drop: int, early_drop: int) -> str:
    numbers = [0x3F00, 0, 0, 0, 0x12, 0, 0, 0, 0, 0x07, drop, early_drop, 0, 0, 0, 0, 0]
    return " ".join(f"{number:08x}" for number in numbers) + "\n"


def proc(root: Path, count: str = "16128\n", most: str = "16384\n", stat: str = "", meminfo: str = "") -> Path:
    files = {
        "sys/net/netfilter/nf_conntrack_count": count,
        "sys/net/netfilter/nf_conntrack_max": most,
        "thread-self/net/stat/nf_conntrack": stat,
        "meminfo": meminfo,
    }
    for name, text in files.items():
        if text:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    return root


def test_the_counters_of_all_processors_are_added_up(tmp_path):
    stat = HEADING + row(drop=0x10, early_drop=2) + row(drop=1, early_drop=0)
    seen = read_table(proc(tmp_path, stat=stat, meminfo="MemTotal:        1048576 kB\nMemFree: 1 kB\n"))
    assert seen == TableSeen(16128, 16384, evicted=2, dropped=17, memory=1 << 30)


def test_a_kernel_without_these_counters_still_says_how_full_it_is(tmp_path):
    assert read_table(proc(tmp_path)) == TableSeen(16128, 16384)


def test_what_cannot_be_read_is_left_out(tmp_path):
    for number, stat in enumerate((HEADING, HEADING + "none\n", HEADING + "00000001 00000002\n", "\n")):
        root = tmp_path / str(number)
        root.mkdir()
        assert read_table(proc(root, stat=stat, meminfo="MemTotal: lots\n")) == TableSeen(16128, 16384)


def test_a_host_that_tracks_nothing_has_no_table(tmp_path):
    assert read_table(tmp_path) is None
    assert read_table(proc(tmp_path, most="")) is None


def test_this_hosts_own_files_are_read_without_a_privilege():
    seen = read_table()
    assert seen is None or 0 <= seen.count <= seen.most or seen.most == 0
