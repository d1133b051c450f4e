"""One POST to somebody else's server, within bounds that it cannot stretch: no redirect, no retry, a hard end, and an answer of which
little is read. The connection goes to the address that was checked, whatever the name means a moment later."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPException
from typing import Final, Protocol

import msgspec
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from transcribe_service.delivery.addresses import Lookup, Target, UrlRefused, addresses_of, target_of

CONNECT_S: Final = 5.0
TOTAL_S: Final = 15.0
READ_BYTES: Final = 4_096
ADDRESSES_TRIED: Final = 3
_FAILURES: Final = (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError)


class Posted(msgspec.Struct, frozen=True):
    """What was answered."""

    status: int
    retry_after: str | None


class PostFailed(Exception):
    """There was no answer. `reason` is a slug."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Poster(Protocol):
    """Sends a request, once."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """The answer, whatever its status. Raises `PostFailed`."""
        ...


class BoundedPoster:
    """A `Poster`. Safe to use from many threads. `allow_private` lets it post to `http` and to addresses that are not public."""

    def __init__(
        self,
        *,
        allow_private: bool,
        lookup: Lookup = socket.getaddrinfo,
        tls: ssl.SSLContext | None = None,
        connect_s: float = CONNECT_S,
        total_s: float = TOTAL_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allow_private = allow_private
        self._lookup = lookup
        self._tls = tls or ssl.create_default_context()
        self._connect_s = connect_s
        self._total_s = total_s
        self._monotonic_s = monotonic_s

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """See `Poster`."""
        deadline_s = self._monotonic_s() + self._total_s
        try:
            target = target_of(url, plain=self._allow_private)
            addresses = addresses_of(target, allow_private=self._allow_private, lookup=self._lookup)
        except UrlRefused as error:
            raise PostFailed(error.reason) from None
        connection = self._connected(target, addresses, deadline_s)
        with closing(connection), _ended_at(connection.sock, deadline_s - self._monotonic_s()) as ran_out:
            try:
                connection.request(
                    "POST",
                    target.path,
                    body=body,
                    headers={"Host": target.authority, "Content-Type": "application/json", **headers},
                    preload_content=False,
                )
                response = connection.getresponse()
            except _FAILURES as error:
                slow = ran_out.is_set() or isinstance(error, TimeoutError)
                raise PostFailed("timeout" if slow else "no_answer") from None
            with closing(response):
                if ran_out.is_set():
                    raise PostFailed("timeout")  # it was cut off in the middle of its headers
                _read_a_little(response)
                return Posted(response.status, response.headers.get("Retry-After"))

    def _connected(self, target: Target, addresses: list[str], deadline_s: float) -> HTTPConnection:
        reason = "no_answer"
        for address in addresses[:ADDRESSES_TRIED]:
            left_s = deadline_s - self._monotonic_s()
            if left_s <= 0:
                break
            connection = self._connection(target, address, min(self._connect_s, left_s))
            try:
                connection.connect()
            except _FAILURES as error:
                connection.close()
                reason = _why_not_connected(error)
                continue
            connection.timeout = max(0.1, deadline_s - self._monotonic_s())  # from here on for each read and write
            return connection
        raise PostFailed(reason)

    def _connection(self, target: Target, address: str, timeout_s: float) -> HTTPConnection:
        if not target.tls:
            return HTTPConnection(address, target.port, timeout=timeout_s)
        return HTTPSConnection(
            address, target.port, timeout=timeout_s, ssl_context=self._tls, server_hostname=target.host
        )


@contextmanager
def _ended_at(connected: socket.socket | None, left_s: float) -> Iterator[threading.Event]:
    """The connection is cut once the time is over: a server that sends a byte now and then would hold it for ever."""
    ran_out = threading.Event()

    def cut() -> None:
        ran_out.set()
        if connected is not None:
            with suppress(OSError):  # it is closed already
                connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, left_s), cut)
    timer.daemon = True
    timer.start()
    try:
        yield ran_out
    finally:
        timer.cancel()


def _read_a_little(response: urllib3.BaseHTTPResponse) -> None:
    """So that a well-behaved server is not cut off in its answer. What it says is no matter."""
    try:
        response.read(READ_BYTES, decode_content=False)
    except _FAILURES:
        return


def _why_not_connected(error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.NewConnectionError):  # urllib3 calls a refused connection a time-out too
        return "no_connection"
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError | TimeoutError):
        return "timeout"
    if isinstance(error, urllib3.exceptions.SSLError | ssl.SSLError):
        return "tls_failed"
    return "no_connection"
