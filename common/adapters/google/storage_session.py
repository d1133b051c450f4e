"""How Cloud Storage's clients speak HTTP."""

import http.client
from typing import Any, Final

import requests
from google.cloud.storage import Client
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

CONNECTIONS: Final = 32
"""More than an instance has threads: requests' own pool of 10 would throw connections away."""
_ENDS: Final = {b"\r\n", b"\n"}


def prepare(client: Client) -> None:
    """Let the client keep enough connections, take no answer for whole whose head broke off, and ask nothing by itself."""
    # Else each process asks in the background where the bucket lies, for traces of the client's own that nobody takes, and
    # needs a right that nothing else here needs.
    client._bucket_metadata_cache = None  # noqa: SLF001
    session: requests.Session = client._http  # noqa: SLF001 -- the client offers no other way to its pool
    for scheme in ("https://", "http://"):
        session.mount(scheme, _WholeAnswers(pool_maxsize=CONNECTIONS, pool_connections=4))


class _Head:
    """What an answer is read from, until its head is over."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.last_line = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last_line = self._source.readline(limit)
        return self.last_line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


class _WholeHead(http.client.HTTPResponse):
    """Python's takes what there is for the whole head where the connection ends within it: a stored object would be empty, what it was
    checked against did not come, and half a number is none that Google's client can read.
    """

    fp: Any

    def begin(self) -> None:
        source = self.fp
        self.fp = head = _Head(source)
        try:
            super().begin()
        finally:
            if self.fp is head:
                self.fp = source
        if head.last_line not in _ENDS:
            raise http.client.RemoteDisconnected("the answer broke off in its head")


class _Connection(HTTPConnection):
    response_class = _WholeHead


class _SecureConnection(HTTPSConnection):
    response_class = _WholeHead


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _WholeAnswers(HTTPAdapter):
    """Its connections end with an error where an answer's head does not come to its end."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *arguments: Any, **named: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **named)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager
