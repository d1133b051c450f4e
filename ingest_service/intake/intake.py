"""What every handler works with: the bucket, the publisher, and which meeting each connection belongs to."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final

from common.clock import Clock
from common.errors import Retryable
from common.events import StreamOptions
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobInfo, BlobNotFound, BlobStore, Created
from common.ports.publisher import Publisher
from common.problems import Problem
from common.stored_chunks import StreamDescription, claim_metadata, describe_stream, stream_description
from ingest_service.intake.requests import Stream

KNOWN_CONNECTIONS: Final = 10_000


class KnownConnections:
    """The meetings of the connections seen last, so that `stream.json` is not asked for every chunk. Thread-safe, bounded."""

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
    clock: Clock

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
            meeting_id = self._described(stream, options)
            self.known.remember(stream.tenant, stream.connection_id, meeting_id)
        _refuse_another_meeting(stream, meeting_id)

    def check_claim(self, stream: Stream) -> None:
        """Raise what `claim` would raise, and claim nothing."""
        meeting_id = self.known.meeting_of(stream.tenant, stream.connection_id)
        if meeting_id is None:
            try:
                name = self.objects(stream.tenant, stream.connection_id).stream
                meeting_id = stream_description(self.blobs.read(name)).meeting_id
            except BlobNotFound:
                return
        _refuse_another_meeting(stream, meeting_id)

    def _described(self, stream: Stream, options: StreamOptions | None) -> str:
        """The connection's meeting as `stream.json` says. Where there is none, this request writes it.

        Before there is a `stream.json`, there is an object that makes the segmenter's sweep look at the connection; so it is
        looked at even if this process dies now and no event of it ever arrives. The segmenter deletes that object.
        """
        objects = self.objects(stream.tenant, stream.connection_id)
        try:
            return stream_description(self.blobs.read(objects.stream)).meeting_id
        except BlobNotFound:
            pass
        claimed = claim_metadata(self.clock.now_ms())
        left_behind = self.blobs.create(objects.unregistered, b"", claimed) is not Created.CREATED
        description = StreamDescription(stream.meeting_id, options)
        created = self.blobs.create(objects.stream, describe_stream(description))
        if left_behind:
            # The sweep deletes what an attempt left behind that came to nothing. It may have done so just now.
            self.blobs.create(objects.unregistered, b"", claimed)
        if created is Created.ALREADY_DIFFERENT:
            return stream_description(self.read(objects.stream)).meeting_id
        return stream.meeting_id


def _refuse_another_meeting(stream: Stream, meeting_id: str) -> None:
    if meeting_id != stream.meeting_id:
        raise Problem(
            409,
            "connection-of-another-meeting",
            "This connection_id belongs to another meeting; each connection belongs to one.",
            connection_id=stream.connection_id,
        )
