"""Port: transcripts of segments, by meeting; the newest revision of each segment wins."""

from enum import Enum
from typing import Protocol

import msgspec


class Word(msgspec.Struct, frozen=True):
    """One recognised word, in stream time. `speaker` is None where nobody is known to have spoken: blank beats a guess."""

    text: str
    start_ms: int
    end_ms: int
    probability: float
    speaker: str | None = None


class SegmentTranscript(msgspec.Struct, frozen=True, kw_only=True):
    """What Whisper heard in one revision of a segment. Without words where it heard nothing."""

    tenant: str
    meeting_id: str
    connection_id: str
    segment_id: str
    channel: int
    revision: int
    final: bool
    start_ms: int
    end_ms: int
    epoch_offset_ms: int
    """Epoch milliseconds = stream time + this."""
    language: str
    words: tuple[Word, ...]
    refused: str = ""
    """Why Whisper will never answer for this audio; the segment then has no words, and is settled all the same."""


class Stored(Enum):
    """How a write ended."""

    STORED = "stored"
    SUPERSEDED = "superseded"
    """A revision at least as new was there already; nothing changed."""


def supersedes(new: SegmentTranscript, old: SegmentTranscript) -> bool:
    """True when `new` may replace `old`: a final beats every provisional; otherwise the higher revision wins."""
    return (new.final, new.revision) > (old.final, old.revision)


class TranscriptStore(Protocol):
    """Durable on return. Vendor failures surface as `Retryable`."""

    def put(self, segment: SegmentTranscript) -> Stored:
        """Store a revision unless `supersedes` says that what is there stays. Atomic."""
        ...

    def revision_of(self, tenant: str, meeting_id: str, segment_id: str) -> tuple[bool, int] | None:
        """`(final, revision)` of what is stored, or None. Cheap: asked before every call to Whisper."""
        ...

    def segments(self, tenant: str, meeting_id: str) -> list[SegmentTranscript]:
        """The newest revision of every segment of a meeting, in order of time (epoch), then segment id."""
        ...

    def delete_segment(self, tenant: str, meeting_id: str, segment_id: str) -> None:
        """Remove a segment; removing what is not there is no error."""
        ...

    def check(self) -> None:
        """Raise `Retryable` when the store can't be reached (readiness)."""
        ...
