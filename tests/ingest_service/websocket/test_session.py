"""What each message does, over ports in memory that fail on demand."""

import json
from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.events import ChunkStored, StreamEnded
from common.object_names import ConnectionObjects
from common.problems import Problem
from common.trace import current_traceparent
from ingest_service.websocket.messages import Ack, Ended, Observed, Refused
from ingest_service.websocket.session import Answer, Session
from tests.ingest_service.fakes import NOW_MS, Fault, Ingest
from tests.ingest_service.websocket.conftest import MAX_CHUNK_BYTES, new_session

OBJECTS = ConnectionObjects("default", "c1")
MASKS = {"type": "speakers", "ts_ms": NOW_MS, "masks": [["Ann", "0110"]]}
Reconnect = Callable[..., Session]


def say(session: Session, **message: object) -> Answer:
    return session.text(json.dumps(message).encode())


def send(session: Session, seq: int, data: bytes, captured_at_ms: int | None = None) -> Answer:
    assert say(session, type="chunk", seq=seq, captured_at_ms=captured_at_ms) == Answer()
    return session.binary(data)


def refused(answer: Answer) -> tuple[int, str, int | None]:
    """`(status, kind, close_code)` of an answer that must be a refusal."""
    assert isinstance(answer.message, Refused)
    problem = answer.message.problem
    assert problem["title"]
    assert problem["detail"]
    return problem["status"], problem["type"].removeprefix("urn:turnscribe:problem:"), answer.close_code


def test_a_chunk_is_stored_then_published_then_acknowledged(ingest: Ingest, session: Session) -> None:
    assert send(session, 0, b"zero", 1_699_999_999_000) == Answer(Ack(0, 1))
    assert ingest.blobs.objects[OBJECTS.chunk(0)].data == b"zero"
    (event,) = ingest.events
    assert isinstance(event, ChunkStored)
    assert (event.seq, event.captured_at_ms, event.size_bytes) == (0, 1_699_999_999_000, 4)
    assert event.options.content_type == "audio/webm"
    assert (session.chunks, session.bytes) == (1, 4)


