"""Answers over HTTP of which the head came whole.

Python's client takes what there is for the whole head where the connection ends within it. A body that did not come is then an empty one
of an answer that was good, and half a field is a field.
"""

import http.client
from typing import Any, Final, TypeVar

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

_ENDS: Final = {b"\r\n", b"\n"}
Manager = TypeVar("Manager", bound=PoolManager)


def whole_heads(manager: Manager) -> Manager:
    """Let urllib3's connections of `manager` fail (`ProtocolError`) where an answer breaks off within its head."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager


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
