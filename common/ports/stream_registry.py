"""Port: which streams exist, which are open, and what became of the audio of those that are closed."""

from typing import Protocol

import msgspec

from common.events import StreamOptions


class Gap(msgspec.Struct, frozen=True):
    """Chunks that did not come before the gap deadline, and the stream time that they would have covered."""

    from_seq: int
    to_seq: int
    """Inclusive."""
    start_ms: int
    end_ms: int


class StreamSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The account of a closed stream: `audio_ms = segment_ms + silence_skipped_ms`, on every channel alone."""

    closed_at_ms: int
    chunks: int
    audio_ms: int
    """Decoded audio, summed over the channels."""
    segments: int
    """Final segments, late ones included: the transcript is complete when so many are stored."""
    segment_ms: int
    silence_skipped_ms: int
    gaps: tuple[Gap, ...] = ()
    quarantined: int = 0
    """Chunks that could not be read; they lie in quarantine with the reason."""


class StreamRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One connection of a meeting."""

    tenant: str
    meeting_id: str
    connection_id: str
    opened_at_ms: int
    options: StreamOptions = StreamOptions()
    generation: int = 0
    """How often it has been replayed from its chunks."""
    erased_at_ms: int | None = None
    """When somebody had it erased: nothing of it may be stored any more, however late it comes."""
    summary: StreamSummary | None = None
    """None while the stream is open."""


class StreamRegistry(Protocol):
    """Durable on return. Vendor failures surface as `Retryable`."""

    def open(self, record: StreamRecord) -> None:
        """Register a stream; one that is registered already stays as it is."""
        ...

    def close(self, tenant: str, connection_id: str, summary: StreamSummary) -> None:
        """Store the account; a later account of the same stream (late chunks) replaces it."""
        ...

    def get(self, tenant: str, connection_id: str) -> StreamRecord | None:
        """One stream, or None."""
        ...

    def of_meeting(self, tenant: str, meeting_id: str) -> list[StreamRecord]:
        """All streams of a meeting, in the order in which they were opened."""
        ...

    def open_streams(self, *, limit: int, start_after: str = "") -> list[StreamRecord]:
        """Streams without an account, of all tenants, by `{tenant}/{connection_id}` from after `start_after`."""
        ...

    def unsettled(self, *, due_ms: int, limit: int) -> list[StreamRecord]:
        """Closed streams of all tenants that nobody has found to have all their transcripts, the one due longest first.

        A stream is due at the `closed_at_ms` of its account (each later account makes it due anew), or when `look_again` said.
        Those due after `due_ms` are left out.
        """
        ...

    def look_again(self, record: StreamRecord, at_ms: int | None) -> None:
        """The stream of `record` is due at `at_ms` (epoch milliseconds); None: it is settled, and never due again.

        Changes nothing where the stream has another account by now than `record` has, or is gone.
        """
        ...

    def check(self) -> None:
        """Raise `Retryable` when the registry can't be reached (readiness)."""
        ...
