"""A segmenter on in-memory ports, fed as ingest would feed it. Tones are speech here, silence is silence."""

import io
import random
from collections.abc import Callable, Iterable, Sequence

import av
import numpy as np
import redis
from numpy.typing import NDArray

from common.errors import Retryable, TurnscribeError
from common.events import (
    ChunkStored,
    Event,
    SegmentReady,
    SegmentRelabelled,
    SpeakersObserved,
    StreamEnded,
    StreamOptions,
)
from common.object_names import ConnectionObjects
from common.ports.blob_store import Created
from common.ports.stream_registry import StreamRecord, StreamSummary
from common.settings import load
from common.stored_chunks import StreamDescription, chunk_metadata, claim_metadata, describe_stream, event_content
from segmenter_service.drain import Drainer
from segmenter_service.holding import Surroundings
from segmenter_service.lane import FrameScorer
from segmenter_service.settings import SegmenterSettings
from segmenter_service.state import ConnectionState, decode_state
from segmenter_service.sweep import Sweep
from segmenter_service.sweep_cursor import RedisCursor
from segmenter_service.voice_activity import FRAME_SAMPLES, VoiceActivityState
from tests.clocks import FakeClock
from tests.memory_ports import FakeBlobs, FakeMeetings, FakePublisher, FakeStreams

RATE_HZ = 16_000
START_MS = 1_700_000_000_000
Samples = NDArray[np.int16]


class LoudnessScorer:
    """Stands for Silero: a frame is speech when it is loud."""

    def frames(self, state: VoiceActivityState, samples: Samples) -> bytes:
        waiting = np.concatenate([np.frombuffer(state.tail, np.int16), samples])
        count = len(waiting) // FRAME_SAMPLES
        state.tail = waiting[count * FRAME_SAMPLES :].tobytes()
        frames = waiting[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES).astype(np.float64)
        return bytes(255 if value > 500 else 0 for value in np.sqrt((frames**2).mean(axis=1)))


def tone(seconds: float, pitch_hz: float = 440.0) -> Samples:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (8_000 * np.sin(2 * np.pi * pitch_hz * time_s)).astype(np.int16)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE_HZ), np.int16)


def talk(*seconds: float) -> Samples:
    """Tones and silences in turn, beginning with a tone."""
    parts = [silence(length) if index % 2 else tone(length, 300 + 40 * index) for index, length in enumerate(seconds)]
    return np.concatenate(parts)


def recording(samples: Samples, suffix: str, codec: str, *, rate_hz: int = RATE_HZ) -> bytes:
    """`samples` (n,) or (channels, n) in a container, as a file."""
    rows = np.atleast_2d(samples)
    layout = "stereo" if rows.shape[0] == 2 else "mono"
    target = io.BytesIO()
    with av.open(target, "w", format=suffix, options={"live": "1"} if suffix == "webm" else {}) as container:
        stream = container.add_stream(codec, rate=48_000 if codec == "libopus" else rate_hz, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(rows.T.reshape(1, -1)), format="s16", layout=layout)
        frame.sample_rate = rate_hz
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return target.getvalue()


def webm(samples: Samples) -> bytes:
    return recording(samples, "webm", "libopus")


def wav(samples: Samples) -> bytes:
    return recording(samples, "wav", "pcm_s16le")


