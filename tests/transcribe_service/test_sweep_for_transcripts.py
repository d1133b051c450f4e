"""Segments that have no transcript are published again, as they were, and not more often than Whisper can bear."""

import msgspec
import pytest
from structlog.testing import capture_logs

from common.errors import Retryable
from common.events import SegmentReady, SegmentRelabelled, Turn
from common.object_names import ConnectionObjects
from common.ports.stream_registry import StreamRecord, StreamSummary
from common.stored_relabellings import store_relabelling
from common.stored_segments import store_event
from tests.transcribe_service.fakes import DOWN, PUSH_TOKEN, World, segment_ready, settings, worker_in
from transcribe_service.app import create_app
from transcribe_service.recognition.relabelling import Relabeller
from transcribe_service.sweep import BUDGET_S, LONGEST_PAUSE_MS, STREAMS_A_SWEEP, Sweep

AFTER_S = 300.0
assert settings().republish_after_sec == AFTER_S


def sweep_in(world: World) -> Sweep:
    return Sweep(
        settings(), world.blobs, world.publisher, world.transcripts, world.streams, world.clock, world.meetings
    )


def cut(world: World, number: int, *, connection: str = "c1", speaker: str = "Ада") -> SegmentReady:
    """A final segment as the segmenter leaves it in the bucket; its event reaches nobody."""
    start_ms = number * 9_600
    objects = ConnectionObjects("default", connection)
    event = msgspec.structs.replace(
        segment_ready(start_ms=start_ms, end_ms=start_ms + 9_600, turns=(Turn(speaker, 0, 20_000),)),
        connection_id=connection,
        segment_id=f"{connection}:0:{start_ms}",
        object_name=objects.final_segment(0, start_ms),
    )
    metadata = {"end-frame": "1", "revision": "3", **store_event(world.blobs, objects, event)}
    world.blobs.create(event.object_name, b"fLaC", metadata)
    return event


def closed(world: World, segments: int, *, connection: str = "c1") -> StreamRecord:
    world.streams.open(
        StreamRecord(tenant="default", meeting_id="m1", connection_id=connection, opened_at_ms=world.clock.now_ms())
    )
    summary = StreamSummary(
        closed_at_ms=world.clock.now_ms(),
        chunks=1,
        audio_ms=segments * 9_600,
        segments=segments,
        segment_ms=segments * 9_600,
        silence_skipped_ms=0,
    )
    world.streams.close("default", connection, summary)
    found = world.streams.get("default", connection)
    assert found is not None
    return found


def republished(world: World) -> list[SegmentReady]:
    return [event for event in world.publisher.published if isinstance(event, SegmentReady)]


def test_what_has_no_transcript_is_published_again_as_it_was(world: World) -> None:
    events = [cut(world, number) for number in range(3)]
    closed(world, 3)
    worker_in(world).handle(events[1])
    world.clock.advance(AFTER_S)
    swept = sweep_in(world).run()
    assert (swept.streams, swept.settled, swept.republished, swept.failed) == (1, 0, 2, 0)
    assert republished(world) == [events[0], events[2]]
    assert [msgspec.json.encode(each) for each in republished(world)] == [
        msgspec.json.encode(each) for each in (events[0], events[2])
    ]


def test_a_long_event_is_published_again_as_it_was(world: World) -> None:
    event = cut(world, 0, speaker="Ада" * 2_000)
    closed(world, 1)
    world.clock.advance(AFTER_S)
    sweep_in(world).run()
    assert republished(world) == [event]


def test_nothing_is_published_again_before_its_time(world: World) -> None:
    cut(world, 0)
    closed(world, 1)
    world.clock.advance(AFTER_S - 1)
    assert sweep_in(world).run().streams == 0


