"""The transcribe service's surroundings in memory, and the events that it gets."""

import dataclasses

from common.auth import SingleToken
from common.errors import Retryable, TurnscribeError
from common.events import SegmentReady, StreamOptions, Turn
from common.health import Drain
from common.push import SharedTokenAuth
from common.settings import Secret
from tests.clocks import FakeClock
from tests.memory_ports import (
    FakeBlobs,
    FakeDeliveries,
    FakeMeetings,
    FakePublisher,
    FakeStreams,
    FakeTranscripts,
    FakeWebhooks,
    FakeWorks,
)
from transcribe_service.app import TranscribeDeps
from transcribe_service.connections.other_connections import OtherConnections
from transcribe_service.connections.standby import Standby
from transcribe_service.recognition.known_meetings import KnownMeetings
from transcribe_service.recognition.recogniser import Recogniser
from transcribe_service.recognition.worker import Worker
from transcribe_service.settings import TranscribeSettings
from transcribe_service.whisper.client import WhisperClient, WhisperResult, WhisperWord
from transcribe_service.whisper.places import WhisperPlaces

API_TOKEN = "reader"
PUSH_TOKEN = "pusher"
DOWN = Retryable("the store is down", reason="store_down")


class FakeWhisper(WhisperClient):
    """Answers `result`, unless told to fail; keeps what it was asked."""

    def __init__(self) -> None:
        self.result = heard(("hello", 0.2, 0.6), ("world", 0.7, 1.1))
        self.errors: list[TurnscribeError] = []
        self.asked: list[tuple[bytes, str]] = []
        self.prompts: list[str] = []
        self.models: list[str] = []

    def transcribe(self, audio: bytes, *, language: str, prompt: str, model: str = "") -> WhisperResult:
        self.prompts.append(prompt)
        self.models.append(model)
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
    meetings: FakeMeetings = dataclasses.field(default_factory=FakeMeetings)
    webhooks: FakeWebhooks = dataclasses.field(default_factory=FakeWebhooks)
    deliveries: FakeDeliveries = dataclasses.field(default_factory=FakeDeliveries)
    works: FakeWorks = dataclasses.field(default_factory=FakeWorks)
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
            meetings=self.meetings,
            webhooks=self.webhooks,
            deliveries=self.deliveries,
            works=self.works,
            whisper=self.whisper,
            tokens=SingleToken(Secret(API_TOKEN)),
            push_auth=SharedTokenAuth(Secret(PUSH_TOKEN)),
            clock=self.clock,
            drain=self.drain,
        )


def standby_in(world: World) -> Standby:
    others = OtherConnections(world.streams, world.blobs, world.clock, "raw", "segments")
    return Standby(settings(), world.blobs, others, world.clock)


def worker_in(world: World, places: int = 2) -> Worker:
    """A worker of its own, which remembers nothing of what others were told."""
    recogniser = Recogniser(
        settings(), world.whisper, WhisperPlaces(places), KnownMeetings(world.meetings, world.clock), world.clock
    )
    return Worker(
        settings(), world.blobs, world.publisher, world.transcripts, recogniser, standby_in(world), world.clock
    )
