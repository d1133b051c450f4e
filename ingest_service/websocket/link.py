"""One open WebSocket on the socket of a request: whole messages in, texts out, signs of life. Knows nothing of streams.

Everything happens in the thread that asks for the next message. So nothing is read while a chunk is being stored, and a client that
sends faster than that is slowed down by TCP.
"""

import socket
from collections import deque
from dataclasses import dataclass
from typing import Final

from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from common.clock import Clock

ABNORMAL: Final = 1006
"""RFC 6455: there was no close frame."""
_READ_BYTES: Final = 256 * 1024
_DATA: Final = {Opcode.TEXT, Opcode.BINARY}


@dataclass(frozen=True)
class Pace:
    """All in seconds."""

    tick_s: float = 0.5
    """How long to wait for a message before the caller gets its turn."""
    ping_s: float = 20.0
    dead_s: float = 60.0
    """Of waiting in vain for any byte, pongs included."""
    send_s: float = 20.0
    """How long a client may take to make room for what it is sent."""
    linger_s: float = 2.0
    """How long the client has for its own close frame."""


@dataclass(frozen=True)
class Incoming:
    """A whole message, put together from its fragments."""

    data: bytes
    is_text: bool


class Link:
    """A WebSocket whose handshake is accepted; making it sends that. It leaves the socket open, for the server to close."""

    def __init__(self, sock: socket.socket, protocol: ServerProtocol, clock: Clock, pace: Pace = Pace()) -> None:
        self._sock = sock
        self._protocol = protocol
        self._clock = clock
        self._pace = pace
        self._is_lost = False
        self._whole: deque[Incoming] = deque()
        self._parts = bytearray()
        self._is_text = False
        self._silent_s = 0.0
        self._ping_at_s = clock.monotonic_s() + pace.ping_s
        self._flush()

    @property
    def is_open(self) -> bool:
        """Messages go both ways."""
        return not self._is_lost and self._protocol.state is State.OPEN

    @property
    def close_code(self) -> int:
        """The code of the close frame that came first, whoever sent it; 1006 where none did."""
        first = self._protocol.close_rcvd if self._protocol.close_rcvd_then_sent else self._protocol.close_sent
        return first.code if first else ABNORMAL

    def next_message(self) -> Incoming | None:
        """The next message; None after a tick without one, and when the WebSocket is open no more."""
        if not self._whole and self.is_open:
            self._ping_when_due()
            self._read()
        return self._whole.popleft() if self._whole and self.is_open else None

    def send(self, text: bytes) -> None:
        """Send a text message, unless the WebSocket is open no more."""
        if self.is_open:
            self._protocol.send_text(text)
            self._flush()

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame, unless the WebSocket is open no more. What the client sent after its last answer is not taken."""
        if self.is_open:
            self._protocol.send_close(code, reason)
            self._flush()

    def linger(self) -> None:
        """After the last message: wait for the client's close frame, so that it gets ours before the socket is closed."""
        until_s = self._clock.monotonic_s() + self._pace.linger_s
        while self._awaits_end() and self._clock.monotonic_s() < until_s:
            self._read()
            self._whole.clear()

    def _awaits_end(self) -> bool:
        return not self._is_lost and self._protocol.state is State.CLOSING

    def _ping_when_due(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s >= self._ping_at_s:
            self._ping_at_s = now_s + self._pace.ping_s
            self._protocol.send_ping(b"")
            self._flush()

    def _read(self) -> None:
        began_s = self._clock.monotonic_s()
        try:
            self._sock.settimeout(self._pace.tick_s)
            data = self._sock.recv(_READ_BYTES)
        except TimeoutError:
            self._silent_s += self._clock.monotonic_s() - began_s
            self._is_lost |= self._silent_s >= self._pace.dead_s
            return
        except OSError:
            self._is_lost = True
            return
        self._silent_s = 0.0
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._put_together(event)
        self._flush()

    def _put_together(self, frame: Frame) -> None:
        if frame.opcode in _DATA:
            self._parts = bytearray()
            self._is_text = frame.opcode is Opcode.TEXT
        elif frame.opcode is not Opcode.CONT:
            return  # pings are answered by the protocol, and any byte is a sign of life
        self._parts += frame.data
        if frame.fin:
            self._whole.append(Incoming(bytes(self._parts), self._is_text))
            self._parts = bytearray()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if self._is_lost:
                return
            try:
                if data:
                    self._sock.settimeout(self._pace.send_s)
                    self._sock.sendall(data)
                else:  # SEND_EOF
                    self._sock.shutdown(socket.SHUT_WR)
            except OSError:  # a client that takes nothing any more is as good as gone
                self._is_lost = True
