"""Port: objects of others, read where they lie: what upstream systems name instead of sending it."""

from collections.abc import Mapping
from typing import Protocol

import msgspec


class SourceObject(msgspec.Struct, frozen=True):
    """One version of an object, as far as it is known without reading it."""

    uri: str
    size_bytes: int
    generation: str
    """Names the version: another content has another one."""
    content_type: str = ""
    """As its owner declares it; empty where nothing is declared."""
    metadata: Mapping[str, str] = {}
    """What its owner wrote beside it."""


class SourceObjects(Protocol):
    """Reads what is there and never writes. Which objects may be named at all is its callers' business.

    Vendor failures surface as `Retryable` (down, time-out, no right to read), `Backpressure` (quota) or `Permanent`, with the reason
    `source_not_found` where there is no such object, or no such version of it any more.
    """

    def stat(self, uri: str, generation: str = "") -> SourceObject:
        """One version of an object; the newest where `generation` is empty."""
        ...

    def read(self, source: SourceObject, offset: int, length: int) -> bytes:
        """`length` bytes (from 1) of that version from `offset` on; fewer only at its end."""
        ...
