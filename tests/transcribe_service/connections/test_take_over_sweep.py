"""Segments that stand by are transcribed after all where the primary did not cover them, whatever dies in between."""

from itertools import pairwise

import msgspec
import pytest
from structlog.testing import capture_logs

from common.errors import Retryable
from common.ports.blob_store import BlobNotFound
from tests.transcribe_service.connections.two_connections import (
    TAKE_OVER_S,
    captured,
    closed,
    final,
    opened,
    standing_by,
    stored,
    swept,
    take_over_sweep,
    taken_over,
)
from tests.transcribe_service.fakes import DOWN, World, worker_in
from transcribe_service.connections.take_over_sweep import BUDGET_S, LONGEST_EXPECTED, SEGMENTS_A_SWEEP
from transcribe_service.reading.transcript import meeting_status


@pytest.fixture
def waiting(world: World) -> World:
    """c2's segment from 2 to 11 s stands by for c1, whose audio came until 9 s."""
    opened(world, "c1")
    opened(world, "c2")
    captured(world, "c1", 0, 9_000)
    worker_in(world).handle(final(world, "c2", 2_000, 11_000))
    assert len(standing_by(world)) == 1
    return world


def only(world: World) -> int:
    (event,) = taken_over(world)
    assert event.take_over
    return event.start_ms


def test_a_primary_that_stalled_is_taken_over_from(waiting: World) -> None:
    assert swept(waiting, after_s=TAKE_OVER_S - 1).segments == 0
    found = swept(waiting, after_s=1)
    assert (found.segments, found.taken_over, found.settled, found.failed) == (1, 1, 0, 0)
    assert only(waiting) == 2_000
    worker_in(waiting).handle(taken_over(waiting)[0])
    assert [each.standby for each in waiting.transcripts.stored.values()] == [False]
    assert swept(waiting, after_s=301).settled == 1
    assert standing_by(waiting) == []


@pytest.mark.parametrize("ends", [9_000, 10_999])
def test_a_primary_that_ended_early_is_taken_over_from(waiting: World, ends: int) -> None:
    closed(waiting, "c1", 0, ends)
    assert swept(waiting).taken_over == 1
    assert only(waiting) == 2_000


def test_what_the_primary_covered_after_all_stays_as_it_is(waiting: World) -> None:
    final(waiting, "c1", 0, 12_000)
    found = swept(waiting)
    assert (found.settled, found.taken_over) == (1, 0)
    assert (standing_by(waiting), taken_over(waiting)) == ([], [])


def test_an_account_covers_silence_too(waiting: World) -> None:
    closed(waiting, "c1", 0, 30_000)
    assert swept(waiting).settled == 1


def test_a_gap_of_the_primary_is_taken_over(waiting: World) -> None:
    captured(waiting, "c1", 7, 60_000)
    final(waiting, "c1", 0, 4_000)
    final(waiting, "c1", 40_000, 45_000, whole_from=38_000)
    assert swept(waiting).taken_over == 1


def test_a_primary_that_is_heard_of_is_waited_for_and_not_for_ever(waiting: World) -> None:
    captured(waiting, "c1", 1, 60_000)
    for _ in range(LONGEST_EXPECTED - 1):
        found = swept(waiting)
        assert (found.segments, found.taken_over, found.settled) == (1, 0, 0)
        assert len(standing_by(waiting)) == 1
    assert swept(waiting).taken_over == 1


def test_both_ended_and_all_the_second_heard_alone_is_transcribed(world: World) -> None:
    opened(world, "c1")
    opened(world, "c2")
    captured(world, "c1", 0, 12_000)
    worker = worker_in(world)
    final(world, "c1", 0, 10_000)
    segments = [final(world, "c2", start, start + 5_000) for start in range(0, 25_000, 5_000)]
    for event in segments:
        worker.handle(event)
    closed(world, "c1", 0, 12_000)
    closed(world, "c2", 0, 25_000)
    swept(world)
    for event in taken_over(world):
        worker_in(world).handle(event)
    with_words = [event.start_ms for event in segments if (found := stored(world, event)) and not found.standby]
    assert with_words == [10_000, 15_000, 20_000]


def test_it_is_not_complete_before_the_words_are_there(waiting: World) -> None:
    closed(waiting, "c1", 0, 9_000)
    closed(waiting, "c2", 0, 11_000)

    def complete() -> bool:
        records = waiting.streams.of_meeting("default", "m1")
        return meeting_status("m1", records, waiting.transcripts.segments("default", "m1")).complete

    assert not complete()
    swept(waiting)
    assert not complete()
    worker_in(waiting).handle(taken_over(waiting)[0])
    assert complete()


