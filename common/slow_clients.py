"""Gunicorn's threads for what clients mean to hold up: a thread is given to whole request heads alone, and a body's reader is not patient for ever.

Gunicorn's own threads wait for the rest of a head, for a body that the application did not want and (on the only thread that accepts) for
the client's end of a connection. So a handful of connections that send a byte now and then would stop a service, without any token.
Here the poller waits for heads and for ends, with neither thread nor patience, and `common.patience` says how long a body may take.

The thread that accepts is woken once for each request: it reads the head where it is told that there is something, and the thread that
has answered gives its connection back to the poller by itself.
"""

import errno
import selectors
import socket
import time
from collections import deque
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any, Final

from gunicorn.http.body import LengthReader
from gunicorn.http.message import Request
from gunicorn.workers.gthread import TConn, ThreadWorker

from common.paced_connection import PacedConnection
from common.patience import Patience, SlowBodies
from common.worker_threads import WorkerThreads

HEAD_S: Final = 10.0
"""From a request's first byte (of a new connection: from its beginning) to the end of its head."""
MAX_HEAD_BYTES: Final = 64 * 1024
"""Of which much may be body. More without an end is refused: each header may have 8 KiB."""
LINGER_S: Final = 2.0
"""How long a client has to take the answer and close, before the connection is closed under it."""
LINGER_BYTES: Final = 64 * 1024
DRAIN_S: Final = 0.05
"""How long a thread waits for the rest of a body that nobody wants. Whoever has not sent it by then sends the next request over a new connection."""
_READ_BYTES: Final = 16 * 1024
_NO_ROOM: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_NOBODY_THERE: Final = {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}
_REFUSED: Final = "HTTP/1.1 {}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class PatientWorker(ThreadWorker):
    """`gthread` whose threads no client can hold without sending. Over TLS, which no service here speaks, as gunicorn's own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: deque[PacedConnection] = deque()
        self._waiting = 0
        self._lock = Lock()
        self._parking = Lock()
        """Held by whoever moves connections into `keepalived_conns`, or looks through them: other threads park what they answered."""
        self._bodies = SlowBodies(self.cfg.threads, lambda: self._waiting > 0)

    def get_thread_pool(self) -> WorkerThreads:
        """As many threads as requests were ever answered at once, up to the limit."""
        return WorkerThreads(self.cfg.threads)

    def enqueue_req(self, conn: TConn) -> None:
        """Let the next free thread answer a request."""
        with self._lock:
            self._waiting += 1
        if isinstance(conn, PacedConnection):
            self.tpool.submit(self._answer, conn)
        else:
            super().enqueue_req(conn)

    def notify(self) -> None:
        """Nobody looks where there is no time-out, and it is said in each turn of the loop."""
        if self.timeout:
            super().notify()

    def accept(self, listener: socket.socket) -> None:
        """Take a connection, and make room for the next one."""
        if self.cfg.is_ssl:
            super().accept(listener)
            return
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in _NO_ROOM:
                self._make_room()
            elif error.errno not in _NOBODY_THERE:
                raise
            return
        self.nr_conns += 1
        self._await_head(PacedConnection(self.cfg, client, address, listener.getsockname()))
        if self.nr_conns >= self.worker_connections:
            self._make_room()

    def _on_readable(self, conn: PacedConnection, client: socket.socket) -> None:
        """The next request of a connection begins, or more of a head is there."""
        if _is_closed(client):
            return
        try:
            data = client.recv(_READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data and not conn.take(data) and len(conn.head) <= MAX_HEAD_BYTES:
            if conn.is_idle:
                self._unpark(conn)
                self._await_more(conn)
            return
        self.poller.unregister(client)
        if conn.is_idle:
            self._unpark(conn)
        else:
            self.pending_conns.remove(conn)
        if not data:
            self._close(conn)
        elif len(conn.head) > MAX_HEAD_BYTES:
            self._refuse(conn)
        else:
            self.enqueue_req(conn)

    def _answer(self, conn: PacedConnection) -> None:
        """Answer a request in a thread, and wait for the next one: the thread that accepts need not be woken for that."""
        goes_on = False
        try:
            goes_on = bool(self.handle(conn))
        finally:
            if goes_on and self.alive and not conn.unreader.buf.getvalue():
                self._park(conn)
            else:
                self.method_queue.defer(self._finish, conn, goes_on)

    def handle(self, conn: TConn) -> Any:
        """Answer a request whose head is there, in a thread."""
        with self._lock:
            self._waiting -= 1
        if isinstance(conn, PacedConnection):
            conn.unreader.patience, conn.unreader.is_draining = None, False
        return super().handle(conn)

    def handle_request(self, req: Request, conn: TConn) -> bool:
        """As the base class, but its body is read with patience, and who takes no answer has simply gone."""
        if not isinstance(conn, PacedConnection):
            return bool(super().handle_request(req, conn))
        patience = conn.unreader.patience = Patience(self._bodies)
        try:
            return bool(super().handle_request(req, conn))
        except (BlockingIOError, TimeoutError) as error:  # SEND_S, or a route's own time-out
            raise ConnectionResetError(errno.ECONNRESET, "the client took nothing of its answer") from error
        finally:
            patience.end()

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        if not keepalive or not isinstance(conn, PacedConnection):
            return bool(super()._keepalive_after(conn, keepalive))  # type: ignore[misc]  # the types are of gunicorn 26
        parser: Any = conn.parser
        body = parser.mesg.body
        if isinstance(body.reader, LengthReader) and body.reader.length == 0 and not body.failed:
            return True  # it was read to its end
        conn.unreader.is_draining = True
        return bool(parser.finish_body(deadline=time.monotonic() + DRAIN_S))

    def _finish(self, conn: PacedConnection, goes_on: bool) -> None:
        """After an answer, on the thread that accepts: wait for the next request, or for the client's end, without waiting here."""
        if not goes_on:
            self._linger(conn)
        elif begun := conn.unreader.take_buffered():
            self._await_head(conn, begun)
        else:
            self._park(conn)

    def _park(self, conn: PacedConnection) -> None:
        """Wait for the next request, from whatever thread. Once it is registered, the connection is no longer the caller's."""
        with self._parking:
            conn.is_idle = True
            conn.set_timeout()
            self.keepalived_conns.append(conn)
            if not self.alive:  # looked at after it was appended: whoever stops caps what is there
                conn.timeout = time.monotonic() + LINGER_S
            with suppress(OSError, ValueError, KeyError):  # the poller was closed: the worker is at its end
                self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_readable, conn))

    def _unpark(self, conn: PacedConnection) -> None:
        with self._parking:
            self.keepalived_conns.remove(conn)
        conn.is_idle = False

    def murder_keepalived(self, force: bool = False) -> None:
        """Close what waited too long for its next request."""
        with self._parking:
            super().murder_keepalived(force)  # type: ignore[call-arg]  # the types are of gunicorn 26

    def murder_pending(self) -> None:
        """Close what waited too long: for its head, or for its client's end."""
        super().murder_pending()
        now_s = time.monotonic()
        while self._lingering and (self._lingering[0].timeout or 0) <= now_s:
            self._let_go(self._lingering, self._lingering[0])

    def _cap_keepalive(self, deadline: float) -> None:
        """A stopping worker waits for no head longer than for a next request."""
        with self._parking:
            super()._cap_keepalive(deadline)  # type: ignore[misc]  # the types are of gunicorn 26
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout or deadline, deadline)

    def _await_head(self, conn: PacedConnection, begun: bytes = b"") -> None:
        if conn.take(begun):
            self.enqueue_req(conn)
            return
        self._await_more(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_readable, conn))

    def _await_more(self, conn: PacedConnection) -> None:
        conn.timeout = time.monotonic() + HEAD_S
        self.pending_conns.append(conn)

    def _refuse(self, conn: PacedConnection) -> None:
        status = "431 Request Header Fields Too Large" if b"\r\n" in conn.head else "414 URI Too Long"
        with suppress(OSError):
            conn.sock.send(_REFUSED.format(status).encode(), socket.MSG_DONTWAIT)
        self._linger(conn)

    def _linger(self, conn: PacedConnection) -> None:
        """Say that this was all, and close once the client has seen it: a close before would take the end of the answer back."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._pass_over, conn))
        except (OSError, ValueError, KeyError):  # it is closed already
            self._close(conn)
            return
        conn.head.clear()
        conn.timeout = time.monotonic() + LINGER_S
        self._lingering.append(conn)

    def _pass_over(self, conn: PacedConnection, client: socket.socket) -> None:
        if _is_closed(client):
            return
        try:
            data = client.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        conn.lingered_bytes += len(data)
        if not data or conn.lingered_bytes > LINGER_BYTES:
            self._let_go(self._lingering, conn)

    def _make_room(self) -> None:
        """Close the connection that has waited longest without a request."""
        for waiting in (self.pending_conns, self._lingering, self.keepalived_conns):
            if waiting:
                self._let_go(waiting, waiting[0])
                return

    def _let_go(self, waiting: "deque[Any]", conn: TConn) -> None:
        with self._parking:
            waiting.remove(conn)
        with suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)
        self._close(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()


def _is_closed(sock: socket.socket) -> bool:
    """Room was made of it, after the poller had said that there was something to read."""
    return sock.fileno() < 0
