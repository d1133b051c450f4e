"""A connection of a server with threads whose clients may be slow: its head comes without a thread, its bodies are read with patience.

What is done with connections is `common.slow_clients`'s, how much patience there is `common.patience`'s.
"""

import socket
import struct
import time
from contextlib import suppress
from typing import Any, Final

from gunicorn.http.errors import NoMoreData
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn

from common.patience import Patience

SEND_S: Final = 60
"""A client that takes nothing of its answer for so long has gone."""
_TICK_S: Final = 0.5
_BODY_BYTES: Final = 1024 * 1024
"""Of a body at once, as gunicorn does."""


class PacedUnreader(SocketUnreader):
    """Reads a request from its socket: of heads nothing (they are there), of bodies with patience."""

    patience: Patience | None = None
    is_draining = False

    def chunk(self, size_hint: int | None = None) -> bytes:
        """See the base class. Raises `Backpressure` where a body comes too slowly."""
        if self.is_draining:
            return self._received(size_hint)
        if self.patience is None:
            raise NoMoreData(b"")
        with suppress(BlockingIOError):  # mostly it is there, and neither clock nor time-out is needed
            data = self._there(size_hint)
            self.patience.waited(0.0, len(data))
            return data
        while True:
            began_s, received = time.monotonic(), None
            self.sock.settimeout(_TICK_S)
            try:
                received = self._received(size_hint)
            except TimeoutError:
                pass
            finally:
                self.sock.settimeout(None)
            self.patience.waited(time.monotonic() - began_s, len(received or b""))
            if received is not None:
                return received

    def _there(self, size_hint: int | None) -> bytes:
        wanted = min(max(size_hint or 0, self.mxchunk), _BODY_BYTES)
        return self.sock.recv(wanted, socket.MSG_DONTWAIT)

    def _received(self, size_hint: int | None) -> bytes:
        return super().chunk(size_hint)  # type: ignore[call-arg]  # the types are of gunicorn 26


class PacedConnection(TConn):
    """A connection, and what came of the head that is waited for."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.head = bytearray()
        self.unreader = PacedUnreader(sock)
        self.lingered_bytes = 0
        self.is_idle = False
        """Between two requests: nothing of the next one has come."""
        self.data_ready = True
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", SEND_S, 0))

    def init(self) -> None:
        """In the thread that has been given the request."""
        super().init()
        parser: Any = self.parser
        parser.unreader = self.unreader
        self.unreader.unread(bytes(self.head))
        self.head.clear()

    def take(self, data: bytes) -> bool:
        """Add to the head; True once it is whole. Empty lines before it are passed over."""
        searched = max(0, len(self.head) - 3)
        self.head += data if self.head else data.lstrip(b"\r\n")
        return self.head.find(b"\r\n\r\n", searched) >= 0