def test_it_is_published_again_in_growing_pauses_until_whisper_has_answered(waiting: World) -> None:
    published_at_s = [60 * minute for minute in range(1, 120) if swept(waiting, after_s=60).taken_over]
    pauses = [later - earlier for earlier, later in pairwise(published_at_s)]
    assert published_at_s[0] == 60
    assert pauses == sorted(pauses)
    assert len(published_at_s) <= 7
    worker_in(waiting).handle(taken_over(waiting)[-1])
    assert swept(waiting, after_s=12 * 3600).settled == 1


@pytest.mark.parametrize("point", range(3))
def test_a_sweep_that_dies_at_any_point_loses_nothing(
    waiting: World, point: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before publishing, after it, and between putting off and forgetting the earlier note."""
    match point:
        case 0:
            waiting.publisher.faults.before.append(DOWN)
        case 1:
            waiting.publisher.faults.after.append(DOWN)
        case _:
            delete = waiting.blobs.delete
            failing = [DOWN]
            monkeypatch.setattr(
                waiting.blobs, "delete", lambda name: _raise(failing.pop()) if failing else delete(name)
            )
    assert swept(waiting).failed == 1
    assert standing_by(waiting) != []
    swept(waiting)
    assert {event.start_ms for event in taken_over(waiting)} == {2_000}
    worker_in(waiting).handle(taken_over(waiting)[0])
    swept(waiting, after_s=3_600)
    assert standing_by(waiting) == []


def _raise(error: Retryable) -> None:
    raise error


def test_a_place_that_was_noted_and_not_stored_is_transcribed(waiting: World) -> None:
    """The worker died after the note, and its event is lost for good."""
    waiting.transcripts.stored.clear()
    assert swept(waiting).taken_over == 1


def test_what_was_erased_is_forgotten(waiting: World) -> None:
    for name in [name for name in waiting.blobs.objects if "/final/" in name]:
        waiting.blobs.delete(name)
    assert swept(waiting).settled == 1
    with pytest.raises(BlobNotFound):
        waiting.blobs.info("anything")
    assert (standing_by(waiting), taken_over(waiting)) == ([], [])


def test_another_transcription_of_the_meeting_is_asked_for_as_it_was(world: World) -> None:
    opened(world, "c1")
    opened(world, "c2")
    captured(world, "c1", 0, 9_000)
    event = msgspec.structs.replace(final(world, "c2", 2_000, 11_000), take="t2", model="large-v3")
    worker_in(world).handle(event)
    swept(world)
    (again,) = taken_over(world)
    assert again == msgspec.structs.replace(event, take_over=True)
    worker_in(world).handle(again)
    assert world.transcripts.get("default", "m1~t2", event.segment_id) is not None
    assert swept(world, after_s=301).settled == 1


def test_a_note_that_is_damaged_is_named_and_goes(waiting: World) -> None:
    (name,) = standing_by(waiting)
    waiting.blobs.objects[name].metadata.pop("connection_id")
    with capture_logs() as logged:
        swept(waiting)
    assert [line["event"] for line in logged] == ["standby_unreadable"]
    assert standing_by(waiting) == []


def test_one_failure_keeps_no_other_waiting(world: World) -> None:
    opened(world, "c1")
    opened(world, "c2")
    captured(world, "c1", 0, 9_000)
    for start in (0, 5_000):
        worker_in(world).handle(final(world, "c2", start, start + 5_000))
    closed(world, "c1", 0, 1_000)
    world.publisher.faults.before.append(DOWN)
    found = swept(world)
    assert (found.segments, found.failed, found.taken_over) == (2, 1, 1)


def test_a_sweep_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(world, "c1")
    opened(world, "c2")
    captured(world, "c1", 0, 9_000)
    worker = worker_in(world)
    for number in range(SEGMENTS_A_SWEEP + 1):
        worker.handle(final(world, "c2", number * 10, number * 10 + 10))
    closed(world, "c1", 0, 60_000)
    assert swept(world).settled == SEGMENTS_A_SWEEP
    assert swept(world).settled == 1
    for number in range(9):
        event = final(world, "c2", 70_000 + number, 80_000)
        worker.standby.note(event)
    get = world.transcripts.get

    def slowly(tenant: str, meeting_id: str, segment_id: str) -> object:
        world.clock.advance(BUDGET_S / 4)
        return get(tenant, meeting_id, segment_id)

    monkeypatch.setattr(world.transcripts, "get", slowly)
    world.clock.advance(TAKE_OVER_S)
    assert [take_over_sweep(world).run().segments for _ in range(3)] == [4, 4, 1]
