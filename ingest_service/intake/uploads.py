"""A resumable upload: a recording that comes in any number of requests, of which each may break off. Its state is in the bucket alone.

One create-only object says what it is to become. Its bytes are the chunks of its connection, so its offset is the sum of their sizes.
Whoever appends knows from a listing that chunk N begins at offset O, and goes on to chunk N + 1 only when N holds its own bytes. So
however many append at once, a chunk only ever holds what belongs at its place: who comes second is told that the offset has moved.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from common.errors import Permanent
from common.events import StreamOptions
from common.json_input import UNREADABLE_JSON
from common.ports.blob_store import BlobNotFound, Created
from ingest_service.intake.intake import Intake
from ingest_service.intake.observations import Observation
from ingest_service.intake.observe_speakers import keep_observation, observe_speakers
from ingest_service.intake.recent import Recent
from ingest_service.intake.recordings import (
    RecordingDiffers,
    finish_recording,
    fixed_pieces,
    is_same_wish,
    refuse_what_is_no_audio,
    store_piece,
    stored_sizes,
)
from ingest_service.intake.requests import Stream


class Upload(msgspec.Struct, frozen=True):
    """Content of `upload.json`, written before the first byte."""

    meeting_id: str
    length_bytes: int
    options: StreamOptions
    created_at_ms: int
    """Epoch milliseconds; when the recording was handed over, where nobody says when it was recorded."""
    metadata: str = ""
    """As the client wrote it (Upload-Metadata); it gets it back."""

    def is_same(self, other: "Upload") -> bool:
        """Whether it is to become the same recording. When it was begun and what its file is called do not count."""
        mine, others = (self.meeting_id, self.length_bytes), (other.meeting_id, other.length_bytes)
        return mine == others and is_same_wish(self.options, other.options)


class OffsetMoved(Exception):
    """The bytes were to be appended somewhere else than where the upload ends, or somebody else has appended there meanwhile."""

    def __init__(self, offset_bytes: int) -> None:
        super().__init__(f"the upload ends at {offset_bytes}")
        self.offset_bytes = offset_bytes


class _End(msgspec.Struct, frozen=True):
    """Chunks 0 to `next_seq` - 1 are durable, and have `offset_bytes` in all: true for ever, if not the newest truth."""

    next_seq: int = 0
    offset_bytes: int = 0


_START: Final = _End()


class Uploads:
    """The resumable uploads of all tenants. Thread-safe, and any number of processes may work on one upload.

    What is remembered here never changes and only saves questions: the descriptions, chunks that were seen, and which ends this
    process has published.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._described: Recent[tuple[str, str], Upload] = Recent()
        self._ends: Recent[tuple[str, str], _End] = Recent()
        self._finished: Recent[tuple[str, str], bool] = Recent()

    def find(self, tenant: str, connection_id: str) -> Upload | None:
        """The upload that was begun under this connection, or None."""
        upload = self._described.get((tenant, connection_id))
        if upload is None:
            try:
                upload = _decoded(self._intake.blobs.read(self._intake.objects(tenant, connection_id).upload))
            except BlobNotFound:
                return None
            self._described.remember((tenant, connection_id), upload)
        return upload

    def begin(self, stream: Stream, wanted: Upload) -> Upload:
        """Begin an upload, durably, or find the one that was begun: the first one counts.

        Raises `RecordingDiffers` where the connection has another one, or audio that came another way, and a 409 `Problem` where
        it is another meeting's.
        """
        begun = self.find(stream.tenant, stream.connection_id) or self._begin(stream, wanted)
        if not begun.is_same(wanted):
            raise RecordingDiffers("an upload with another length or meeting, or about which something else was said")
        return begun

    def offset(self, stream: Stream, upload: Upload) -> int:
        """How many bytes are durable. An upload that is complete is finished, should whoever completed it have died over that."""
        end = self._end(stream)
        self._finish(stream, upload, end)
        return end.offset_bytes

    def append(self, stream: Stream, upload: Upload, offset_bytes: int, pieces: Iterable[bytes]) -> int:
        """Store what comes, piece by piece, and return where the upload then ends. On return everything is durable.

        Whatever `pieces` raises goes through; what was stored before stays. Raises `OffsetMoved`, a 415 `Problem` where the upload
        begins no recording, and 409 where it would have too many chunks.
        """
        end = self._end(stream)
        if end.offset_bytes != offset_bytes:
            raise OffsetMoved(end.offset_bytes)
        for piece in fixed_pieces(pieces):
            if end == _START:
                refuse_what_is_no_audio(stream, upload.options, piece)
            end = self._store(stream, upload, end, piece)
        self._finish(stream, upload, end)
        return end.offset_bytes

    def observe(self, stream: Stream, upload: Upload, observed: Observation) -> bool:
        """Take who spoke in the recording: True when that is new. On return it is durable.

        While bytes are missing it is only kept: with its event the pipeline would begin with half a recording. Whoever sends the
        last byte makes it known with the rest; should that have happened meanwhile, its event is published here.
        """
        is_new = False
        if self.offset(stream, upload) < upload.length_bytes:
            is_new = keep_observation(self._intake, stream, observed)
            if self.offset(stream, upload) < upload.length_bytes:
                return is_new
        return observe_speakers(self._intake, stream, observed) or is_new

    def _begin(self, stream: Stream, wanted: Upload) -> Upload:
        is_claimed = self._intake.check_claim(stream)
        if is_claimed or stored_sizes(self._intake, stream):
            # Another request may have begun the same upload since it was looked for, and stored some of it already.
            if (begun := self.find(stream.tenant, stream.connection_id)) is not None:
                return begun
            raise RecordingDiffers("audio came under this connection another way")
        name = self._intake.objects(stream.tenant, stream.connection_id).upload
        if self._intake.blobs.create(name, msgspec.json.encode(wanted)) is Created.ALREADY_DIFFERENT:
            return _decoded(self._intake.read(name))
        return wanted

    def _store(self, stream: Stream, upload: Upload, end: _End, piece: bytes) -> _End:
        try:
            store_piece(self._intake, stream, upload.options, end.next_seq, piece, captured_at_ms=upload.created_at_ms)
        except RecordingDiffers as error:
            raise OffsetMoved(self._end(stream).offset_bytes) from error
        return self._remembered(stream, _End(end.next_seq + 1, end.offset_bytes + len(piece)))

    def _end(self, stream: Stream) -> _End:
        """Where the upload ends: a listing of what is new since this process looked last."""
        known = self._ends.get((stream.tenant, stream.connection_id)) or _START
        sizes = stored_sizes(self._intake, stream, from_seq=known.next_seq)
        return self._remembered(stream, _End(known.next_seq + len(sizes), known.offset_bytes + sum(sizes)))

    def _remembered(self, stream: Stream, end: _End) -> _End:
        self._ends.remember((stream.tenant, stream.connection_id), end)
        return end

    def _finish(self, stream: Stream, upload: Upload, end: _End) -> None:
        """Publish a complete upload: once for each process, since an end that is durable may still have missed its event."""
        key = (stream.tenant, stream.connection_id)
        if end.offset_bytes < upload.length_bytes or self._finished.get(key):
            return
        if end.offset_bytes > upload.length_bytes:
            raise RecordingDiffers("more bytes came under this connection than the upload has")
        finish_recording(self._intake, stream, upload.options, last_seq=end.next_seq - 1)
        self._finished.remember(key, value=True)


def _decoded(content: bytes) -> Upload:
    try:
        return msgspec.json.decode(content, type=Upload)
    except UNREADABLE_JSON as error:
        raise Permanent(f"upload.json: {error}", reason="invalid_upload_description") from error
