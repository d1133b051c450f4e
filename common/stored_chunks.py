"""What ingest writes into the bucket beside the bytes, so that a listing alone can rebuild every stream event. Pure.

A chunk's event lies in its object's metadata, because the content is the uploader's; an observation's and an end's event
are the content of their objects; `stream.json` says to which meeting a connection belongs. Until the segmenter has registered
a connection, an empty object stands for it in a place of its own, so that the sweep finds it even if no event ever comes.
"""

from typing import Final, TypeVar

import msgspec

from common.errors import Permanent
from common.events import ChunkStored, Event, Ms, StreamOptions
from common.json_input import UNREADABLE_JSON
from common.object_names import seq_of
from common.ports.blob_store import BlobInfo

E = TypeVar("E", bound=Event)


class StreamDescription(msgspec.Struct, frozen=True):
    """Content of `stream.json`, written once by the first request that names the connection."""

    meeting_id: str
    options: StreamOptions | None = None
    """What the first chunk said; None where speaker activity or the end came before any chunk. Each chunk's own
    metadata carries its options in any case."""
    opened_at_ms: int = 0
    """When that request came (epoch milliseconds); 0 where a release wrote it that did not say."""


def describe_stream(description: StreamDescription) -> bytes:
    """The content of `stream.json`; equal descriptions give equal bytes."""
    return msgspec.json.encode(description)


def stream_description(content: bytes) -> StreamDescription:
    """The inverse of `describe_stream`. Raises `Permanent` when `content` is none."""
    try:
        return msgspec.json.decode(content, type=StreamDescription)
    except UNREADABLE_JSON as error:
        raise Permanent(f"stream.json: {error}", reason="invalid_stream_description") from error


CLAIMED_AT_MS: Final = "claimed_at_ms"


def claim_metadata(now_ms: int) -> dict[str, str]:
    """The metadata of the object that stands for a connection until the segmenter knows of it."""
    return {CLAIMED_AT_MS: str(now_ms)}


def claimed_at_ms(info: BlobInfo) -> int:
    """The inverse of `claim_metadata`. Raises `Permanent` when the metadata is damaged."""
    try:
        return int(info.metadata[CLAIMED_AT_MS])
    except (KeyError, ValueError) as error:
        raise Permanent("metadata of an unregistered connection is damaged", reason="invalid_claim_metadata") from error


def chunk_metadata(event: ChunkStored) -> dict[str, str]:
    """The metadata of a chunk's object: what neither its name nor its size says."""
    return {
        "meeting_id": event.meeting_id,
        "captured_at_ms": str(event.captured_at_ms),
        "options": msgspec.json.encode(event.options).decode(),
    }


class _ChunkMetadata(msgspec.Struct):
    meeting_id: str
    captured_at_ms: Ms
    options: str


def event_of_chunk(tenant: str, connection_id: str, info: BlobInfo) -> ChunkStored:
    """The event of a stored chunk, equal to the one that was published. Raises `Permanent` when the metadata is damaged."""
    try:
        metadata = msgspec.convert(dict(info.metadata), _ChunkMetadata, strict=False)
        options = msgspec.json.decode(metadata.options, type=StreamOptions)
    except UNREADABLE_JSON as error:
        raise Permanent(f"metadata of a chunk: {error}", reason="invalid_chunk_metadata") from error
    return ChunkStored(
        tenant=tenant,
        connection_id=connection_id,
        meeting_id=metadata.meeting_id,
        seq=seq_of(info.name),
        object_name=info.name,
        size_bytes=info.size_bytes,
        captured_at_ms=metadata.captured_at_ms,
        options=options,
    )


def event_content(event: Event) -> bytes:
    """The content of the object that holds an observation or an end; equal events give equal bytes."""
    return msgspec.json.encode(event)


def event_of_content(content: bytes, kind: type[E]) -> E:
    """The inverse of `event_content`. Raises `Permanent` when `content` is no event of this kind."""
    try:
        return msgspec.json.decode(content, type=kind)
    except UNREADABLE_JSON as error:
        raise Permanent(f"stored {kind.TYPE}: {error}", reason="invalid_stored_event") from error
