"""Promise 1: a 2xx means durable bytes and a published event, whatever fails in between and however often."""

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from common.events import ChunkStored, SpeakersObserved, StreamEnded
from common.object_names import ConnectionObjects
from common.stored_chunks import event_of_chunk, event_of_content, stream_description
from tests.ingest_service.fakes import Fault, Ingest

MEETINGS: Final = {"c1": "m1", "c2": "m2"}
FAULTS = st.sampled_from(
    [(), (), (), (), (Fault.BEFORE,), (Fault.AFTER,), (Fault.NONE, Fault.BEFORE), (Fault.NONE, Fault.AFTER)]
)
WHERE = st.sampled_from(sorted(MEETINGS))
PUT = st.tuples(st.just("put"), WHERE, st.integers(0, 1), st.sampled_from([b"", b"one"]), FAULTS, FAULTS)
SPEAK = st.tuples(st.just("speak"), WHERE, st.integers(0, 3), st.just(b""), FAULTS, FAULTS)
END = st.tuples(st.just("end"), WHERE, st.integers(0, 1), st.just(b""), FAULTS, FAULTS)
RESTART = st.tuples(st.just("restart"), WHERE, st.just(0), st.just(b""), FAULTS, FAULTS)


@settings(max_examples=100, deadline=None)
@given(st.lists(PUT | PUT | SPEAK | END | RESTART, min_size=4, max_size=25))
def test_nothing_that_was_accepted_is_ever_lost(
    steps: list[tuple[str, str, int, bytes, tuple[Fault, ...], tuple[Fault, ...]]],
) -> None:
    ingest = Ingest()
    accepted: dict[tuple[str, int], bytes] = {}
    observed: set[str] = set()
    ended: dict[str, int] = {}
    for what, connection, number, data, store_faults, publish_faults in steps:
        ingest.blobs.faults.plan(store_faults)
        ingest.publisher.faults.plan(publish_faults)
        meeting = MEETINGS[connection]
        published_before = len(ingest.events)
        if what == "restart":
            ingest.restart()
            continue
        if what == "put":
            answer = ingest.put(number, data, connection=connection, meeting=meeting)
            if answer.status_code in {200, 201}:
                assert accepted.setdefault((connection, number), data) == data
        elif what == "speak":
            body = {"ts_ms": 1_700_000_000_000 + number, "masks": [["Ann", "01"]]}
            answer = ingest.post("speakers", body, connection=connection, meeting=meeting)
            if answer.status_code in {200, 201}:
                observed.add(answer.get_json()["observation_id"])
        else:
            answer = ingest.post("end", {"last_seq": number}, connection=connection, meeting=meeting)
            if answer.status_code == 200:
                assert ended.setdefault(connection, number) == number
        assert answer.status_code in {200, 201, 409, 503}
        if answer.status_code == 409:
            assert len(ingest.events) == published_before
        if answer.status_code in {200, 201}:
            assert len(ingest.events) > published_before
        ingest.clock.ms += 1_000

    for (connection, seq), data in accepted.items():
        objects = ConnectionObjects("default", connection)
        assert ingest.blobs.objects[objects.chunk(seq)].data == data
        assert stream_description(ingest.blobs.objects[objects.stream].data).meeting_id == MEETINGS[connection]
        (info,) = ingest.blobs.list(objects.chunk(seq))
        assert event_of_chunk("default", connection, info) in ingest.events
    assert observed <= {event.observation_id for event in ingest.events if isinstance(event, SpeakersObserved)}
    published_ends = {event.connection_id: event for event in ingest.events if isinstance(event, StreamEnded)}
    for connection, last_seq in ended.items():
        assert published_ends[connection].last_seq == last_seq
        content = ingest.blobs.objects[published_ends[connection].object_name].data
        assert event_of_content(content, StreamEnded) == published_ends[connection]
    assert len({event.event_id for event in ingest.events}) == len(set(ingest.events)), "two events with one id differ"
    assert {event.meeting_id for event in ingest.events if event.connection_id == "c1"} <= {"m1"}
    assert all(event.size_bytes <= 3 for event in ingest.events if isinstance(event, ChunkStored))
