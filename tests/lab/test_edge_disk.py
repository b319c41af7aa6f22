"""The journal on a disk that is really full, and the service manager's real socket."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from random import Random

import pytest

from tests.lab.edge_namespaces import need_the_lab
from tests.lab.namespace import run
from tonekeeper.edge import service
from tonekeeper.edge.files import FLUSH_AFTER, JournalFiles, SingleInstance, read_segment, segments_in
from tonekeeper.edge.system_resolver import look_up
from tonekeeper.errors import EdgeError

pytestmark = pytest.mark.lab


@pytest.fixture
def disk(tmp_path):
    """64 KiB, of its own."""
    need_the_lab()
    place = tmp_path / "disk"
    place.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tonekeeper-lab", str(place))
    yield place
    run("umount", "--lazy", str(place))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_full_disk_is_told_once_and_the_journal_goes_on_when_there_is_room(disk):
    clock = Clock()
    ballast = disk / "ballast"
    journal = JournalFiles(disk / "journal", max_bytes=1 << 20, head=lambda: [b"head"], clock=clock)
    journal.begin()
    ballast.write_bytes(bytes(40_000))
    journal.append(Random(1).randbytes(40_000))  # which does not shrink
    with pytest.raises(EdgeError) as caught:
        journal.flush()
    assert caught.value.errno == errno.ENOSPC
    for _ in range(10):
        clock.now += FLUSH_AFTER
        journal.append(b"lost")
    ballast.unlink()
    clock.now += FLUSH_AFTER
    journal.append(b"covered by the head")
    assert not journal.failing
    journal.append(b"kept")
    journal.close()
    assert list(read_segment(segments_in(disk / "journal")[-1])) == [b"head", b"kept"]


def test_a_disk_that_became_read_only_is_told_for_what_it_is(disk):
    run("mount", "-o", "remount,ro", str(disk))
    journal = JournalFiles(disk / "journal", max_bytes=1 << 20, head=lambda: [b"head"])
    with pytest.raises(EdgeError, match="Read-only file system; make the directory writable") as caught:
        journal.begin()
    assert caught.value.errno == errno.EROFS
    with SingleInstance(disk) as alone:
        assert alone.failure is not None
        assert alone.failure.errno == errno.EROFS


@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_hears_what_it_is_told(monkeypatch, tmp_path: Path, abstract):
    address = f"@tonekeeper-lab-{tmp_path}" if abstract else str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + address[1:] if abstract else address)
        service.tell_ready()
        service.tell_alive()
        service.tell_stopping()
        assert [manager.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_a_service_manager_that_is_gone_is_not_missed(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    service.tell_ready()


def test_the_systems_resolver_knows_this_host():
    assert "127.0.0.1" in look_up("localhost", 5060)
