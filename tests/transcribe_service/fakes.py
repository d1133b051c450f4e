"""In-memory ports that can be told to fail. Each fault is raised once, at the next call of its kind."""

import dataclasses
from collections.abc import Iterator, Mapping

from common.auth import SingleToken
from common.errors import Retryable, TurnscribeError
from common.events import Event, SegmentReady, StreamOptions, Turn
from common.health import Drain
from common.ports.blob_store import Blob, BlobInfo, BlobNotFound, BlobStore, Created
from common.ports.publisher import Publisher
from common.ports.stream_registry import StreamRecord, StreamRegistry, StreamSummary
from common.ports.transcript_store import SegmentTranscript, Stored, TranscriptStore, supersedes
from common.push import SharedTokenAuth
from common.settings import Secret
from transcribe_service.app import TranscribeDeps
from transcribe_service.settings import TranscribeSettings
from transcribe_service.whisper.client import WhisperClient, WhisperResult, WhisperWord

API_TOKEN = "reader"
PUSH_TOKEN = "pusher"
DOWN = Retryable("the store is down", reason="store_down")


class FakeClock:
    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_s(self) -> float:
        return self.at_ms / 1000

    def sleep(self, seconds: float) -> None:
        self.at_ms += round(seconds * 1000)


class Faults:
    """Errors to raise, one a call, before anything is done or after everything is."""

    def __init__(self) -> None:
        self.before: list[Exception] = []
        self.after: list[Exception] = []

    def strike_before(self) -> None:
        if self.before:
            raise self.before.pop(0)

    def strike_after(self) -> None:
        if self.after:
            raise self.after.pop(0)


class FakeBlobs(BlobStore):
    def __init__(self) -> None:
        self.objects: dict[str, Blob] = {}
        self.faults = Faults()

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> Created:
        self.faults.strike_before()
        if name in self.objects:
            return Created.ALREADY_SAME if self.objects[name].data == data else Created.ALREADY_DIFFERENT
        self.objects[name] = Blob(name, data, dict(metadata or {}))
        return Created.CREATED

    def read(self, name: str) -> Blob:
        self.faults.strike_before()
        if name not in self.objects:
            raise BlobNotFound(name)
        return self.objects[name]

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[BlobInfo]:
        for name in sorted(self.objects):
            if name.startswith(prefix) and name > start_after:
                yield BlobInfo(name, len(self.objects[name].data), self.objects[name].metadata)

    def delete(self, name: str) -> None:
        self.objects.pop(name, None)

    def check(self) -> None:
        self.faults.strike_before()


class FakePublisher(Publisher):
    def __init__(self) -> None:
        self.published: list[Event] = []
        self.faults = Faults()

    def publish(self, event: Event) -> None:
        self.faults.strike_before()
        self.published.append(event)
        self.faults.strike_after()

    def check(self) -> None:
        self.faults.strike_before()


class FakeTranscripts(TranscriptStore):
    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, str], SegmentTranscript] = {}
        self.faults = Faults()

    def put(self, segment: SegmentTranscript) -> Stored:
        self.faults.strike_before()
        key = (segment.tenant, segment.meeting_id, segment.segment_id)
        if key in self.stored and not supersedes(segment, self.stored[key]):
            return Stored.SUPERSEDED
        self.stored[key] = segment
        self.faults.strike_after()
        return Stored.STORED

    def revision_of(self, tenant: str, meeting_id: str, segment_id: str) -> tuple[bool, int] | None:
        found = self.stored.get((tenant, meeting_id, segment_id))
        return (found.final, found.revision) if found else None

    def segments(self, tenant: str, meeting_id: str) -> list[SegmentTranscript]:
        own = [each for (t, m, _), each in self.stored.items() if (t, m) == (tenant, meeting_id)]
        return sorted(own, key=lambda each: (each.epoch_offset_ms + each.start_ms, each.segment_id))

    def delete_segment(self, tenant: str, meeting_id: str, segment_id: str) -> None:
        self.stored.pop((tenant, meeting_id, segment_id), None)

    def check(self) -> None:
        self.faults.strike_before()


