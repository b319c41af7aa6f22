"""Notifications that wait: in order, within a limit, on disk only when it takes long."""

from __future__ import annotations

import pytest

from tonekeeper.edge.notification_queue import MOST, NAME, PAUSE, NotificationQueue
from tonekeeper.errors import EdgeError
from tonekeeper.wire.smi import Tag, Value, Varbind


def notification(number):
    return (
        Varbind((1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0), Value(Tag.OBJECT_IDENTIFIER, (1, 3, number))),
        Varbind((1, 3, 1), Value(Tag.GAUGE32, number)),
        Varbind((1, 3, 2), Value(Tag.OCTET_STRING, b"\xff\x00text")),
        Varbind((1, 3, 3), Value(Tag.NO_SUCH_INSTANCE, None)),
    )


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(tmp_path, clock):
    return NotificationQueue(tmp_path, clock)


def test_each_target_is_told_everything_once_and_in_order(queue):
    for number in range(3):
        queue.add(notification(number), ["one", "two"])
    told = []
    while (waiting := queue.next_for("one")) is not None:
        told.append(waiting.varbinds)
        queue.delivered(waiting, "one")
    assert told == [notification(number) for number in range(3)]
    assert len(queue) == 3
    assert queue.next_for("two").varbinds == notification(0)
    assert queue.next_for("nobody") is None


def test_nothing_touches_the_disk_while_everything_is_delivered(queue, tmp_path):
    queue.add(notification(1), ["one"])
    queue.delivered(queue.next_for("one"), "one")
    queue.save()
    assert list(tmp_path.iterdir()) == []


def test_what_waits_is_written_at_once_and_then_not_all_the_time(queue, tmp_path, clock):
    queue.add(notification(1), ["one"])
    queue.save()
    written = (tmp_path / NAME).read_bytes()
    queue.add(notification(2), ["one"])
    queue.save()
    assert (tmp_path / NAME).read_bytes() == written
    clock.now += PAUSE
    queue.save()
    assert len((tmp_path / NAME).read_bytes()) > len(written)


def test_a_restart_goes_on_where_the_run_before_ended(queue, tmp_path, clock):
    queue.add(notification(1), ["one", "two"])
    queue.add(notification(2), ["one"])
    queue.delivered(queue.next_for("two"), "two")
    queue.save(at_once=True)
    again = NotificationQueue(tmp_path, clock)
    again.recall(["one", "two"])
    assert [again.next_for("one").varbinds, len(again)] == [notification(1), 2]
    assert again.next_for("two") is None


def test_who_is_not_configured_any_more_is_not_told(queue, tmp_path, clock):
    queue.add(notification(1), ["one", "two"])
    queue.add(notification(2), ["one"])
    queue.save()
    again = NotificationQueue(tmp_path, clock)
    again.recall(["two"])
    assert len(again) == 1


def test_the_file_goes_when_nothing_waits_any_more(queue, tmp_path):
    queue.add(notification(1), ["one"])
    queue.save()
    queue.delivered(queue.next_for("one"), "one")
    assert list(tmp_path.iterdir()) == []


def test_of_too_many_the_oldest_go_and_are_counted(tmp_path, clock):
    queue = NotificationQueue(tmp_path, clock, most=3)
    in_delivery = None
    for number in range(5):
        queue.add(notification(number), ["one"])
        in_delivery = in_delivery or queue.next_for("one")
    assert len(queue) == 3
    assert queue.lost == 2
    assert queue.next_for("one").varbinds == notification(2)
    queue.delivered(in_delivery, "one")  # it was given up meanwhile
    assert len(queue) == 3


def test_no_disk_is_asked_for_more_than_its_share(queue, tmp_path):
    for number in range(MOST + 10):
        queue.add(notification(number), ["one"])
    queue.save()
    assert (tmp_path / NAME).stat().st_size < 1024 * 1024


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"schema": 2, "waiting": []}',
        b'{"schema": 1, "waiting": [{"targets": ["one"], "varbinds": [[[1, 3], 99]]}]}',
        b'{"schema": 1, "waiting": [{"targets": "one", "varbinds": []}]}',
    ],
)
def test_a_file_that_cannot_be_used_is_said_and_put_aside(queue, tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(EdgeError, match="cannot use"):
        queue.recall(["one"])
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(f"{NAME}.broken", content)]
    assert len(queue) == 0


def test_a_disk_that_refuses_is_said_and_tried_again(queue, tmp_path, clock):
    queue.add(notification(1), ["one"])
    blocked = (tmp_path / NAME).with_suffix(".new")
    blocked.mkdir()
    with pytest.raises(EdgeError, match="what waits ends with the process"):
        queue.save()
    blocked.rmdir()
    clock.now += PAUSE
    queue.save()
    assert (tmp_path / NAME).exists()
