"""Taking a chunk: store its bytes, publish its event, only then say so."""

from common.events import ChunkStored
from common.ports.blob_store import BlobInfo, Created
from common.problems import Problem
from common.stored_chunks import chunk_metadata, event_of_chunk
from ingest_service.intake import Intake
from ingest_service.requests import ChunkUpload


def store_chunk(intake: Intake, upload: ChunkUpload, data: bytes) -> bool:
    """True when the chunk is new, False when the same bytes were there. On return bytes and event are durable.

    The same bytes again publish the first event again, since the first attempt may have died between storing and publishing.
    Raises a 409 `Problem` when other bytes are stored under the seq; nothing is published then.
    """
    stream = upload.stream
    intake.claim(stream, upload.options)
    event = ChunkStored(
        tenant=stream.tenant,
        meeting_id=stream.meeting_id,
        connection_id=stream.connection_id,
        seq=upload.seq,
        object_name=intake.objects(stream.tenant, stream.connection_id).chunk(upload.seq),
        size_bytes=len(data),
        captured_at_ms=upload.captured_at_ms,
        options=upload.options,
    )
    created = intake.blobs.create(event.object_name, data, chunk_metadata(event))
    if created is Created.ALREADY_DIFFERENT:
        raise Problem(
            409,
            "chunk-differs",
            f"Other bytes are stored as chunk {upload.seq} of this connection, and stay.",
            connection_id=stream.connection_id,
            seq=upload.seq,
        )
    if created is Created.ALREADY_SAME:
        event = _first_event(intake, event)
    intake.publisher.publish(event)
    return created is Created.CREATED


def _first_event(intake: Intake, event: ChunkStored) -> ChunkStored:
    stored = intake.read(event.object_name)
    info = BlobInfo(stored.name, len(stored.data), stored.metadata)
    return event_of_chunk(event.tenant, event.connection_id, info)
