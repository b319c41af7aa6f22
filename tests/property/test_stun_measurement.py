"""A NAT measurement takes anything: it always ends, exactly once, with every socket closed and within its limits."""

from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.nat.attempt import Limits
from tonekeeper.core.nat.measurement import Measurement
from tonekeeper.core.nat.messages import (
    CloseSocket,
    ConnectionEnded,
    DeadlineReached,
    Finished,
    GarbageReceived,
    IcmpReceived,
    OpenSocket,
    SendRefused,
    SendStun,
    SocketOpened,
    SocketRefused,
    StunReceived,
    WanChanged,
)
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.message import ErrorCode, StunClass, StunMessage

SERVER = Endpoint("198.51.100.1", 3478)
OTHER = Endpoint("198.51.100.2", 3479)
LOCAL = "192.168.1.2"
ENDPOINTS = st.sampled_from([SERVER, OTHER, Endpoint("192.0.2.66", 6666)])
MAPPED = st.builds(Endpoint, st.sampled_from(["203.0.113.7"] * 8 + [LOCAL, "203.0.113.8"]), st.integers(1, 65535))
STEPS = st.sampled_from(
    ["deadline"] * 12
    + ["answer"] * 12
    + ["open"] * 6
    + ["refuse", "garbage", "icmp", "unsent", "forged", "ended", "wan"]
)


class Conversation:
    def __init__(self, limits: Limits) -> None:
        self.now = 100.0
        self.limits = limits
        self.measurement = Measurement("fibre", SERVER, started=self.now, limits=limits)
        self.opening: list[int] = []
        self.open: set[int] = set()
        self.asked: list[SendStun] = []
        self.sent = 0
        self.results: list[Finished] = []

    def tell(self, event) -> None:
        for command in self.measurement.handle(event, self.now):
            assert not self.results, "nothing follows the end"
            match command:
                case OpenSocket(socket):
                    assert socket not in self.open
                    self.open.add(socket)
                    self.opening.append(socket)
                    assert len(self.open) <= self.limits.sockets
                case CloseSocket(socket):
                    self.open.remove(socket)
                case SendStun(socket):
                    assert socket in self.open
                    self.sent += 1
                    self.asked.append(command)
                case Finished():
                    assert not self.open
                    self.results.append(command)
        assert self.sent <= self.limits.packets

    def deadline(self, token: int) -> None:
        due = self.measurement.next_deadline()
        if due is not None:
            self.now = max(self.now, due)
            self.tell(DeadlineReached(f"{token:024x}{token % 2**32:08x}"))

    def answer(self, data) -> None:
        if not self.asked:
            return
        request = self.asked.pop(data.draw(st.integers(0, len(self.asked) - 1)))
        is_error = data.draw(st.integers(0, 19)) == 0
        message = StunMessage(
            StunClass.ERROR if is_error else StunClass.SUCCESS,
            request.message.transaction_id,
            xor_mapped_address=data.draw(MAPPED),
            other_address=data.draw(st.sampled_from([None, OTHER])),
            error=ErrorCode(420, "") if is_error else None,
        )
        is_redirected = request.message.response_port is not None
        socket = data.draw(st.sampled_from([1 if is_redirected else request.socket] * 8 + sorted(self.open)[:3]))
        source = data.draw(st.sampled_from([request.destination] * 8 + [OTHER, SERVER]))
        self.tell(StunReceived(socket, source, message))

    def behave(self) -> None:
        """One step of a world in which everything works."""
        self.now += 0.001
        if self.opening:
            number = self.opening.pop(0)
            self.tell(SocketOpened(number, Endpoint(LOCAL, 40000 + number)))
        elif self.asked:
            request = self.asked.pop(0)
            mapped = Endpoint("203.0.113.7", 50000 + request.socket)
            port = request.message.response_port
            message = StunMessage(
                StunClass.SUCCESS, request.message.transaction_id, xor_mapped_address=mapped, other_address=OTHER
            )
            socket = request.socket if port is None else port - 50000
            self.tell(StunReceived(socket, request.destination, message))
        else:
            self.deadline(self.sent)

    def step(self, step: str, data) -> None:
        self.now += data.draw(st.sampled_from([0.0, 0.0, 0.001, 0.02, 1.0]))
        socket = data.draw(st.integers(0, 40))
        match step:
            case "deadline":
                self.deadline(data.draw(st.integers(2**90, 2**96 - 1)))
            case "answer":
                self.answer(data)
            case "open" if self.opening:
                number = self.opening.pop(0)
                self.tell(SocketOpened(number, Endpoint(LOCAL, 40000 + number)))
            case "refuse" if self.opening:
                refused = self.opening.pop(0)
                self.open.discard(refused)
                self.tell(SocketRefused(refused, 24, "Too many open files"))
            case "garbage":
                self.tell(GarbageReceived(socket, data.draw(ENDPOINTS), "noise", 3))
            case "icmp":
                self.tell(IcmpReceived(socket, SERVER, 3, 3, "192.0.2.1"))
            case "unsent":
                self.tell(SendRefused(socket, SERVER, 101, "Network is unreachable"))
            case "forged":
                self.tell(StunReceived(socket, data.draw(ENDPOINTS), StunMessage(StunClass.SUCCESS, bytes(12))))
            case "ended":
                self.tell(ConnectionEnded(socket, "Connection reset by peer"))
            case "wan" if data.draw(st.integers(0, 20)) == 0:
                self.tell(WanChanged("it changed"))


@given(
    data=st.data(),
    well=st.sampled_from([0, 5, 12, 30, 100, 200, 300]),
    steps=st.lists(STEPS, max_size=120),
    packets=st.sampled_from([5, 60, 2500]),
)
def test_whatever_happens_it_ends_once_and_within_its_limits(data, well, steps, packets):
    """`well`: for so many steps everything works, then anything happens, then nobody answers any more."""
    conversation = Conversation(Limits(longest=4.0, sockets=data.draw(st.integers(4, 40)), packets=packets))
    for _ in range(well):
        conversation.behave()
    for step in steps:
        conversation.step(step, data)
    for token in range(20_000):
        if conversation.measurement.next_deadline() is None:
            break
        conversation.deadline(2**64 + token)
    (finished,) = conversation.results
    lifetimes = finished.result.lifetime_s
    for interval in (lifetimes.unreplied, lifetimes.replied, lifetimes.stream, lifetimes.tcp):
        assert interval is None or interval[1] is None or interval[0] < interval[1]
    assert conversation.now <= 100.0 + 1.2 * 4.0 + 30.0 + 120.0