class FakeStreams(StreamRegistry):
    def __init__(self) -> None:
        self.records: dict[tuple[str, str], StreamRecord] = {}

    def open(self, record: StreamRecord) -> None:
        self.records.setdefault((record.tenant, record.connection_id), record)

    def close(self, tenant: str, connection_id: str, summary: StreamSummary) -> None:
        record = self.records[tenant, connection_id]
        self.records[tenant, connection_id] = StreamRecord(
            tenant=record.tenant,
            meeting_id=record.meeting_id,
            connection_id=record.connection_id,
            opened_at_ms=record.opened_at_ms,
            options=record.options,
            summary=summary,
        )

    def get(self, tenant: str, connection_id: str) -> StreamRecord | None:
        return self.records.get((tenant, connection_id))

    def of_meeting(self, tenant: str, meeting_id: str) -> list[StreamRecord]:
        own = [each for each in self.records.values() if (each.tenant, each.meeting_id) == (tenant, meeting_id)]
        return sorted(own, key=lambda each: each.opened_at_ms)

    def open_streams(self, *, limit: int, start_after: str = "") -> list[StreamRecord]:
        raise NotImplementedError("the transcribe service does not sweep")

    def check(self) -> None:
        return


class FakeWhisper(WhisperClient):
    """Answers `result`, unless told to fail; keeps what it was asked."""

    def __init__(self) -> None:
        self.result = heard(("hello", 0.2, 0.6), ("world", 0.7, 1.1))
        self.errors: list[TurnscribeError] = []
        self.asked: list[tuple[bytes, str]] = []

    def transcribe(self, audio: bytes, *, language: str, prompt: str) -> WhisperResult:
        self.asked.append((audio, language))
        if self.errors:
            raise self.errors.pop(0)
        return self.result


def heard(*words: tuple[str, float, float], language: str = "en") -> WhisperResult:
    return WhisperResult(
        text=" ".join(text for text, _, _ in words),
        language=language,
        words=tuple(WhisperWord(text, start_s, end_s, 0.9) for text, start_s, end_s in words),
    )


def segment_ready(
    *,
    revision: int = 3,
    final: bool = True,
    start_ms: int = 3200,
    end_ms: int = 13_200,
    turns: tuple[Turn, ...] = (Turn("Ada", 0, 20_000),),
    channel: int = 0,
    options: StreamOptions = StreamOptions(),  # noqa: B008 -- frozen
) -> SegmentReady:
    return SegmentReady(
        tenant="default",
        meeting_id="m1",
        connection_id="c1",
        segment_id=f"c1:{channel}:{start_ms}",
        channel=channel,
        revision=revision,
        final=final,
        start_ms=start_ms,
        end_ms=end_ms,
        padding_ms=200,
        object_name=f"segments/{start_ms}.{revision}.{final}",
        epoch_offset_ms=1_600_000_000_000,
        turns=turns,
        options=options,
    )


def settings() -> TranscribeSettings:
    return TranscribeSettings(
        api_token=Secret(API_TOKEN),
        push_token=Secret(PUSH_TOKEN),
        whisper_service_url="http://127.0.0.1:9",
        processing_threads=2,
        processing_wait_sec=0,
    )


@dataclasses.dataclass
class World:
    """The service's surroundings, all in memory."""

    blobs: FakeBlobs = dataclasses.field(default_factory=FakeBlobs)
    publisher: FakePublisher = dataclasses.field(default_factory=FakePublisher)
    transcripts: FakeTranscripts = dataclasses.field(default_factory=FakeTranscripts)
    streams: FakeStreams = dataclasses.field(default_factory=FakeStreams)
    whisper: FakeWhisper = dataclasses.field(default_factory=FakeWhisper)
    clock: FakeClock = dataclasses.field(default_factory=FakeClock)
    drain: Drain = dataclasses.field(default_factory=Drain)

    def deps(self) -> TranscribeDeps:
        return TranscribeDeps(
            settings=settings(),
            blobs=self.blobs,
            publisher=self.publisher,
            transcripts=self.transcripts,
            streams=self.streams,
            whisper=self.whisper,
            tokens=SingleToken(Secret(API_TOKEN)),
            push_auth=SharedTokenAuth(Secret(PUSH_TOKEN)),
            clock=self.clock,
            drain=self.drain,
        )
