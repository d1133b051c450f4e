"""The bucket."""

from collections.abc import Iterator, Mapping

import msgspec

from common.ports.blob_store import BlobInfo, BlobNotFound, BlobStore, Created
from tests.memory_ports.faults import Faults


class Held(msgspec.Struct, frozen=True):
    """An object's content and metadata."""

    data: bytes
    metadata: dict[str, str]


class FakeBlobs(BlobStore):
    def __init__(self) -> None:
        self.objects: dict[str, Held] = {}
        self.faults = Faults()

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> Created:
        self.faults.strike_before()
        if name in self.objects:
            return Created.ALREADY_SAME if self.objects[name].data == data else Created.ALREADY_DIFFERENT
        self.objects[name] = Held(data, dict(metadata or {}))
        return Created.CREATED

    def read(self, name: str) -> bytes:
        self.faults.strike_before()
        if name not in self.objects:
            raise BlobNotFound(name)
        return self.objects[name].data

    def info(self, name: str) -> BlobInfo:
        self.faults.strike_before()
        if name not in self.objects:
            raise BlobNotFound(name)
        held = self.objects[name]
        return BlobInfo(name, len(held.data), held.metadata)

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[BlobInfo]:
        found = [(name, held) for name, held in sorted(self.objects.items()) if name.startswith(prefix)]
        for name, held in found:
            if name > start_after:
                yield BlobInfo(name, len(held.data), held.metadata)

    def delete(self, name: str) -> None:
        self.objects.pop(name, None)

    def check(self) -> None:
        self.faults.strike_before()
