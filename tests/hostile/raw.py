"""HTTP as an attacker writes it: bytes on a socket, and what the server says to them."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import Any

import msgspec

PATIENCE_S = 60.0
Address = tuple[str, int]


@dataclass(frozen=True)
class Answer:
    """What a server said; status 0 where it closed the connection without a word."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    def header(self, name: str) -> str:
        """By its name in any case; empty where there is none."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


def read_answer(sock: socket.socket, method: str = "GET") -> Answer:
    """The next answer on a connection, to a request of this method."""
    sock.settimeout(PATIENCE_S)
    response = HTTPResponse(sock, method=method)
    try:
        response.begin()
        return Answer(response.status, dict(response.getheaders()), response.read())
    except (ConnectionError, ValueError, OSError) as error:
        if isinstance(error, TimeoutError):
            raise
        return Answer(0)
    finally:
        response.close()


def said_to(address: Address, request: bytes) -> Answer:
    """The answer to these bytes, after which nothing more is sent."""
    with socket.create_connection(address, PATIENCE_S) as sock:
        with suppress(ConnectionError):  # it has answered already, and reads no more
            sock.sendall(request)
        return read_answer(sock, request.split(b" ", 1)[0].decode("latin-1"))


def head(method: str, target: str, *lines: str) -> bytes:
    """A request's head, with lines as they are: nothing is escaped, nothing is checked."""
    return "\r\n".join((f"{method} {target} HTTP/1.1", "Host: x", *lines, "", "")).encode("utf-8", "surrogateescape")


def asked(address: Address, method: str, target: str, *lines: str, body: bytes = b"") -> Answer:
    """One request on a connection of its own."""
    length = (f"Content-Length: {len(body)}",) if body or method in {"POST", "PUT", "PATCH"} else ()
    return said_to(address, head(method, target, *lines, *length, "Connection: close") + body)


@contextmanager
def opened(address: Address, count: int, data: bytes) -> Iterator[list[socket.socket]]:
    """So many connections, each of which has sent `data` and means to send no more."""
    with ExitStack() as stack:
        socks = [stack.enter_context(socket.create_connection(address, PATIENCE_S)) for _ in range(count)]
        for sock in socks:
            sock.sendall(data)
        yield socks