def test_a_stream_with_all_its_transcripts_is_looked_at_once(world: World) -> None:
    events = [cut(world, number) for number in range(2)]
    closed(world, 2)
    for event in events:
        worker_in(world).handle(event)
    world.clock.advance(AFTER_S)
    assert sweep_in(world).run().settled == 1
    world.clock.advance(10 * AFTER_S)
    assert sweep_in(world).run().streams == 0
    assert republished(world) == []


def test_a_stream_of_silence_is_settled(world: World) -> None:
    closed(world, 0)
    world.clock.advance(AFTER_S)
    assert sweep_in(world).run().settled == 1


def test_a_provisional_transcript_is_none(world: World) -> None:
    event = cut(world, 0)
    closed(world, 1)
    live = msgspec.structs.replace(event, final=False, revision=1)
    worker_in(world).handle(live)
    world.clock.advance(AFTER_S)
    sweep_in(world).run()
    assert republished(world) == [event]


def test_it_is_republished_once_a_pause_and_the_pauses_grow(world: World) -> None:
    cut(world, 0)
    closed(world, 1)
    ages_s = []
    for minute in range(1, 200):
        world.clock.advance(60)
        if sweep_in(world).run().republished:
            ages_s.append(minute * 60)
    assert ages_s == [AFTER_S * 2**k for k in range(len(ages_s))]
    assert len(ages_s) == 6


def test_pauses_end_growing(world: World) -> None:
    cut(world, 0)
    closed(world, 1)
    world.clock.advance(7 * 86_400)
    assert sweep_in(world).run().republished == 1
    world.clock.advance(LONGEST_PAUSE_MS / 1000 - 1)
    assert sweep_in(world).run().republished == 0
    world.clock.advance(1)
    assert sweep_in(world).run().republished == 1


def test_it_ends_once_whisper_has_answered(world: World) -> None:
    cut(world, 0)
    closed(world, 1)
    world.clock.advance(AFTER_S)
    sweep_in(world).run()
    worker_in(world).handle(republished(world)[0])
    world.clock.advance(AFTER_S)
    assert sweep_in(world).run().settled == 1


def test_a_later_account_is_looked_at_anew(world: World) -> None:
    worker_in(world).handle(cut(world, 0))
    closed(world, 1)
    world.clock.advance(AFTER_S)
    assert sweep_in(world).run().settled == 1
    late = cut(world, 1)
    closed(world, 2)
    assert sweep_in(world).run().streams == 0
    world.clock.advance(AFTER_S)
    sweep_in(world).run()
    assert republished(world) == [late]


def test_an_account_that_says_more_than_there_is_is_an_error_and_not_settled(world: World) -> None:
    worker_in(world).handle(cut(world, 0))
    closed(world, 2)
    world.clock.advance(AFTER_S)
    with capture_logs() as logged:
        assert sweep_in(world).run().settled == 0
    (line,) = [line for line in logged if line["event"] == "segments_lost"]
    assert (line["log_level"], line["expected"], line["found"]) == ("error", 2, 1)
    world.clock.advance(AFTER_S)
    assert sweep_in(world).run().streams == 1


def test_transcripts_outlive_the_audio(world: World) -> None:
    event = cut(world, 0)
    closed(world, 1)
    worker_in(world).handle(event)
    world.blobs.delete(event.object_name)  # by its age
    world.clock.advance(AFTER_S)
    assert sweep_in(world).run().settled == 1


def test_a_segment_of_an_earlier_release_is_named_and_waited_for(world: World) -> None:
    name = ConnectionObjects("default", "c1").final_segment(0, 0)
    world.blobs.create(name, b"fLaC", {"end-frame": "1", "revision": "3", "meeting-id": "m1"})
    closed(world, 1)
    world.clock.advance(AFTER_S)
    with capture_logs() as logged:
        swept = sweep_in(world).run()
    assert (swept.settled, swept.republished) == (0, 0)
    assert "segment_without_event" in [line["event"] for line in logged]


