"""Taking a whole recording: its bytes become the chunks of a connection of its own, which is known to the pipeline only once all are there.

Chunks lie in the bucket as they come; the connection is claimed, its events are published and its end is stored after the last of them.
So what breaks off half-way is never transcribed, and who goes on later, whatever the pause, finds what is there.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from common.audio_signatures import begins_no_recording, is_headerless
from common.events import ChunkStored, StreamOptions
from common.object_names import seq_of
from common.ports.blob_store import Created
from common.problems import Problem
from common.stored_chunks import chunk_metadata, event_of_chunk
from ingest_service.intake.end_stream import end_stream
from ingest_service.intake.intake import Intake
from ingest_service.intake.requests import EndOfStream, Stream

PIECE_BYTES: Final = 1024**2
"""A chunk of a recording: few minutes of compressed speech, so that no decoding of one chunk outlasts a lease of the segmenter."""


class StoredRecording(msgspec.Struct, frozen=True):
    """What is durable of a recording."""

    connection_id: str
    meeting_id: str
    chunks: int
    bytes: int
    status: str
    """`stored`, or `already_stored` where all of it was there."""


class RecordingDiffers(Exception):
    """The connection belongs to another recording: other bytes, another meeting or other options are stored. The message says which."""


def store_recording(
    intake: Intake, stream: Stream, options: StreamOptions, pieces: Iterable[bytes], *, captured_at_ms: int
) -> StoredRecording:
    """Store all of a recording and publish it. On return everything is durable.

    The same bytes again, however they come, change nothing and publish again. `captured_at_ms` is when it was handed over (epoch),
    which counts where `options.started_at_ms` does not say when it was recorded. The first chunk decides: who comes again with another
    meeting or other options is refused, and the first one's time stays. Whatever `pieces` raises goes through; nothing is transcribed
    then. Raises `RecordingDiffers`, or a `Problem`: 409 where the connection is another meeting's, 415 where it begins no recording,
    400 where it is empty.
    """
    intake.check_claim(stream)
    size_bytes, is_new, seq = 0, False, -1
    for seq, piece in enumerate(fixed_pieces(pieces)):
        if seq == 0:
            refuse_what_is_no_audio(stream, options, piece)
        if store_piece(intake, stream, options, seq, piece, captured_at_ms=captured_at_ms):
            is_new = True
        elif seq == 0:
            options, captured_at_ms = _as_begun(intake, stream, options)
        size_bytes += len(piece)
    if seq < 0:
        raise empty_recording()
    _refuse_longer(intake, stream, last_seq=seq)
    finish_recording(intake, stream, options, last_seq=seq)
    return StoredRecording(
        stream.connection_id, stream.meeting_id, seq + 1, size_bytes, "stored" if is_new else "already_stored"
    )


def store_piece(
    intake: Intake, stream: Stream, options: StreamOptions, seq: int, piece: bytes, *, captured_at_ms: int
) -> bool:
    """Store chunk `seq` of a recording that the pipeline does not know of yet. True when it is new.

    Raises `RecordingDiffers`, or a 409 `Problem` where a connection may not have so many chunks.
    """
    event = ChunkStored(
        tenant=stream.tenant,
        meeting_id=stream.meeting_id,
        connection_id=stream.connection_id,
        seq=seq,
        object_name=_chunk(intake, stream, seq),
        size_bytes=len(piece),
        captured_at_ms=captured_at_ms,
        options=of_recording(options),
    )
    intake.refuse_new(event.object_name, intake.limits.seq_problem(stream.connection_id, seq))
    created = intake.blobs.create(event.object_name, piece, chunk_metadata(event))
    if created is Created.ALREADY_DIFFERENT:
        raise RecordingDiffers(f"other bytes are stored as its chunk {seq}")
    return created is Created.CREATED


def stored_sizes(intake: Intake, stream: Stream, *, from_seq: int = 0) -> list[int]:
    """Bytes of each chunk that is durable, from `from_seq` on to the first that is missing."""
    sizes: list[int] = []
    start_after = _chunk(intake, stream, from_seq - 1) if from_seq else ""
    for info in intake.blobs.list(_chunks(intake, stream), start_after=start_after):
        if seq_of(info.name) != from_seq + len(sizes):
            break
        sizes.append(info.size_bytes)
    return sizes


def finish_recording(intake: Intake, stream: Stream, options: StreamOptions, *, last_seq: int) -> None:
    """Make a recording known whose chunks 0 to `last_seq` are durable, and end it.

    One event is enough: the segmenter lists what a connection has that it does not know yet. Harmless to repeat.
    """
    intake.claim(stream, of_recording(options))
    end_stream(intake, stream, EndOfStream(last_seq))


def fixed_pieces(pieces: Iterable[bytes], size_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """The same bytes in pieces of `size_bytes`, the last one shorter: where they are cut must not depend on how they came. Pure."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= size_bytes:
            yield bytes(held[:size_bytes])
            del held[:size_bytes]
    if held:
        yield bytes(held)


def refuse_what_is_no_audio(stream: Stream, options: StreamOptions, data: bytes) -> None:
    """The first bytes carry the container's header: here the uploader can still be told. Raises a 415 `Problem`."""
    if begins_no_recording(data) and not is_headerless(options.content_type):
        raise Problem(
            415,
            "unknown-container",
            "The first chunk begins no recording that can be read (WebM, MP4, Ogg, FLAC, WAV, MP3, AAC, …). Samples without a "
            "header must be declared, as in audio/pcm;rate=16000;channels=1. Nothing was stored.",
            connection_id=stream.connection_id,
            seq=0,
        )


def empty_recording() -> Problem:
    """400: there is nothing to transcribe, and no stream without a chunk."""
    return Problem(400, "empty-recording", "The recording has no bytes; nothing was stored.")


def is_same_wish(one: StreamOptions, other: StreamOptions) -> bool:
    """Whether two attempts say the same of a recording, whoever of the tenant's users makes them."""
    return of_recording(msgspec.structs.replace(one, user_id="")) == of_recording(
        msgspec.structs.replace(other, user_id="")
    )


def of_recording(options: StreamOptions) -> StreamOptions:
    """`options` with what follows for a recording: without a time it can't be told which others heard the same."""
    return msgspec.structs.replace(options, untimed=options.started_at_ms is None)


def _as_begun(intake: Intake, stream: Stream, options: StreamOptions) -> tuple[StreamOptions, int]:
    """Options and time of the attempt that stored the first chunk. Raises `RecordingDiffers` where it said something else."""
    first = event_of_chunk(stream.tenant, stream.connection_id, intake.info(_chunk(intake, stream, 0)))
    if first.meeting_id != stream.meeting_id:
        raise RecordingDiffers("it is of another meeting")
    if not is_same_wish(first.options, options):
        raise RecordingDiffers("something else was said about it (language, channels, …)")
    return first.options, first.captured_at_ms


def _refuse_longer(intake: Intake, stream: Stream, *, last_seq: int) -> None:
    beyond = intake.blobs.list(_chunks(intake, stream), start_after=_chunk(intake, stream, last_seq))
    if next(iter(beyond), None) is not None:
        raise RecordingDiffers("more bytes are stored of it")


def _chunks(intake: Intake, stream: Stream) -> str:
    return intake.objects(stream.tenant, stream.connection_id).chunks_prefix


def _chunk(intake: Intake, stream: Stream, seq: int) -> str:
    return intake.objects(stream.tenant, stream.connection_id).chunk(seq)
