"""Taking a chunk: store its bytes, publish its event, only then say so."""

from common.events import ChunkStored
from common.ports.blob_store import Created
from common.problems import Problem
from common.stored_chunks import chunk_metadata, event_of_chunk
from ingest_service.intake.intake import Intake
from ingest_service.intake.recordings import refuse_what_is_no_audio
from ingest_service.intake.requests import ChunkUpload


def store_chunk(intake: Intake, upload: ChunkUpload, data: bytes, *, check_container: bool = True) -> bool:
    """True when the chunk is new, False when the same bytes were there. On return bytes and event are durable.

    The same bytes again publish the first event again, since the first attempt may have died between storing and publishing.
    Raises a `Problem`: 409 when other bytes are stored under the seq, or the connection may not be fed any more, 415 when the first
    chunk can't be audio (where `check_container`; else the segmenter finds out). Nothing is published then.
    """
    stream = upload.stream
    if upload.seq == 0 and check_container:
        refuse_what_is_no_audio(stream, upload.options, data)
    name = intake.objects(stream.tenant, stream.connection_id).chunk(upload.seq)
    intake.refuse_new(name, intake.limits.seq_problem(stream.connection_id, upload.seq))
    age_ms = intake.claim(stream, upload.options)
    intake.refuse_new(name, intake.limits.age_problem(stream.connection_id, age_ms))
    event = ChunkStored(
        tenant=stream.tenant,
        meeting_id=stream.meeting_id,
        connection_id=stream.connection_id,
        seq=upload.seq,
        object_name=name,
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
    return event_of_chunk(event.tenant, event.connection_id, intake.info(event.object_name))