def test_each_chunk_is_published_in_a_trace_of_its_own(
    ingest: Ingest, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trace as long as the WebSocket would never be seen whole."""
    before = current_traceparent()
    carried: list[str] = []
    monkeypatch.setattr(ingest.publisher, "publish", lambda _event: carried.append(current_traceparent()))
    for _ in range(3):
        session.binary(b"x")
    traces = {traceparent.split("-")[1] for traceparent in carried}
    assert len(traces) == 3
    assert current_traceparent() == before


def test_the_same_over_http_is_the_same_chunk(ingest: Ingest, session: Session) -> None:
    send(session, 0, b"zero", NOW_MS)
    assert ingest.put(0, b"zero").status_code == 200
    assert len(set(ingest.events)) == 1


def test_without_an_announcement_a_chunk_takes_the_first_free_place_and_its_arrival(
    ingest: Ingest, session: Session
) -> None:
    assert session.binary(b"zero") == Answer(Ack(0, 1))
    assert send(session, 2, b"two") == Answer(Ack(2, 1))
    assert session.binary(b"one") == Answer(Ack(1, 3))
    assert session.binary(b"three") == Answer(Ack(3, 4))
    assert {event.captured_at_ms for event in ingest.events if isinstance(event, ChunkStored)} == {NOW_MS}


def test_ready_says_what_is_durable_whoever_stored_it(ingest: Ingest, session: Session, reconnect: Reconnect) -> None:
    assert msgspec.to_builtins(session.ready()) == {
        "type": "ready",
        "connection_id": "c1",
        "meeting_id": "m1",
        "next_seq": 0,
        "missing": (),
        "free_seq": 0,
        "recommended_chunk_ms": 3_000,
    }
    for seq in (0, 1, 4):
        ingest.put(seq, b"x")
    ready = reconnect().ready()
    assert (ready.next_seq, ready.missing, ready.free_seq) == (2, (2, 3), 5)


def test_opening_claims_nothing(ingest: Ingest, session: Session) -> None:
    session.ready()
    assert (ingest.blobs.objects, ingest.events) == ({}, [])


def test_a_connection_of_another_meeting_is_not_opened(ingest: Ingest, reconnect: Reconnect) -> None:
    ingest.put(0, b"x")
    with pytest.raises(Problem) as problem:
        reconnect(meeting="m2")
    assert (problem.value.status, problem.value.kind) == (409, "connection-of-another-meeting")


def test_a_connection_that_was_taken_meanwhile_is_refused(ingest: Ingest, session: Session) -> None:
    ingest.put(0, b"x", meeting="m2")
    assert refused(session.binary(b"x")) == (409, "connection-of-another-meeting", 1008)
    assert refused(say(session, **MASKS)) == (409, "connection-of-another-meeting", 1008)


def test_other_bytes_under_a_seq_are_refused_and_closed(ingest: Ingest, session: Session) -> None:
    ingest.put(0, b"zero")
    answer = send(session, 0, b"other")
    assert refused(answer) == (409, "chunk-differs", 1008)
    assert isinstance(answer.message, Refused)
    assert answer.message.seq == 0
    assert len(ingest.events) == 1


def test_a_first_chunk_that_is_no_audio_is_refused_and_closed(ingest: Ingest, session: Session) -> None:
    assert refused(session.binary(b"<!doctype html><html></html>")) == (415, "unknown-container", 1008)
    assert ingest.blobs.objects == {}


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER])
@pytest.mark.parametrize("where", ["store", "publish"])
def test_while_a_store_is_down_nothing_is_acknowledged_and_the_client_comes_again(
    ingest: Ingest, session: Session, reconnect: Reconnect, fault: Fault, where: str
) -> None:
    (ingest.blobs if where == "store" else ingest.publisher).faults.plan([fault])
    answer = session.binary(b"zero")
    assert refused(answer) == (503, "unavailable", 1013)
    assert isinstance(answer.message, Refused)
    assert (answer.message.seq, answer.message.problem["retry_after_s"]) == (0, 1)
    assert session.chunks == 0
    again = reconnect()
    assert send(again, 0, b"zero") == Answer(Ack(0, 1))
    assert len({event.event_id for event in ingest.events}) == 1


def test_a_chunk_above_the_limit_is_refused_and_the_limit_named(ingest: Ingest, session: Session) -> None:
    session.binary(b"zero")
    assert session.binary(bytes(MAX_CHUNK_BYTES)) == Answer(Ack(1, 2))
    assert refused(session.binary(bytes(MAX_CHUNK_BYTES + 1))) == (413, "body-too-large", 1009)
    assert refused(session.text(b" " * 262_145)) == (413, "message-too-large", 1009)


def test_speakers_are_taken_as_over_http(ingest: Ingest, session: Session) -> None:
    over_http = ingest.post("speakers", {name: value for name, value in MASKS.items() if name != "type"})
    answer = say(session, **MASKS)
    assert answer == Answer(Observed(over_http.get_json()["observation_id"]))
    intervals = {
        "clock": "stream",
        "covered_from_ms": 0,
        "covered_to_ms": 9,
        "intervals": [{"speaker": "Ann", "start_ms": 1, "end_ms": 2}],
    }
    assert isinstance(say(session, type="speakers", **intervals).message, Observed)
    assert len(set(ingest.events)) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"masks": "01"},
        {"ts_ms": 5, "masks": []},
        {"ts_ms": NOW_MS, "masks": [["Ann", "012"]]},
        {"ts_ms": NOW_MS, "masks": [], "extra": 1},
        {"ts_ms": NOW_MS, "masks": [[f"speaker {number}", "1"] for number in range(500)]},
    ],
)
def test_wrong_speakers_are_refused_and_the_stream_goes_on(ingest: Ingest, session: Session, wrong: object) -> None:
    assert isinstance(wrong, dict)
    status, _kind, close_code = refused(say(session, type="speakers", **wrong))
    assert 400 <= status < 500
    assert close_code is None
    assert ingest.events == []
    assert session.binary(b"zero") == Answer(Ack(0, 1))


def test_speakers_while_the_queue_is_down_are_not_observed(ingest: Ingest, session: Session) -> None:
    ingest.publisher.faults.plan([Fault.BEFORE])
    assert refused(say(session, **MASKS)) == (503, "unavailable", 1013)


@pytest.mark.parametrize(("said", "last_seq"), [({}, 2), ({"last_seq": 5}, 5), ({"last_seq": 2, "observations": 1}, 2)])
def test_the_end_is_durable_and_closes(ingest: Ingest, session: Session, said: dict[str, int], last_seq: int) -> None:
    send(session, 0, b"zero")
    send(session, 2, b"two")
    answer = say(session, type="end", **said)
    assert answer == Answer(Ended("c1", last_seq, said.get("observations")), 1000)
    assert isinstance(ingest.events[-1], StreamEnded)
    assert ingest.events[-1].last_seq == last_seq


def test_an_end_without_chunks_and_the_same_end_again(ingest: Ingest, reconnect: Reconnect) -> None:
    for _ in range(2):
        assert say(reconnect(), type="end") == Answer(Ended("c1", -1, None), 1000)
    assert refused(say(reconnect(), type="end", last_seq=3)) == (409, "stream-ended-otherwise", 1008)


@pytest.mark.parametrize("captured_at_ms", [-5, 1_700_000_000, 10**16])
def test_a_chunk_captured_at_no_time_is_refused_before_its_bytes(session: Session, captured_at_ms: int) -> None:
    answer = say(session, type="chunk", seq=3, captured_at_ms=captured_at_ms)
    assert refused(answer) == (400, "invalid-parameter", 1008)
    assert isinstance(answer.message, Refused)
    assert (answer.message.seq, answer.message.problem["field"]) == (3, "captured_at_ms")


def test_an_announcement_wants_its_bytes_next(ingest: Ingest, session: Session) -> None:
    say(session, type="chunk", seq=0)
    assert refused(say(session, type="chunk", seq=1)) == (400, "invalid-message", 1008)
    assert ingest.events == []


def test_garbage_has_its_close_code(session: Session) -> None:
    assert refused(session.text(b"{")) == (400, "invalid-message", 1007)
    assert refused(say(session, type="hello")) == (400, "invalid-message", 1003)


@settings(max_examples=150)
@given(
    st.lists(st.binary(max_size=3), min_size=1, max_size=10),
    st.lists(st.tuples(st.integers(0, 10), st.booleans()), max_size=8),
    st.lists(st.sampled_from(list(Fault)), max_size=12),
    st.lists(st.sampled_from(list(Fault)), max_size=12),
    st.booleans(),
)
def test_wherever_the_connection_breaks_each_chunk_is_there_once_and_right(
    chunks: list[bytes],
    breaks: Sequence[tuple[int, bool]],
    store_faults: list[Fault],
    publish_faults: list[Fault],
    announced: bool,
) -> None:
    """A client sends from the watermark on; each connection breaks after some chunks, with or without the last one's ack."""
    ingest = Ingest()
    ingest.blobs.faults.plan(store_faults)
    ingest.publisher.faults.plan(publish_faults)
    acknowledged: dict[int, bytes] = {}
    for sent_at_most, ack_arrives in [*breaks, *[(len(chunks), True)] * 30]:
        session = new_session(ingest)
        for sent, seq in enumerate(range(session.ready().next_seq, len(chunks))):
            if sent == sent_at_most:
                break
            answer = send(session, seq, chunks[seq]) if announced else session.binary(chunks[seq])
            if answer.close_code is not None:
                assert refused(answer)[2] == 1013
                break
            assert answer == Answer(Ack(seq, seq + 1))
            if ack_arrives or sent + 1 < sent_at_most:
                acknowledged[seq] = chunks[seq]
        for seq, data in acknowledged.items():
            assert ingest.blobs.objects[OBJECTS.chunk(seq)].data == data
    stored = [ingest.blobs.objects[info.name].data for info in ingest.blobs.list(OBJECTS.chunks_prefix)]
    assert stored == chunks
    assert {event.seq for event in ingest.events if isinstance(event, ChunkStored)} >= acknowledged.keys()


@settings(max_examples=60)
@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=6))
def test_any_order_and_any_repetition_end_alike(order: list[int], again: list[int]) -> None:
    ingest = Ingest()
    session = new_session(ingest)
    durable: set[int] = set()
    for seq in [*order, *again]:
        durable.add(seq)
        next_seq = min(set(range(7)) - durable)
        assert send(session, seq, bytes([seq])) == Answer(Ack(seq, next_seq))
    stored = [ingest.blobs.objects[info.name].data for info in ingest.blobs.list(OBJECTS.chunks_prefix)]
    assert stored == [bytes([seq]) for seq in range(6)]
    assert len(set(ingest.events)) == 6
