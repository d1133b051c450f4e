"""What every handler works with: the bucket, the publisher, and which meeting each connection belongs to."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final

from common.errors import Retryable
from common.events import StreamOptions
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobInfo, BlobNotFound, BlobStore, Created
from common.ports.publisher import Publisher
from common.problems import Problem
from common.stored_chunks import StreamDescription, describe_stream, stream_description
from ingest_service.requests import Stream

KNOWN_CONNECTIONS: Final = 10_000


class KnownConnections:
    """The meetings of the connections seen last, so that `stream.json` is not written for every chunk. Thread-safe, bounded."""

    def __init__(self, capacity: int = KNOWN_CONNECTIONS) -> None:
        self._capacity = capacity
        self._meetings: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._lock = Lock()

    def meeting_of(self, tenant: str, connection_id: str) -> str | None:
        """The meeting, or None where it is not remembered."""
        with self._lock:
            key = (tenant, connection_id)
            if key not in self._meetings:
                return None
            self._meetings.move_to_end(key)
            return self._meetings[key]

    def remember(self, tenant: str, connection_id: str, meeting_id: str) -> None:
        """Keep the meeting; the connection unseen for longest makes room."""
        with self._lock:
            self._meetings[tenant, connection_id] = meeting_id
            self._meetings.move_to_end((tenant, connection_id))
            if len(self._meetings) > self._capacity:
                self._meetings.popitem(last=False)


@contextmanager
def _there() -> Iterator[None]:
    try:
        yield
    except BlobNotFound as error:
        raise Retryable("an object was deleted while it was needed", reason="object_deleted") from error


@dataclass(frozen=True, slots=True)
class Intake:
    """The ports of ingest, and the two things that all handlers do with them."""

    blobs: BlobStore
    publisher: Publisher
    raw_root: str
    known: KnownConnections

    def objects(self, tenant: str, connection_id: str) -> ConnectionObjects:
        """The names of a connection's objects."""
        return ConnectionObjects(tenant, connection_id, raw_root=self.raw_root)

    def read(self, name: str) -> bytes:
        """The content of an object that was there a moment ago. Raises `Retryable` when it has been deleted since."""
        with _there():
            return self.blobs.read(name)

    def info(self, name: str) -> BlobInfo:
        """The metadata of an object that was there a moment ago. Raises `Retryable` when it has been deleted since."""
        with _there():
            return self.blobs.info(name)

    def claim(self, stream: Stream, options: StreamOptions | None = None) -> None:
        """Make sure that the connection belongs to the stream's meeting: the first request decides, durably.

        Raises a 409 `Problem` when it belongs to another one.
        """
        meeting_id = self.known.meeting_of(stream.tenant, stream.connection_id)
        if meeting_id is None:
            meeting_id = self._registered(stream, options)
            self.known.remember(stream.tenant, stream.connection_id, meeting_id)
        if meeting_id != stream.meeting_id:
            raise Problem(
                409,
                "connection-of-another-meeting",
                "This connection_id belongs to another meeting; each connection belongs to one.",
                connection_id=stream.connection_id,
            )

    def _registered(self, stream: Stream, options: StreamOptions | None) -> str:
        name = self.objects(stream.tenant, stream.connection_id).stream
        description = StreamDescription(stream.meeting_id, options)
        if self.blobs.create(name, describe_stream(description)) is not Created.ALREADY_DIFFERENT:
            return stream.meeting_id
        return stream_description(self.read(name)).meeting_id
