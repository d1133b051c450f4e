"""What every transcript store promises to whoever follows a meeting."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import msgspec
import pytest

from common.adapters.google.firestore_transcripts import FirestoreTranscriptStore
from common.ports.transcript_store import POSITION_DIGITS, SegmentTranscript, TranscriptStore, supersedes
from tests.contracts.firestore_witness import Witness
from tests.contracts.test_transcript_store_contract import transcript

WRITERS = 4
SEGMENTS = 12
REVISIONS = 3
MEETINGS = 5
"""As often may an emulator give wrong answers."""
Segments = dict[str, SegmentTranscript]


def told(store: TranscriptStore, after: str) -> dict[str, int | None]:
    """Revisions by segment id, in the order in which they come; None for what was deleted."""
    changes = store.changes("default", "m1", after=after).changes
    assert len({each.segment_id for each in changes}) == len(changes)
    return {each.segment_id: each.segment.revision if each.segment else None for each in changes}


def test_changes_come_in_the_order_in_which_they_were_stored(transcripts: TranscriptStore) -> None:
    for start_ms in (2000, 0, 1000):
        transcripts.put(transcript(start_ms=start_ms))
    assert list(told(transcripts, "")) == ["c1:0:2000", "c1:0:0", "c1:0:1000"]
    first, *later = transcripts.changes("default", "m1", after="").changes
    assert first.segment == transcript(start_ms=2000)
    assert list(told(transcripts, first.position)) == [each.segment_id for each in later]
    positions = [first.position, *(each.position for each in later)]
    assert positions == sorted(set(positions))
    assert {len(position) for position in positions} == {POSITION_DIGITS}


def test_after_the_cursor_comes_what_is_new(transcripts: TranscriptStore) -> None:
    assert transcripts.changes("default", "m1", after="").changes == ()
    transcripts.put(transcript())
    transcripts.put(transcript(start_ms=1000))
    cursor = transcripts.changes("default", "m1", after="").cursor
    assert told(transcripts, cursor) == {}
    transcripts.put(transcript(revision=1))
    assert told(transcripts, cursor) == {"c1:0:0": 1}
    assert told(transcripts, "") == {"c1:0:1000": 0, "c1:0:0": 1}
    later = transcripts.changes("default", "m1", after=cursor)
    assert later.cursor >= later.changes[-1].position > cursor
    assert told(transcripts, later.cursor) == {}


def test_what_was_not_stored_is_no_change(transcripts: TranscriptStore) -> None:
    transcripts.put(transcript(revision=1))
    cursor = transcripts.changes("default", "m1", after="").cursor
    transcripts.put(transcript(revision=0))
    transcripts.delete_segment("default", "m1", "c1:0:7000")
    assert told(transcripts, cursor) == {}


def test_a_deleted_segment_is_told_of_until_it_is_stored_anew(transcripts: TranscriptStore) -> None:
    transcripts.put(transcript())
    cursor = transcripts.changes("default", "m1", after="").cursor
    transcripts.delete_segment("default", "m1", "c1:0:0")
    assert told(transcripts, cursor) == told(transcripts, "") == {"c1:0:0": None}
    assert transcripts.segments("default", "m1") == []
    assert transcripts.get("default", "m1", "c1:0:0") is None
    assert transcripts.stored_rank("default", "m1", "c1:0:0") is None
    transcripts.put(transcript(revision=2))
    assert told(transcripts, cursor) == {"c1:0:0": 2}


def test_of_a_deleted_meeting_nothing_is_told_and_what_comes_after_is_later(transcripts: TranscriptStore) -> None:
    transcripts.put(transcript())
    transcripts.put(transcript(start_ms=1000))
    transcripts.delete_segment("default", "m1", "c1:0:0")
    cursor = transcripts.changes("default", "m1", after="").cursor
    transcripts.delete_meeting("default", "m1")
    assert told(transcripts, "") == {}
    transcripts.put(transcript(start_ms=3000))
    assert told(transcripts, cursor) == {"c1:0:3000": 0}


def test_meetings_and_tenants_are_followed_apart(transcripts: TranscriptStore) -> None:
    transcripts.put(transcript(meeting_id="m1~2"))
    transcripts.put(transcript(tenant="other"))
    transcripts.put(transcript(start_ms=5000))
    assert list(told(transcripts, "")) == ["c1:0:5000"]


def test_whoever_follows_many_writers_ends_with_every_segments_newest_version(transcripts: TranscriptStore) -> None:
    for meeting in range(MEETINGS):
        witness = Witness(transcripts._client) if isinstance(transcripts, FirestoreTranscriptStore) else None
        expected, seen = followed(transcripts, f"m{meeting}")
        assert {each.revision for each in expected.values()} == {REVISIONS - 1}
        if seen == [expected, expected]:
            return
        assert witness is not None
        assert witness.lied_to(), "every answer was right, and yet a reader has missed something"
    pytest.fail(f"Firestore's answers were wrong in each of {MEETINGS} meetings")


def followed(transcripts: TranscriptStore, meeting_id: str) -> tuple[Segments, list[Segments]]:
    """What is stored in the end of a meeting with many writers, and what two readers have seen who followed it."""
    versions = [
        transcript(meeting_id=meeting_id, connection_id=f"c{writer}", start_ms=number * 1000, revision=revision)
        for revision in range(REVISIONS)
        for number in range(SEGMENTS)
        for writer in range(WRITERS)
    ]
    over = Event()

    def follow() -> Segments:
        seen: Segments = {}
        cursor, is_last = "", False
        while not is_last:
            is_last = over.is_set()
            found = transcripts.changes("default", meeting_id, after=cursor)
            assert found.cursor >= cursor
            assert all(each.position > cursor for each in found.changes)
            cursor = found.cursor
            for each in found.changes:
                assert each.segment is not None
                assert each.segment_id not in seen or not supersedes(seen[each.segment_id], each.segment)
                seen[each.segment_id] = each.segment
        return seen

    with ThreadPoolExecutor(WRITERS + 2) as threads:
        readers = [threads.submit(follow) for _ in range(2)]
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(transcripts.put, versions))
        over.set()
        stored = {each.segment_id: each for each in transcripts.segments("default", meeting_id)}
        return stored, [reader.result() for reader in readers]


def test_segments_of_any_size_are_followed(transcripts: TranscriptStore) -> None:
    segment = msgspec.structs.replace(transcript(), words=transcript().words * 200)
    transcripts.put(segment)
    (change,) = transcripts.changes("default", "m1", after="").changes
    assert change.segment == segment
