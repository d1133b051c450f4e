"""Segments on the clock that the account of their stream has."""

from collections.abc import Sequence

import msgspec

from common.ports.stream_registry import StreamRecord
from common.ports.transcript_store import SegmentTranscript
from tests.transcribe_service.spoken import EPOCH_MS, segment, stream
from transcribe_service.reading.stored_meeting import by_account

EARLY = segment(("cut", 0, 300, "Ada"), offset_ms=EPOCH_MS + 24)
"""It was cut before the clock of its stream was found."""
LATER = segment(("later", 10_000, 10_300, "Ada"), start_ms=10_000, end_ms=20_000)
OTHER = segment(("other", 0, 300, "Ben"), connection="c2", offset_ms=EPOCH_MS + 10)


def closed(connection: str, epoch_offset_ms: int | None) -> StreamRecord:
    record = stream(connection, segments=1)
    assert record.summary is not None
    summary = msgspec.structs.replace(record.summary, epoch_offset_ms=epoch_offset_ms)
    return msgspec.structs.replace(record, summary=summary)


def places(segments: Sequence[SegmentTranscript]) -> list[tuple[str, int]]:
    return [(each.segment_id, each.epoch_offset_ms - EPOCH_MS) for each in segments]


def test_all_segments_of_a_closed_stream_are_on_the_clock_of_its_account() -> None:
    found = by_account([closed("c1", EPOCH_MS), closed("c2", EPOCH_MS + 10)], [OTHER, EARLY, LATER])
    assert places(found) == [("c1:0:0", 0), ("c2:0:0", 10), ("c1:0:10000", 0)]


def test_without_an_account_or_with_one_that_has_no_clock_they_are_where_they_were_cut() -> None:
    segments = [EARLY, OTHER, LATER]
    assert by_account([stream("c1"), closed("c2", None)], segments) is segments
