"""Who was in the meeting at a time: the users whose connections were there. Pure; times are epoch milliseconds."""

from collections.abc import Iterable, Sequence

import msgspec

from common.ports.stream_registry import StreamRecord
from common.ports.transcript_store import SegmentTranscript


class Connected(msgspec.Struct, frozen=True):
    """One user's connection, from its first sample to its last one; `end_ms` is None while it is open."""

    user: str
    start_ms: int
    end_ms: int | None


def connections(streams: Iterable[StreamRecord], segments: Iterable[SegmentTranscript]) -> tuple[Connected, ...]:
    """The connections of which it is known whose they are: by the token that it came with, else by the name of who is heard."""
    offsets_ms: dict[str, int] = {}
    for segment in segments:
        known_ms = offsets_ms.get(segment.connection_id, segment.epoch_offset_ms)
        offsets_ms[segment.connection_id] = min(known_ms, segment.epoch_offset_ms)
    return tuple(
        _connected(user, stream, offsets_ms.get(stream.connection_id))
        for stream in streams
        if stream.erased_at_ms is None and (user := stream.options.user_id or stream.options.participant)
    )


def present(connected: Sequence[Connected], start_ms: int, end_ms: int) -> tuple[str, ...]:
    """The users who were connected at any moment from `start_ms` to `end_ms`, in order of name."""
    there = {
        each.user for each in connected if each.start_ms <= end_ms and (each.end_ms is None or start_ms <= each.end_ms)
    }
    return tuple(sorted(there))


def _connected(user: str, stream: StreamRecord, segments_offset_ms: int | None) -> Connected:
    summary = stream.summary
    start_ms = summary.epoch_offset_ms if summary else None
    if start_ms is None:
        start_ms = stream.opened_at_ms if segments_offset_ms is None else segments_offset_ms
    return Connected(user, start_ms, start_ms + summary.length_ms if summary else None)
