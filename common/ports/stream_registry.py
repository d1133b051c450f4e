"""Port: which streams exist, which are open, and what became of the audio of those that are closed."""

from collections.abc import Callable, Collection
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
    generation: int = 0
    """How often the connection had been replayed when its audio was accounted for."""
    channels: int = 1
    """Over how many channels its lengths are summed."""
    epoch_offset_ms: int | None = None
    """Epoch milliseconds = stream time + this. None where an earlier release wrote the account, or nothing was decoded."""

    @property
    def length_ms(self) -> int:
        """How long the stream is: its decoded audio, gaps included."""
        return self.audio_ms // max(1, self.channels)


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
    audio_erased_at_ms: int | None = None
    """When its audio was erased and its transcript kept: nothing more is taken in."""
    emptied_at_ms: int | None = None
    """When the segmenter, asked by one of the two before, was through with its hot state and its objects."""
    summary: StreamSummary | None = None
    """None while the stream is open."""

    @property
    def without_audio(self) -> bool:
        """True when no audio of it may be kept any more."""
        return self.erased_at_ms is not None or self.audio_erased_at_ms is not None


def accounted(record: StreamRecord, summary: StreamSummary) -> StreamRecord | None:
    """`record` with its account; None where the account says nothing any more: of a stream without audio, or from before a replay."""
    if record.without_audio or summary.generation < record.generation:
        return None
    return msgspec.structs.replace(record, summary=summary)


def described(record: StreamRecord, options: StreamOptions) -> StreamRecord:
    """`record` with what its first chunk says; an erased one stays without."""
    return record if record.erased_at_ms is not None else msgspec.structs.replace(record, options=options)


class StreamRegistry(Protocol):
    """Durable on return. Vendor failures surface as `Retryable`."""

    def open(self, record: StreamRecord) -> None:
        """Register a stream; one that is registered already, or was erased, stays as it is."""
        ...

    def describe(self, tenant: str, connection_id: str, options: StreamOptions) -> None:
        """Say what the first chunk says of the stream, where it was registered by something that came before any chunk.

        Raises `Retryable` where it is not registered.
        """
        ...

    def close(self, tenant: str, connection_id: str, summary: StreamSummary) -> None:
        """Store the account; a later account of the same stream (late chunks) replaces it. Nothing where `accounted` has None."""
        ...

    def change(
        self, tenant: str, connection_id: str, change: Callable[[StreamRecord], StreamRecord]
    ) -> StreamRecord | None:
        """Replace a record by what `change` makes of it; atomic: `change` is asked again where another writer was faster.

        Returns the record as it is now; None when there is none. `change` leaves tenant and connection as they are. A stream whose
        account is taken back is open again; one with a new account is due anew; one without audio is settled. Of an erased stream
        only `get` and `change` know.
        """
        ...

    def forget(self, tenant: str, connection_id: str) -> None:
        """Remove an erased stream's record, the last that is left of it. Nothing where it is not erased."""
        ...

    def get(self, tenant: str, connection_id: str) -> StreamRecord | None:
        """One stream, or None."""
        ...

    def of_meeting(self, tenant: str, meeting_id: str) -> list[StreamRecord]:
        """All streams of a meeting, in the order in which they were opened. Without those that were erased."""
        ...

    def of_meetings(self, tenant: str, meeting_ids: Collection[str]) -> list[StreamRecord]:
        """All streams of some meetings, in no order. Without those that were erased. Costs a call for every 30 meetings or so."""
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
