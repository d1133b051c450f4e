"""`/push/audio-uploads`: what upstream systems publish, handed to the handlers that HTTP has too."""

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec
from structlog.contextvars import bind_contextvars

from common.dead_letters import Origin
from common.errors import Permanent
from common.events import StreamOptions
from common.ports.source_objects import SourceObject
from common.push import Pushed, first_published_ms
from ingest_service.intake.end_stream import end_stream
from ingest_service.intake.observe_speakers import observe_speakers
from ingest_service.intake.recordings import store_recording
from ingest_service.intake.requests import EndOfStream, Stream
from ingest_service.intake.store_chunk import store_chunk
from ingest_service.pubsub.attributes import HEADER_NAMES
from ingest_service.pubsub.refusals import as_pushes_know_it
from ingest_service.pubsub.trust import UploadTrust, split_uri
from ingest_service.pubsub.upload_messages import (
    ChunkMessage,
    EndMessage,
    RecordingMessage,
    Reference,
    SpeakersMessage,
    UploadMessage,
    parse_upload,
)
from ingest_service.pubsub.whole_objects import WholeObjects, digest_of, meeting_named_after

TOPIC: Final = "audio-uploads"


@dataclass(frozen=True, slots=True)
class AudioUploads:
    """The handler of the topic's messages; `common.dead_letter_push.RawSource`. Redelivery is harmless."""

    objects: WholeObjects
    trust: UploadTrust
    max_chunk_bytes: int
    topic: str = TOPIC
    attributes: frozenset[str] = HEADER_NAMES

    def origin(self, pushed: Pushed) -> Origin:
        """What the message is about. Raises `Permanent`."""
        stream = _stream_of(self._parsed(pushed))
        return Origin(self.topic, stream.tenant, stream.meeting_id, stream.connection_id)

    def handle(self, pushed: Pushed) -> None:
        """Returns when all that the message says is durable. Raises `Permanent` naming what is wrong, `Retryable`, `Backpressure`."""
        message = self._parsed(pushed)
        stream = _stream_of(message)
        named = {"tenant": stream.tenant, "meeting_id": stream.meeting_id, "connection_id": stream.connection_id}
        bind_contextvars(**{name: value for name, value in named.items() if value})
        intake = self.objects.intake
        with as_pushes_know_it():
            match message:
                case ChunkMessage():
                    self._store(message)
                case SpeakersMessage():
                    observe_speakers(intake, stream, message.observed)
                case EndMessage():
                    end_stream(intake, stream, message.end)
                case RecordingMessage(content=Reference() as reference):
                    self._copy(message, reference)
                case RecordingMessage(content=bytes() as data):
                    self._keep(message, data)

    def _parsed(self, pushed: Pushed) -> UploadMessage:
        published_ms = first_published_ms(pushed) or self.objects.intake.clock.now_ms()
        return parse_upload(pushed.message, self.trust, published_ms=published_ms)

    def _store(self, message: ChunkMessage) -> None:
        upload, data = message.upload, message.content
        if isinstance(data, Reference):
            source = self.objects.sources.stat(data.uri, data.generation)
            self._refuse_large(source.size_bytes)
            options = _with_type_of(source, upload.options)
            upload = msgspec.structs.replace(upload, options=options)
            data = self.objects.sources.read(source, 0, source.size_bytes) if source.size_bytes else b""
        self._refuse_large(len(data))
        store_chunk(self.objects.intake, upload, data)
        if message.is_last:
            end_stream(self.objects.intake, upload.stream, EndOfStream(upload.seq))

    def _copy(self, message: RecordingMessage, reference: Reference) -> None:
        source = self.objects.sources.stat(reference.uri, reference.generation)
        _, name = split_uri(reference.uri)
        identity = digest_of("reference", source.uri, source.generation, message.stream.meeting_id)
        self.objects.take(
            source,
            _named(message.stream, meeting_named_after(name, identity), f"reference-{identity[:32]}"),
            _with_type_of(source, message.options),
            handed_over_ms=message.captured_at_ms,
        )

    def _keep(self, message: RecordingMessage, data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()
        identity = digest_of("message", digest, message.stream.meeting_id)
        stream = _named(message.stream, meeting_named_after("", identity), f"message-{identity[:32]}")
        store_recording(self.objects.intake, stream, message.options, [data], captured_at_ms=message.captured_at_ms)

    def _refuse_large(self, size_bytes: int) -> None:
        if size_bytes > self.max_chunk_bytes:
            message = f"the chunk has {size_bytes} bytes; at most {self.max_chunk_bytes} are allowed"
            raise Permanent(message, reason="too_large")


def _stream_of(message: UploadMessage) -> Stream:
    return message.upload.stream if isinstance(message, ChunkMessage) else message.stream


def _named(stream: Stream, meeting_id: str, connection_id: str) -> Stream:
    """The stream with ids that follow from what it is, where the message gives none."""
    return Stream(stream.tenant, stream.connection_id or connection_id, stream.meeting_id or meeting_id)


def _with_type_of(source: SourceObject, options: StreamOptions) -> StreamOptions:
    """The options with the object's own media type where the message names none."""
    if options.content_type != StreamOptions().content_type or not source.content_type:
        return options
    return msgspec.structs.replace(options, content_type=source.content_type)
