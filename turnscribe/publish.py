"""Sending audio through Pub/Sub instead of HTTP: what an upstream system publishes to the topic audio-uploads.

    with PubSubTopic("projects/p/topics/audio-uploads") as topic:
        with RecordingFile("talk.webm") as file:
            publish_recording(topic, file, "weekly-42")

Nothing is remembered: a connection's id follows from the file's content, the meeting and what is said about them, so that the same call
again, after whatever interrupted it, sends the same messages, and what was there already counts once. Needs google-cloud-pubsub, the extra
`publish`, and nothing of the services; docs/upstream.md says what messages mean.
"""

import concurrent.futures
import json
import re
from collections import deque
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

from turnscribe.errors import TurnscribeClientError
from turnscribe.recording_file import RecordingFile, content_type_of
from turnscribe.upload import ToldProgress, UploadedRecording, UploadProgress
from turnscribe.upload_identity import UploadOptions, fingerprint, meeting_named_after

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient  # type: ignore[import-untyped]

CHUNK_BYTES: Final = 1024**2
"""A message holds 10 MB at most. Each is in memory until it is published."""
IN_FLIGHT: Final = 8
PATIENCE_S: Final = 60.0
_TOPIC: Final = re.compile(r"projects/[^/]+/topics/[^/]+")


class PublishNotInstalled(TurnscribeClientError):
    """google-cloud-pubsub is missing."""

    def __init__(self) -> None:
        super().__init__("google-cloud-pubsub is not installed: pip install 'turnscribe[publish]'")


class NotPublished(TurnscribeClientError):
    """Pub/Sub did not take a message, or did not say so in time. What was taken before counts; the same call again goes on."""


class Publication(Protocol):
    """A message on its way."""

    def result(self, timeout: float | None = None) -> str:
        """The message's id, once Pub/Sub has it; or whatever the vendor raises."""
        ...


class Topic(Protocol):
    """Where messages go. Publishing returns at once."""

    def publish(self, data: bytes, attributes: Mapping[str, str]) -> Publication:
        """Begin to publish a message."""
        ...


class PubSubTopic:
    """A topic of Google Cloud Pub/Sub, or of its emulator where PUBSUB_EMULATOR_HOST is set. Use as a context manager.

    Raises `PublishNotInstalled`, and `NotPublished` for what is no topic or where there are no credentials.
    """

    def __init__(self, topic: str, *, patience_s: float = PATIENCE_S) -> None:
        if not _TOPIC.fullmatch(topic):
            raise NotPublished(f"{topic!r} is no topic such as projects/PROJECT/topics/audio-uploads")
        self._topic = topic
        self._patience_s = patience_s
        self._client = _client()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.stop()

    def publish(self, data: bytes, attributes: Mapping[str, str]) -> Publication:
        """Begin to publish a message; tried again for `patience_s` by the client library."""
        publication: Publication = self._client.publish(self._topic, data, timeout=self._patience_s, **attributes)
        return publication


def publish_recording(
    topic: Topic,
    file: RecordingFile,
    meeting_id: str | None = None,
    options: UploadOptions = UploadOptions(),  # noqa: B008 -- frozen
    *,
    tenant: str = "",
    chunk_bytes: int = CHUNK_BYTES,
    in_flight: int = IN_FLIGHT,
    progress: ToldProgress = lambda _: None,
) -> UploadedRecording:
    """Publish a whole file, chunk by chunk; on return Pub/Sub has all of it. Without a meeting it is `meeting_named_after` the file.

    At most `in_flight` messages are on their way at a time. Raises `UnusableFile`, `NotPublished`.
    """
    size_bytes = file.size_bytes
    digest = file.sha256(lambda read_bytes: progress(UploadProgress("reading", read_bytes, 0, size_bytes)))
    meeting_id = meeting_named_after(file.name, digest) if meeting_id is None else meeting_id
    connection_id = f"publish-{fingerprint(f'{digest}/{chunk_bytes}', meeting_id, options)[:32]}"
    said = _said(meeting_id, options, tenant) | {"connection_id": connection_id}
    said.setdefault("content_type", content_type_of(file.head()) or "application/octet-stream")
    window = _Window(in_flight)
    at = 0
    for seq, chunk in enumerate(file.blocks(0, size_bytes, chunk_bytes)):
        at += len(chunk)
        last = {"last": "true"} if at == size_bytes else {}
        durable_bytes = window.add(topic.publish(chunk, said | last | {"seq": str(seq)}), len(chunk))
        progress(UploadProgress("sending", at, durable_bytes, size_bytes))
    window.finish()
    progress(UploadProgress("done", size_bytes, size_bytes, size_bytes))
    return UploadedRecording(connection_id, meeting_id, size_bytes, resumed_from_bytes=0)