def test_other_connections_of_the_meeting_do_not_count(world: World) -> None:
    worker_in(world).handle(cut(world, 0, connection="c2"))
    mine = cut(world, 0)
    closed(world, 1)
    world.clock.advance(AFTER_S)
    sweep_in(world).run()
    assert republished(world) == [mine]


def test_a_queue_that_is_down_delays_and_keeps_no_other_waiting(world: World) -> None:
    first, second = cut(world, 0), cut(world, 0, connection="c2")
    closed(world, 1)
    closed(world, 1, connection="c2")
    world.clock.advance(AFTER_S)
    world.publisher.faults.before.append(DOWN)
    swept = sweep_in(world).run()
    assert (swept.failed, swept.republished) == (1, 1)
    assert republished(world) == [second]
    world.clock.advance(AFTER_S)
    sweep_in(world).run()
    assert first in republished(world)


def test_a_sweep_ends_in_time_and_the_next_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        worker_in(world).handle(cut(world, 0, connection=f"c{number}"))
        closed(world, 1, connection=f"c{number}")
    world.clock.advance(AFTER_S)
    segments = world.transcripts.segments

    def slowly(tenant: str, meeting_id: str) -> list[object]:
        world.clock.advance(BUDGET_S / 4)
        return list(segments(tenant, meeting_id))

    monkeypatch.setattr(world.transcripts, "segments", slowly)
    assert [sweep_in(world).run().settled for _ in range(4)] == [4, 4, 1, 0]


def test_one_sweep_looks_at_so_many_streams(world: World) -> None:
    for number in range(STREAMS_A_SWEEP + 1):
        closed(world, 0, connection=f"c{number}")
    world.clock.advance(AFTER_S)
    assert sweep_in(world).run().streams == STREAMS_A_SWEEP
    assert sweep_in(world).run().streams == 1


def test_the_scheduler_and_nobody_else_may_sweep(world: World) -> None:
    closed(world, 0)
    world.clock.advance(AFTER_S)
    client = create_app(world.deps()).test_client()
    for headers in ({}, {"Authorization": "Bearer other"}):
        answer = client.post("/sweep", headers=headers)
        assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    allowed = {"Authorization": f"Bearer {PUSH_TOKEN}"}
    world.streams.faults.before.append(Retryable("down", reason="down"))
    assert client.post("/sweep", headers=allowed).status_code == 503
    assert client.post("/sweep", headers=allowed).json == {
        "streams": 1,
        "settled": 1,
        "republished": 0,
        "failed": 0,
        "take_overs": {"segments": 0, "settled": 0, "taken_over": 0, "failed": 0},
    }


def test_speakers_that_reached_nobody_are_published_again(world: World) -> None:
    events = [cut(world, number) for number in range(3)]
    closed(world, 3)
    objects = ConnectionObjects("default", "c1")
    for event in events:
        worker_in(world).handle(event)
    late = [
        SegmentRelabelled(
            tenant="default",
            meeting_id="m1",
            connection_id="c1",
            segment_id=event.segment_id,
            channel=0,
            start_ms=event.start_ms,
            revision=event.revision,
            labels=labels,
            turns=(Turn("Grace", 0, 30_000),),
        )
        for event in events[:2]
        for labels in (1, 2)
    ]
    for each in late:
        store_relabelling(world.blobs, objects, each)
    elsewhere = msgspec.structs.replace(
        late[0], segment_id=events[2].segment_id, start_ms=events[2].start_ms, revision=9
    )
    store_relabelling(world.blobs, objects, elsewhere)
    world.clock.advance(AFTER_S)
    assert sweep_in(world).run().republished == 2
    published = [event for event in world.publisher.published if isinstance(event, SegmentRelabelled)]
    assert published == [late[1], late[3]]
    for each in published:
        Relabeller(world.transcripts, world.meetings, world.publisher).handle(each)
    world.clock.advance(2 * AFTER_S)
    swept = sweep_in(world).run()
    assert (swept.settled, swept.republished) == (1, 0), "what is said of another cut keeps no stream unsettled"
