"""What every handler works with: the bucket, the publisher, and which meeting each connection belongs to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec

from common.clock import Clock
from common.errors import Retryable
from common.events import StreamOptions
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobInfo, BlobNotFound, BlobStore, Created
from common.ports.publisher import Publisher
from common.problems import Problem
from common.stored_chunks import StreamDescription, claim_metadata, describe_stream, stream_description
from ingest_service.intake.connection_limits import ConnectionLimits
from ingest_service.intake.recent import Recent
from ingest_service.intake.requests import Stream


class KnownConnection(msgspec.Struct, frozen=True):
    """What `stream.json` says that never changes."""

    meeting_id: str
    opened_at_ms: int
    """Epoch milliseconds; 0 where it is not known."""


KnownConnections = Recent[tuple[str, str], KnownConnection]
"""By tenant and connection: so that `stream.json` is not asked for with every chunk."""


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
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)

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

    def claim(self, stream: Stream, options: StreamOptions | None = None) -> int:
        """Make sure that the connection belongs to the stream's meeting: the first request decides, durably.

        Returns how old the connection is, in milliseconds; 0 where that is not known. Raises a 409 `Problem` when it belongs to
        another meeting.
        """
        key = (stream.tenant, stream.connection_id)
        known = self.known.get(key)
        if known is None:
            known = self._described(stream, options)
            self.known.remember(key, known)
        _refuse_another_meeting(stream, known.meeting_id)
        return self.clock.now_ms() - known.opened_at_ms if known.opened_at_ms else 0

    def check_claim(self, stream: Stream) -> bool:
        """Raise what `claim` would raise, and claim nothing. True when the connection has been claimed."""
        known = self.known.get((stream.tenant, stream.connection_id))
        if known is None:
            try:
                name = self.objects(stream.tenant, stream.connection_id).stream
                known = _known(stream_description(self.blobs.read(name)))
            except BlobNotFound:
                return False
        _refuse_another_meeting(stream, known.meeting_id)
        return True

    def refuse_new(self, name: str, problem: Problem | None) -> None:
        """Raise `problem`, if there is one, unless there is an object of that name: what is stored may always be sent again."""
        if problem is not None and not self.is_there(name):
            raise problem

    def is_there(self, name: str) -> bool:
        """Whether there is an object of that name."""
        try:
            self.blobs.info(name)
        except BlobNotFound:
            return False
        return True

    def _described(self, stream: Stream, options: StreamOptions | None) -> KnownConnection:
        """The connection as `stream.json` says. Where there is none, this request writes it.

        Before there is a `stream.json`, there is an object that makes the segmenter's sweep look at the connection; so it is
        looked at even if this process dies now and no event of it ever arrives. The segmenter deletes that object.
        """
        objects = self.objects(stream.tenant, stream.connection_id)
        try:
            return _known(stream_description(self.blobs.read(objects.stream)))
        except BlobNotFound:
            pass
        now_ms = self.clock.now_ms()
        claimed = claim_metadata(now_ms)
        left_behind = self.blobs.create(objects.unregistered, b"", claimed) is not Created.CREATED
        description = StreamDescription(stream.meeting_id, options, now_ms)
        created = self.blobs.create(objects.stream, describe_stream(description))
        if left_behind:
            # The sweep deletes what an attempt left behind that came to nothing. It may have done so just now.
            self.blobs.create(objects.unregistered, b"", claimed)
        if created is Created.ALREADY_DIFFERENT:
            description = stream_description(self.read(objects.stream))
        return _known(description)


def _known(description: StreamDescription) -> KnownConnection:
    return KnownConnection(description.meeting_id, description.opened_at_ms)


def _refuse_another_meeting(stream: Stream, meeting_id: str) -> None:
    if meeting_id != stream.meeting_id:
        raise Problem(
            409,
            "connection-of-another-meeting",
            "This connection_id belongs to another meeting; each connection belongs to one.",
            connection_id=stream.connection_id,
        )
