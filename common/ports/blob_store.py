"""Port: durable objects by name, as Cloud Storage has them."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Protocol

import msgspec


class BlobInfo(msgspec.Struct, frozen=True):
    """What is known without reading: `size_bytes` of the content, and the metadata given at creation."""

    name: str
    size_bytes: int
    metadata: Mapping[str, str]


class Created(Enum):
    """How a create-only write ended. In all three cases an object of that name is durable afterwards."""

    CREATED = "created"
    ALREADY_SAME = "already_same"
    """It was there with the same content (metadata is not compared; the first writer's stays)."""
    ALREADY_DIFFERENT = "already_different"
    """It was there with other content, which stays."""


class BlobNotFound(Exception):
    """There is no object of that name."""


class BlobStore(Protocol):
    """Create-only objects. Vendor failures surface as `Retryable` (down, time-out), `Backpressure` (quota) or `Permanent` (refused for good)."""

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> Created:
        """Write an object unless one of that name exists. Durable on return; never partly visible."""
        ...

    def read(self, name: str) -> bytes:
        """An object's content. Raises `BlobNotFound`."""
        ...

    def info(self, name: str) -> BlobInfo:
        """An object's size and metadata, without its content. Raises `BlobNotFound`."""
        ...

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[BlobInfo]:
        """All objects whose names begin with `prefix` and sort after `start_after`, in order of name."""
        ...

    def delete(self, name: str) -> None:
        """Delete an object; deleting what is not there is no error."""
        ...

    def check(self) -> None:
        """Raise `Retryable` when the store can't be reached (readiness)."""
        ...
