"""Of a connection that is being replayed, what was transcribed before is shown until there is something newer of the same time. Pure."""

from collections.abc import Sequence

from common.ports.transcript_store import SegmentTranscript


def without_replaced(segments: Sequence[SegmentTranscript]) -> list[SegmentTranscript]:
    """`segments` without those that a final segment of a later generation of the same channel overlaps. Costs nothing without replays."""
    newest = max((segment.generation for segment in segments), default=0)
    if not newest or all(segment.generation == newest for segment in segments):
        return list(segments)
    newer = [segment for segment in segments if segment.final and segment.generation]
    return [segment for segment in segments if not any(_replaces(each, segment) for each in newer)]


def _replaces(new: SegmentTranscript, old: SegmentTranscript) -> bool:
    return (
        new.generation > old.generation
        and (new.connection_id, new.channel) == (old.connection_id, old.channel)
        and new.start_ms < old.end_ms
        and old.start_ms < new.end_ms
    )
