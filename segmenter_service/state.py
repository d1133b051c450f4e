"""The hot state of one connection: everything that the next chunk needs, and no audio. Plain data with its encoding.

Its size does not grow with the meeting. It can be rebuilt from the bucket at any moment (`segmenter_service.recovery`).
"""

from bisect import bisect_right
from itertools import takewhile
from typing import Final

import msgspec

from common.events import StreamOptions
from common.ports.stream_registry import Gap
from segmenter_service.announced import AnnouncedFinal
from segmenter_service.lane import Lane
from segmenter_service.speaker_delay import SpeakerDelay
from segmenter_service.timeline import SpeakerTimeline
from segmenter_service.voice_activity import FRAME_SAMPLES

STATE_VERSION: Final = 1
OFFSET_CHUNKS: Final = 5
"""The clock offset is the smallest that the first chunks show: `captured_at` can be late but never early."""
SAMPLES_PER_MS: Final = 16


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """A reader's state before chunk `seq`: decoding from here gives the audio from `from_sample` on."""

    seq: int
    from_sample: int
    reader: bytes | None
    """None: too large for the hot state, and in the bucket."""


class Arrival(msgspec.Struct, frozen=True, array_like=True):
    """When the audio up to `end_ms` (stream time) was decoded, in epoch milliseconds."""

    end_ms: int
    at_ms: int
    accepted_ms: int | None = None
    """When ingest announced the chunk that it came with, where that is known."""


class DurableFinal(msgspec.Struct, frozen=True, array_like=True):
    """A final segment that lies in the bucket already, found by recovery: its end is decided."""

    channel: int
    start_frame: int
    end_frame: int


class MissedChunks(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A gap, the reader before it (so that late chunks can still be read), and what late chunks have filled since."""

    from_seq: int
    to_seq: int
    from_sample: int
    to_sample: int | None = None
    """Known when the first block after the gap is decoded."""
    late: list[int] = msgspec.field(default_factory=list)
    """Chunks that came after all."""
    late_done: int = 0
    """How many of them have been cut."""
    filled: list[DurableFinal] = msgspec.field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether every chunk of it came after all."""
        return len(self.late) > self.to_seq - self.from_seq

    def described(self) -> Gap:
        """The gap as the transcript names it."""
        to_sample = self.from_sample if self.to_sample is None else self.to_sample
        return Gap(self.from_seq, self.to_seq, self.from_sample // SAMPLES_PER_MS, to_sample // SAMPLES_PER_MS)

    def __contains__(self, seq: int) -> bool:
        return self.from_seq <= seq <= self.to_seq


class ConnectionState(msgspec.Struct, kw_only=True):
    """One connection, as far as it has been drained."""

    version: int = STATE_VERSION
    meeting_id: str
    opened_at_ms: int
    generation: int = 0
    """How often the connection had been replayed from its chunks when this began."""
    options: StreamOptions = StreamOptions()
    """As the first chunk said."""

    next_seq: int = 0
    """The chunk that is drained next; everything before it is drained, a gap or in quarantine."""
    chunks: int = 0
    quarantined: int = 0
    reader: bytes = b""
    """Empty before the first chunk."""
    anchor: Anchor | None = None
    """At or before the earliest uncut sample. None: chunk 0."""
    next_anchor: Anchor | None = None
    """Takes over when every lane has cut past it."""
    decoded_samples: int = 0

    lanes: list[Lane] = msgspec.field(default_factory=list)
    timeline: SpeakerTimeline = msgspec.field(default_factory=SpeakerTimeline)
    delay: SpeakerDelay = msgspec.field(default_factory=SpeakerDelay)
    """Of the indications, as far as it is estimated."""
    announced: list[AnnouncedFinal] = msgspec.field(default_factory=list)
    """The final segments of the last SPEAKER_RELABEL_SEC, whose speakers may still change."""
    speakers_seen: bool = False
    """At least one observation has come."""
    speakers_assumed_until_ms: int = 0
    """Up to here no more speaker information is waited for."""
    epoch_offset_ms: int | None = None
    """Epoch milliseconds = stream time + this."""
    offset_chunks: int = 0
    """How many chunks the offset rests on."""
    last_captured_at_ms: int = 0
    arrivals: list[Arrival] = msgspec.field(default_factory=list)
    """Of the uncut span."""
    last_arrival_ms: int = 0

    last_seq: int | None = None
    """From the uploader's end of stream; -1 when it sent no chunk."""
    observations_sent: int | None = None
    ended_at_ms: int | None = None
    """When the end was seen with every chunk before it drained."""
    closed: bool = False
    """Everything is cut. Another chunk opens the stream again."""
    account_due: bool = False
    """It is closed, and its account is still to be stored in the registry."""

    missing_since_ms: int | None = None
    """When a chunk after `next_seq` was first seen without it."""
    gaps: list[MissedChunks] = msgspec.field(default_factory=list)
    """In order of their chunks."""
    durable_gaps: list[tuple[int, int]] = msgspec.field(default_factory=list)
    """`(from_seq, to_seq)` found by recovery, ahead of `next_seq`."""
    durable_finals: list[DurableFinal] = msgspec.field(default_factory=list)
    checkpoint_sample: int = 0
    """`decoded_samples` of the last checkpoint."""

    @property
    def uncut_from_sample(self) -> int:
        """The earliest sample that a lane still needs."""
        return min((lane.start_frame * FRAME_SAMPLES for lane in self.lanes), default=self.decoded_samples)

    def gap_with(self, seq: int) -> MissedChunks | None:
        """The gap that chunk `seq` was given up in, or None."""
        before = bisect_right(self.gaps, seq, key=lambda gap: gap.from_seq)
        gap = self.gaps[before - 1] if before else None
        return gap if gap is not None and seq in gap else None

    @property
    def last_gaps(self) -> list[MissedChunks]:
        """Those after which no block has been decoded yet, the earliest first."""
        return list(takewhile(lambda gap: gap.to_sample is None, reversed(self.gaps)))[::-1]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ConnectionState)


def encode_state(state: ConnectionState) -> bytes:
    """MessagePack."""
    return _encoder.encode(state)


def decode_state(data: bytes) -> ConnectionState | None:
    """The state, or None when it was written by another version: recovery makes a new one."""
    try:
        state = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return state if state.version == STATE_VERSION else None
