"""Chunks that say to which session they belong, and not which one they are: each becomes the next."""

import hashlib
from typing import Final

import msgspec

from common.audio_signatures import is_headerless
from common.errors import Retryable
from common.events import StreamOptions
from common.ids import InvalidId, checked_id
from common.object_names import seq_of
from common.problems import Problem
from ingest_service.intake.intake import Intake
from ingest_service.intake.recent import Recent
from ingest_service.intake.requests import ChunkUpload, Stream
from ingest_service.intake.store_chunk import store_chunk

_RACES: Final = 100
"""So many others may take the next number at the same time."""


class LastChunk(msgspec.Struct, frozen=True):
    """The last chunk of a session."""

    seq: int
    digest: bytes


class Sessions:
    """The sessions of all tenants, through one process. Thread-safe: creating the chunk's object decides who is next."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._last: Recent[tuple[str, str], LastChunk] = Recent()

    def append(self, stream: Stream, options: StreamOptions, data: bytes, captured_at_ms: int) -> int:
        """Store `data` as the session's next chunk and publish it. Returns its seq.

        What equals the last chunk is that chunk, sent again after an answer was lost: recorders never give out the same bytes twice.
        Only samples without a header may, in silence. Raises what `store_chunk` raises.
        """
        digest = hashlib.sha256(data).digest()
        for _ in range(_RACES):
            last = self._last_of(stream)
            is_again = last is not None and last.digest == digest and not is_headerless(options.content_type)
            seq = last.seq if last is not None and is_again else 0 if last is None else last.seq + 1
            try:
                store_chunk(self._intake, ChunkUpload(stream, seq, captured_at_ms, options), data)
            except Problem as problem:
                if problem.kind != "chunk-differs":
                    raise
                self._last.forget((stream.tenant, stream.connection_id))
                continue
            self._last.remember((stream.tenant, stream.connection_id), LastChunk(seq, digest))
            return seq
        raise Retryable("too many requests append to this session at once", reason="session_contended")

    def _last_of(self, stream: Stream) -> LastChunk | None:
        """The last chunk that this process knows of, else the last one in the bucket."""
        key = (stream.tenant, stream.connection_id)
        last = self._last.get(key)
        if last is not None:
            return last
        prefix = self._intake.objects(*key).chunks_prefix
        names = [info.name for info in self._intake.blobs.list(prefix)]
        if not names:
            return None
        last = LastChunk(seq_of(names[-1]), hashlib.sha256(self._intake.read(names[-1])).digest())
        self._last.remember(key, last)
        return last


def session_name(session_id: str) -> str:
    """The connection of a session: its id where that is a valid one, else one made of it. Pure."""
    try:
        return checked_id(session_id, "X-Session-ID")
    except InvalidId:
        return f"session-{hashlib.sha256(session_id.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
