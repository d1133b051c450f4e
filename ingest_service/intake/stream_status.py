"""What is durable of a stream, and what is missing: what an uploader needs to go on after a break."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec

from common.events import StreamEnded
from common.object_names import ConnectionObjects, seq_of
from common.ports.blob_store import BlobInfo, BlobNotFound
from common.problems import Problem
from common.stored_chunks import event_of_content, stream_description
from ingest_service.intake.faults import DETAIL, REASON, SEQ
from ingest_service.intake.intake import Intake

MAX_MISSING: Final = 1_000
MAX_PROBLEMS: Final = 1_000


class ChunkProblem(msgspec.Struct, frozen=True):
    """Something of the stream that was accepted and then could not be read, in the words of RFC 9457."""

    type: str
    title: str
    detail: str
    seq: int | None
    """The chunk; None where it is the end of the stream that shows the fault."""


class StreamStatus(msgspec.Struct, frozen=True):
    """The answer of `GET /v1/streams/{connection_id}`."""

    connection_id: str
    meeting_id: str
    chunks: int
    bytes: int
    next_seq: int
    """The first seq that is missing."""
    missing: tuple[int, ...]
    """What is missing below the highest seq, at most 1,000 of them."""
    ended: bool
    last_seq: int | None
    problems: tuple[ChunkProblem, ...]
    """What was put into quarantine, or accepted in spite of a fault, at most 1,000 of them. The stream goes on."""
    recommended_chunk_ms: int


def stream_status(intake: Intake, tenant: str, connection_id: str, recommended_chunk_ms: int) -> StreamStatus:
    """Reads names and sizes, no audio. Raises a 404 `Problem` for a connection that never sent anything."""
    objects = intake.objects(tenant, connection_id)
    try:
        description = stream_description(intake.blobs.read(objects.stream))
    except BlobNotFound as error:
        detail = "Nothing was received on this connection."
        raise Problem(404, "unknown-stream", detail, recommended_chunk_ms=recommended_chunk_ms) from error
    stored = list(intake.blobs.list(objects.chunks_prefix))
    seqs = [seq_of(info.name) for info in stored]
    missing = tuple(islice(missing_seqs(seqs), MAX_MISSING))
    last_seq = _last_seq(intake, objects.end)
    return StreamStatus(
        connection_id=connection_id,
        meeting_id=description.meeting_id,
        chunks=len(stored),
        bytes=sum(info.size_bytes for info in stored),
        next_seq=missing[0] if missing else len(seqs),
        missing=missing,
        ended=last_seq is not None,
        last_seq=last_seq,
        problems=tuple(islice(_problems(intake, objects), MAX_PROBLEMS)),
        recommended_chunk_ms=recommended_chunk_ms,
    )


def missing_seqs(seqs: Iterable[int]) -> Iterator[int]:
    """What is missing below the highest of `seqs`, which ascend."""
    expected = 0
    for seq in seqs:
        yield from range(expected, seq)
        expected = seq + 1


def _last_seq(intake: Intake, end_name: str) -> int | None:
    try:
        return event_of_content(intake.blobs.read(end_name), StreamEnded).last_seq
    except BlobNotFound:
        return None


def _problems(intake: Intake, objects: ConnectionObjects) -> Iterator[ChunkProblem]:
    """What could not be read, then what was accepted in spite of a fault: from names and metadata alone."""
    for info in intake.blobs.list(objects.quarantine_prefix):
        item = info.name.removeprefix(objects.quarantine_prefix)
        yield _problem("Not readable", info, item if item.isdecimal() else None)
    for info in intake.blobs.list(objects.faults_prefix):
        yield _problem("Accepted with a fault", info, info.metadata.get(SEQ))


def _problem(title: str, info: BlobInfo, seq: str | None) -> ChunkProblem:
    reason = info.metadata.get(REASON, "unreadable").replace("_", "-")
    detail = info.metadata.get(DETAIL, "")
    return ChunkProblem(f"urn:turnscribe:problem:{reason}", title, detail, None if seq is None else int(seq))
