"""A WebSocket over a pair of sockets: what the other end sends and sees, byte for byte."""

import socket
from collections.abc import Callable, Iterator

import pytest
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from common.clock import SystemClock
from ingest_service.websocket.link import Incoming, Link, Pace

QUICK = Pace(tick_s=0.01, ping_s=60, dead_s=60, send_s=0.2, linger_s=0.2)
Open = Callable[[Pace], Link]


class Peer:
    """The client's end."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(10)

    def send(self, *frames: Frame) -> None:
        self.sock.sendall(b"".join(frame.serialize(mask=True) for frame in frames))

    def close(self, code: int) -> None:
        self.send(Frame(Opcode.CLOSE, Close(code, "").serialize()))

    def received(self) -> bytes:
        """All until the other end says no more."""
        return b"".join(iter(lambda: self.sock.recv(65_536), b""))


def seen(*frames: Frame) -> bytes:
    return b"".join(frame.serialize(mask=False) for frame in frames)


def close_frame(code: int, reason: str = "") -> Frame:
    return Frame(Opcode.CLOSE, Close(code, reason).serialize())


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def peer(ends: tuple[socket.socket, socket.socket]) -> Peer:
    return Peer(ends[1])


@pytest.fixture
def open_link(ends: tuple[socket.socket, socket.socket]) -> Open:
    return lambda pace: Link(ends[0], ServerProtocol(state=State.OPEN, max_size=1_000), SystemClock(), pace)


@pytest.fixture
def link(open_link: Open) -> Link:
    return open_link(QUICK)


def next_of(link: Link) -> Incoming | None:
    """The next message; None once the link is open no more."""
    while link.is_open:
        if message := link.next_message():
            return message
    return None


def test_messages_come_whole_and_in_order_whatever_their_frames(link: Link, peer: Peer) -> None:
    peer.send(
        Frame(Opcode.BINARY, b"one"),
        Frame(Opcode.TEXT, b"t", fin=False),
        Frame(Opcode.PING, b"?"),
        Frame(Opcode.CONT, b"w", fin=False),
        Frame(Opcode.CONT, b"o"),
        Frame(Opcode.BINARY, b""),
    )
    assert [next_of(link) for _ in range(3)] == [Incoming(b"one", False), Incoming(b"two", True), Incoming(b"", False)]
    assert peer.sock.recv(1_000) == seen(Frame(Opcode.PONG, b"?"))


def test_a_frame_may_come_byte_by_byte(link: Link, peer: Peer) -> None:
    for byte in Frame(Opcode.BINARY, b"slowly").serialize(mask=True):
        peer.sock.sendall(bytes([byte]))
        last = link.next_message()
    assert last == Incoming(b"slowly", False)


def test_a_tick_without_a_message_gives_the_caller_its_turn(link: Link) -> None:
    assert link.next_message() is None
    assert link.is_open


def test_an_answer_is_a_text_frame(link: Link, peer: Peer) -> None:
    link.send(b'{"type":"ack"}')
    assert peer.sock.recv(1_000) == seen(Frame(Opcode.TEXT, b'{"type":"ack"}'))


def test_a_client_s_close_is_answered_and_ends_it(link: Link, peer: Peer) -> None:
    peer.send(Frame(Opcode.BINARY, b"last"))
    peer.close(1000)
    peer.sock.shutdown(socket.SHUT_WR)
    assert next_of(link) in {None, Incoming(b"last", False)}
    link.linger()
    assert (link.is_open, link.close_code) == (False, 1000)
    assert peer.received() == seen(close_frame(1000))


def test_a_close_of_ours_takes_nothing_more_and_waits_for_the_client_s(link: Link, peer: Peer) -> None:
    link.close(1012, "again")
    peer.send(Frame(Opcode.BINARY, b"too late"))
    peer.close(1012)
    link.linger()
    assert link.next_message() is None
    assert link.close_code == 1012
    assert peer.received() == seen(close_frame(1012, "again"))


def test_who_never_answers_a_close_is_not_waited_for_long(link: Link) -> None:
    link.close(1001)
    link.linger()
    assert link.close_code == 1001


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([Frame(Opcode.BINARY, bytes(1_001))], 1009),
        ([Frame(Opcode.BINARY, bytes(600), fin=False), Frame(Opcode.CONT, bytes(600))], 1009),
        ([Frame(Opcode.CONT, b"of nothing")], 1002),
        ([Frame(Opcode.BINARY, b"", fin=False), Frame(Opcode.BINARY, b"")], 1002),
    ],
)
def test_what_breaks_the_protocol_is_closed_with_its_code(
    link: Link, peer: Peer, frames: list[Frame], code: int
) -> None:
    peer.send(*frames)
    assert next_of(link) is None
    link.linger()
    assert link.close_code == code
    assert code.to_bytes(2, "big") in peer.received()


def test_bytes_that_are_no_frame_are_closed(link: Link, peer: Peer) -> None:
    peer.sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert next_of(link) is None
    assert link.close_code == 1002


def test_a_connection_that_breaks_has_no_close_code(link: Link, peer: Peer) -> None:
    peer.sock.close()
    assert next_of(link) is None
    assert link.close_code == 1006


def test_a_client_is_pinged_and_lost_when_nothing_comes(open_link: Open, peer: Peer) -> None:
    link = open_link(Pace(tick_s=0.01, ping_s=0.03, dead_s=0.3))
    assert next_of(link) is None
    assert link.close_code == 1006
    assert seen(Frame(Opcode.PING, b"")) in peer.sock.recv(1_000)


def test_a_pong_is_a_sign_of_life(open_link: Open, peer: Peer) -> None:
    link = open_link(Pace(tick_s=0.01, ping_s=60, dead_s=0.05))
    for _ in range(20):
        peer.send(Frame(Opcode.PONG, b""))
        assert link.next_message() is None
        link._silent_s += 0.04  # as if it had been waited for
        assert link.is_open


def test_who_reads_nothing_is_given_up(link: Link, peer: Peer) -> None:
    for _ in range(10_000):
        link.send(bytes(10_000))
        if not link.is_open:
            break
    assert (link.is_open, link.close_code) == (False, 1006)
