"""Servers that receive what is delivered, over real sockets on 127.0.0.1."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Receiving:
    """A server, and what it got: each request as it came, up to the end of its body."""

    port: int
    over: threading.Event
    got: list[tuple[float, bytes]] = field(default_factory=list)
    """Requests, with when they had come, in seconds since the epoch."""
    names: list[str | None] = field(default_factory=list)
    """What clients called it in their TLS hello."""

    @property
    def requests(self) -> list[bytes]:
        return [request for _, request in self.got]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=b"


Behaviour = Callable[[socket.socket, Receiving], None]


def answering(raw: bytes) -> Behaviour:
    def answer(connection: socket.socket, _: Receiving) -> None:
        connection.sendall(raw)

    return answer


OK = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def hangs(_: socket.socket, receiving: Receiving) -> None:
    receiving.over.wait(30)


def drips(connection: socket.socket, receiving: Receiving) -> None:
    """A byte of a header now and then, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not receiving.over.wait(0.02):
        connection.sendall(b"x")


def drips_its_body(connection: socket.socket, receiving: Receiving) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not receiving.over.wait(0.02):
        connection.sendall(b"x")


def goes_on_for_ever(connection: socket.socket, receiving: Receiving) -> None:
    """Says again and again that it will answer."""
    while not receiving.over.wait(0.002):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def floods(connection: socket.socket, receiving: Receiving) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not receiving.over.is_set():
        connection.sendall(b"x" * 65_536)


@contextmanager
def receiving(behaviour: Behaviour = OK, tls: ssl.SSLContext | None = None) -> Iterator[Receiving]:
    """A server that reads one request for each connection, and then does as `behaviour` does."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        server = Receiving(listener.getsockname()[1], threading.Event())
        threads: list[threading.Thread] = []

        def serve(accepted: socket.socket) -> None:
            with suppress(OSError), accepted:
                if tls is not None:
                    tls.sni_callback = lambda _socket, name, _context: server.names.append(name)
                    accepted = tls.wrap_socket(accepted, server_side=True)
                with accepted:
                    request = _request(accepted)
                    server.got.append((time.time(), request))
                    behaviour(accepted, server)

        def accept() -> None:
            while not server.over.is_set():
                try:
                    accepted, _ = listener.accept()
                except OSError:
                    return
                thread = threading.Thread(target=serve, args=(accepted,), daemon=True)
                threads.append(thread)
                thread.start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            server.over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            accepting.join(5)
            for thread in threads:
                thread.join(5)


def _request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65_536)
        if not piece:
            return received
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < sum(lengths):
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body
