"""What the client publishes is what the server understands, whatever breaks in between."""

import concurrent.futures
import io
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.events import Message
from ingest_service.pubsub.trust import UploadTrust
from ingest_service.pubsub.upload_messages import (
    ChunkMessage,
    EndMessage,
    RecordingMessage,
    Reference,
    UploadMessage,
    parse_upload,
)
from turnscribe.publish import (
    NotPublished,
    PublishNotInstalled,
    PubSubTopic,
    publish_live,
    publish_recording,
    publish_reference,
)
from turnscribe.recording_file import RecordingFile
from turnscribe.upload import UploadProgress
from turnscribe.upload_identity import UploadOptions

TRUST = UploadTrust(frozenset({"acme"}), frozenset({"calls"}), "ours", "dropbox")
OPTIONS = UploadOptions("", "phone", "de", "separate", ("Ann", "Bo"), 1_690_000_000_000)
OGG = b"OggS" + bytes(range(256)) * 10


class FakeTopic:
    """Takes messages as Pub/Sub does: each is on its way until somebody asks for its result."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.messages: list[Message] = []
        self.on_their_way = self.most = 0
        self.fail_at = fail_at

    def publish(self, data: bytes, attributes: Mapping[str, str]) -> "FakePublication":
        self.messages.append(Message(data, dict(attributes)))
        self.on_their_way += 1
        self.most = max(self.most, self.on_their_way)
        return FakePublication(self, len(self.messages) - 1)

    @property
    def parsed(self) -> list[UploadMessage]:
        return [parse_upload(message, TRUST, published_ms=1_700_000_000_000) for message in self.messages]


class FakePublication:
    def __init__(self, topic: FakeTopic, number: int) -> None:
        self._topic, self._number = topic, number

    def result(self, timeout: float | None = None) -> str:
        self._topic.on_their_way -= 1
        if self._number == self._topic.fail_at:
            raise concurrent.futures.TimeoutError
        return str(self._number)


def published(data: bytes, topic: FakeTopic, **named: object) -> str:
    with RecordingFile(io.BytesIO(data)) as file:
        return publish_recording(topic, file, "m1", OPTIONS, tenant="acme", **named).connection_id  # type: ignore[arg-type]  # as each test names them


@given(st.binary(min_size=1, max_size=500), st.integers(1, 200), st.integers(1, 5))
def test_a_file_is_published_whole_and_ends_with_its_last_chunk(data: bytes, chunk_bytes: int, in_flight: int) -> None:
    topic = FakeTopic()
    connection_id = published(data, topic, chunk_bytes=chunk_bytes, in_flight=in_flight)
    chunks = topic.parsed
    assert all(isinstance(chunk, ChunkMessage) for chunk in chunks)
    assert b"".join(chunk.content for chunk in chunks) == data  # type: ignore[union-attr]  # they are chunks
    assert [chunk.upload.seq for chunk in chunks] == list(range(len(chunks)))  # type: ignore[union-attr]
    assert [chunk.is_last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]  # type: ignore[union-attr]
    streams = {(c.upload.stream.tenant, c.upload.stream.meeting_id, c.upload.stream.connection_id) for c in chunks}  # type: ignore[union-attr]
    assert streams == {("acme", "m1", connection_id)}
    assert topic.most <= in_flight
    assert topic.on_their_way == 0, "it returns once Pub/Sub has everything"


def test_what_is_said_about_it_arrives() -> None:
    topic = FakeTopic()
    published(OGG, topic)
    (chunk,) = topic.parsed
    assert isinstance(chunk, ChunkMessage)
    options = chunk.upload.options
    assert (options.content_type, options.source, options.language) == ("audio/ogg", "phone", "de")
    assert (options.channels, options.channel_speakers) == ("separate", ("Ann", "Bo"))
    assert options.started_at_ms == 1_690_000_000_000


def test_again_it_is_the_same_and_otherwise_it_is_not() -> None:
    first, again = FakeTopic(), FakeTopic()
    assert published(OGG, first) == published(OGG, again)
    assert first.messages == again.messages
    assert published(OGG + b"x", FakeTopic()) != published(OGG, FakeTopic())
    assert published(OGG, FakeTopic(), chunk_bytes=100) != published(OGG, FakeTopic()), "other chunks, other connection"


@pytest.mark.parametrize("fail_at", [0, 7, 25])
def test_what_pub_sub_does_not_take_is_told(fail_at: int) -> None:
    topic = FakeTopic(fail_at)
    with pytest.raises(NotPublished, match="TimeoutError"):
        published(OGG, topic, chunk_bytes=100)
    if fail_at == 0:
        assert len(topic.messages) < 26, "it does not go on"


def test_progress_never_says_more_than_pub_sub_has() -> None:
    told: list[UploadProgress] = []
    published(OGG, FakeTopic(), chunk_bytes=100, in_flight=3, progress=told.append)
    sent = [at for at in told if at.state == "sending"]
    assert all(at.durable_bytes <= at.at_bytes for at in sent)
    assert sent[-1].durable_bytes == len(OGG) // 100 * 100 - 100
    assert (told[-1].state, told[-1].durable_bytes) == ("done", len(OGG))


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=9))
def test_live_audio_is_chunks_with_their_time_and_an_end(pieces: list[bytes]) -> None:
    topic = FakeTopic()
    timed = [(piece, 1_750_000_000_000 + number) for number, piece in enumerate(pieces)]
    assert publish_live(topic, timed, "m1", "c1", tenant="acme") == sum(map(len, pieces))
    *chunks, end = topic.parsed
    assert isinstance(end, EndMessage)
    assert end.end.last_seq == len(pieces) - 1
    assert [(c.content, c.upload.captured_at_ms) for c in chunks] == timed  # type: ignore[union-attr]
    assert [c.upload.seq for c in chunks] == list(range(len(pieces)))  # type: ignore[union-attr]


def test_an_object_is_named_and_not_read() -> None:
    topic = FakeTopic()
    publish_reference(topic, "gs://calls/a.ogg", "m1", OPTIONS, generation="7")
    publish_reference(topic, "gs://calls/a.ogg")
    named, bare = topic.parsed
    assert isinstance(named, RecordingMessage)
    assert (named.content, named.stream.meeting_id, named.options.language) == (
        Reference("gs://calls/a.ogg", "7"),
        "m1",
        "de",
    )
    assert isinstance(bare, RecordingMessage)
    assert (bare.content, bare.stream.meeting_id) == (Reference("gs://calls/a.ogg"), "")


def test_without_the_library_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.pubsub_v1", None)
    monkeypatch.delattr("google.cloud.pubsub_v1", raising=False)
    with pytest.raises(PublishNotInstalled, match=r"pip install 'turnscribe\[publish\]'"):
        PubSubTopic("projects/p/topics/audio-uploads")


@pytest.mark.parametrize("topic", ["audio-uploads", "projects/p/subscriptions/x", "projects//topics/x", ""])
def test_what_is_no_topic_is_refused_before_anything_is_sent(topic: str) -> None:
    with pytest.raises(NotPublished, match="is no topic"):
        PubSubTopic(topic)


def test_missing_credentials_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(NotPublished, match=r"missing\.json"):
        PubSubTopic("projects/p/topics/audio-uploads")