def split(data: bytes, pieces: int, seed: int | None = None) -> list[bytes]:
    """`data` in so many pieces: equal ones, or at random places."""
    if seed is None:
        edges = [len(data) * k // pieces for k in range(1, pieces)]
    else:
        edges = sorted(random.Random(seed).sample(range(1, len(data)), pieces - 1))
    return [data[a:b] for a, b in zip([0, *edges], [*edges, len(data)], strict=True)]


def held_state(client: redis.Redis) -> ConnectionState:
    """What Redis holds of the connection, after the mark that says whether the sweep looks after it."""
    found = client.get("turnscribe:{default/call-1}:state")
    assert isinstance(found, bytes)
    state = decode_state(found[1:])
    assert state is not None
    return state


class Stage:
    """One connection of one meeting, its uploads and the segmenter that drains them."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        tenant: str = "default",
        connection_id: str = "call-1",
        scorer: Callable[[FakeClock], FrameScorer] | None = None,
        **settings: str,
    ) -> None:
        self.redis = client
        self.tenant, self.connection_id = tenant, connection_id
        self.blobs, self.publisher, self.streams, self.clock = (
            FakeBlobs(),
            FakePublisher(),
            FakeStreams(),
            FakeClock(START_MS),
        )
        self.meetings = FakeMeetings()
        self.scorer = scorer(self.clock) if scorer else LoudnessScorer()
        self.settings = load(SegmenterSettings, {"PUSH_TOKEN": "x", **settings})
        self.objects = ConnectionObjects(tenant, connection_id)
        self.options = StreamOptions()
        self.restart()

    def restart(self) -> None:
        """A new process: what was in memory is gone."""
        around = Surroundings(
            self.settings, self.blobs, self.publisher, self.streams, self.meetings, self.scorer, self.clock
        )
        self.drainer = Drainer(around, self.redis)
        self.sweep = Sweep(
            self.streams,
            self.blobs,
            self.drainer,
            RedisCursor(self.redis, "open"),
            RedisCursor(self.redis, "unregistered"),
            self.clock,
            "raw",
        )

    def upload(
        self,
        chunks: Sequence[bytes],
        *,
        first_seq: int = 0,
        chunk_ms: int = 3_000,
        late_ms: int = 0,
        end: bool = True,
    ) -> list[Event]:
        """Store chunks (and the end) as ingest does; returns their events, undelivered. Their times are `late_ms` late.

        What lies in the bucket when the first event is delivered is found there; upload in parts to prevent that.
        """
        description = StreamDescription("meeting-1", self.options)
        if self.blobs.create(self.objects.stream, describe_stream(description)) is Created.CREATED:
            self.blobs.create(self.objects.unregistered, b"", claim_metadata(self.clock.now_ms()))
        events: list[Event] = []
        for seq, data in enumerate(chunks, first_seq):
            event = ChunkStored(
                tenant=self.tenant,
                meeting_id="meeting-1",
                connection_id=self.connection_id,
                seq=seq,
                object_name=self.objects.chunk(seq),
                size_bytes=len(data),
                captured_at_ms=START_MS + (seq + 1) * chunk_ms + late_ms,
                options=self.options,
            )
            self.blobs.create(event.object_name, data, chunk_metadata(event))
            events.append(event)
        return [*events, self.end(first_seq + len(chunks) - 1)] if end else events

    def end(self, last_seq: int, observations: int | None = None) -> StreamEnded:
        event = StreamEnded(
            tenant=self.tenant,
            meeting_id="meeting-1",
            connection_id=self.connection_id,
            last_seq=last_seq,
            observations=observations,
            object_name=self.objects.end,
        )
        self.blobs.create(event.object_name, event_content(event))
        return event

    def observe(
        self, from_ms: int, to_ms: int, *activities: tuple[str, int, int], clock: str = "stream"
    ) -> SpeakersObserved:
        observation_id = f"{clock}{from_ms}x{to_ms}"
        event = SpeakersObserved(
            tenant=self.tenant,
            meeting_id="meeting-1",
            connection_id=self.connection_id,
            observation_id=observation_id,
            object_name=self.objects.speakers(to_ms, observation_id),
            clock="epoch" if clock == "epoch" else "stream",
            covered_from_ms=from_ms,
            covered_to_ms=to_ms,
            activities=activities,
        )
        self.blobs.create(event.object_name, event_content(event))
        return event

    def deliver(self, events: Iterable[Event]) -> None:
        """Push events one by one; what fails with `Retryable` is pushed again, as Pub/Sub does."""
        for event in events:
            for _ in range(20):
                try:
                    self.drainer.deliver(event)
                    break
                except Retryable:
                    continue
                except TurnscribeError as error:
                    raise AssertionError("only Retryable may leave a drain") from error
            else:
                raise AssertionError("a push failed twenty times")

    def finals(self) -> dict[str, tuple[bytes, dict[str, str]]]:
        """Final segments in the bucket: name → audio and decisions.

        Without the revision (it counts provisional ones) and the event (it says too what was known after the segment's end).
        """
        return {
            name: (blob.data, {key: value for key, value in blob.metadata.items() if key not in {"revision", "event"}})
            for name, blob in self.blobs.objects.items()
            if name.startswith(self.objects.finals_prefix)
        }

    def spans(self) -> list[tuple[int, int]]:
        """`(start_ms, end_ms)` of the final segments, in order."""
        events = {each.segment_id: each for each in self.announced() if each.final}
        return sorted((each.start_ms, each.end_ms) for each in events.values())

    def announced(self) -> list[SegmentReady]:
        return [event for event in self.publisher.published if isinstance(event, SegmentReady)]

    def relabelled(self) -> list[SegmentRelabelled]:
        return [event for event in self.publisher.published if isinstance(event, SegmentRelabelled)]

    def record(self) -> StreamRecord:
        found = self.streams.get(self.tenant, self.connection_id)
        assert found is not None
        return found

    def summary(self) -> StreamSummary:
        found = self.record().summary
        assert found is not None, "the stream is not closed"
        return found