def publish_live(
    topic: Topic,
    pieces: Iterable[tuple[bytes, int]],
    meeting_id: str,
    connection_id: str,
    options: UploadOptions = UploadOptions(),  # noqa: B008 -- frozen
    *,
    tenant: str = "",
    in_flight: int = IN_FLIGHT,
) -> int:
    """Publish what comes as it comes, then its end; returns how many bytes. On return Pub/Sub has everything.

    `pieces` are bytes with the epoch milliseconds at which they ended. Raises `NotPublished`.
    """
    said = _said(meeting_id, options, tenant) | {"connection_id": connection_id}
    window = _Window(in_flight)
    size_bytes, seq = 0, -1
    for seq, (piece, captured_at_ms) in enumerate(pieces):
        window.add(topic.publish(piece, said | {"seq": str(seq), "captured_at": str(captured_at_ms)}), len(piece))
        size_bytes += len(piece)
    end = {name: said[name] for name in ("meeting_id", "connection_id", "tenant") if name in said}
    window.add(topic.publish(json.dumps({"last_seq": seq}).encode(), end | {"kind": "end"}), 0)
    window.finish()
    return size_bytes


def publish_reference(
    topic: Topic,
    uri: str,
    meeting_id: str | None = None,
    options: UploadOptions = UploadOptions(),  # noqa: B008 -- frozen
    *,
    tenant: str = "",
    generation: str = "",
) -> None:
    """Name an object, `gs://bucket/object`, that is a whole recording; on return Pub/Sub has the message. Raises `NotPublished`.

    The server reads it, if its settings allow (UPLOAD_SOURCE_BUCKETS). Without a meeting it becomes one that is named after the object.
    """
    said = _said(meeting_id or "", options, tenant) | {"uri": uri} | ({"generation": generation} if generation else {})
    window = _Window(1)
    window.add(topic.publish(b"", said), 0)
    window.finish()


class _Window:
    """What is on its way: at most `limit` messages, of which the oldest is waited for."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[tuple[Publication, int]] = deque()
        self._taken_bytes = 0

    def add(self, publication: Publication, size_bytes: int) -> int:
        """Make room, then wait for no more. Returns the bytes that Pub/Sub is known to have."""
        self._waiting.append((publication, size_bytes))
        while len(self._waiting) >= self._limit:
            self._take()
        return self._taken_bytes

    def finish(self) -> None:
        """Wait for all."""
        while self._waiting:
            self._take()

    def _take(self) -> None:
        publication, size_bytes = self._waiting.popleft()
        try:
            publication.result()
        except concurrent.futures.CancelledError as error:
            raise NotPublished("Pub/Sub: given up") from error
        except Exception as error:
            raise NotPublished(f"Pub/Sub: {str(error) or type(error).__name__}") from error
        self._taken_bytes += size_bytes


def _said(meeting_id: str, options: UploadOptions, tenant: str) -> dict[str, str]:
    """The attributes that every message of a connection has. Pure."""
    named = {"filetype": "content_type", "started_at_ms": "started_at"}
    said = {named.get(name, name): value for name, value in options.metadata().items()}
    return said | {name: value for name, value in (("meeting_id", meeting_id), ("tenant", tenant)) if value}


def _client() -> "PublisherClient":
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import pubsub_v1
    except ImportError as error:
        raise PublishNotInstalled from error
    one_by_one = pubsub_v1.types.BatchSettings(max_messages=1, max_latency=0)  # they are large, and each is waited for
    try:
        return pubsub_v1.PublisherClient(batch_settings=one_by_one)
    except GoogleAuthError as error:
        raise NotPublished(f"Pub/Sub: {error}") from error
