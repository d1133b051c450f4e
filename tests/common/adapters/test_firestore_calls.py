"""Calls to a Firestore that breaks off, refuses, hangs, dies and comes back: one attempt each, over in time, in the three classes."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import grpc
import pytest
from google.cloud import firestore
from google.cloud.firestore_v1.types import Document, Value

from common.adapters.google.firestore_streams import FirestoreStreamRegistry
from common.adapters.google.firestore_transcripts import MAX_RACES, FirestoreTranscriptStore
from common.errors import Backpressure, Permanent, Retryable, TurnscribeError
from common.ports.stream_registry import StreamRecord, StreamSummary
from common.ports.transcript_store import SegmentTranscript, Stored, Word
from local_cloud.emulators import PROJECT, START_TIMEOUT_S, Emulators
from tests.common.adapters.firestore_server import NOW, FailingFirestore, firestore_server

RECONNECT_S = 60.0
RECORD = StreamRecord(tenant="default", meeting_id="m1", connection_id="c1", opened_at_ms=1)
SUMMARY = StreamSummary(closed_at_ms=9, chunks=0, audio_ms=0, segments=0, segment_ms=0, silence_skipped_ms=0)


def segment(*words: Word, revision: int = 0) -> SegmentTranscript:
    return SegmentTranscript(
        tenant="default",
        meeting_id="m1",
        connection_id="c1",
        segment_id="c1:0:0",
        channel=0,
        revision=revision,
        final=False,
        start_ms=0,
        end_ms=1000,
        epoch_offset_ms=0,
        language="en",
        words=words,
    )


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[FailingFirestore]:
    with firestore_server() as server:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.address)
        yield server


@pytest.fixture
def client_of_failing(failing: FailingFirestore) -> Iterator[firestore.Client]:
    with closing(firestore.Client(project=PROJECT)) as client:
        yield client


def stored(path: str, **fields: Value) -> dict[str, Document]:
    name = f"projects/{PROJECT}/databases/(default)/documents/{path}"
    return {name: Document(name=name, fields=fields, create_time=NOW, update_time=NOW)}


def stored_stream() -> dict[str, Document]:
    text = '{"tenant":"default","meeting_id":"m1","connection_id":"c1","opened_at_ms":1}'
    return stored("streams/default:c1", record=Value(string_value=text))


def stored_segment() -> dict[str, Document]:
    return stored("tenants/default/meetings/m1/segments/c1:0:0", rank=Value(integer_value=0))


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (grpc.StatusCode.UNAVAILABLE, Retryable),
        (grpc.StatusCode.INTERNAL, Retryable),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Backpressure),
        (grpc.StatusCode.INVALID_ARGUMENT, Permanent),
    ],
)
def test_an_answer_that_breaks_off_halfway_is_one_of_three_errors_and_is_not_asked_for_again(
    failing: FailingFirestore, client_of_failing: firestore.Client, status: grpc.StatusCode, wanted: type[Exception]
) -> None:
    failing.documents, failing.status = stored_stream(), status
    with pytest.raises(TurnscribeError) as caught:
        FirestoreStreamRegistry(client_of_failing).of_meeting("default", "m1")
    assert type(caught.value) is wanted
    assert failing.calls == ["query"]


def test_an_answer_that_stops_halfway_is_given_up_in_time(
    failing: FailingFirestore, client_of_failing: firestore.Client
) -> None:
    failing.documents, failing.hangs = stored_stream(), True
    with pytest.raises(Retryable) as caught:
        FirestoreStreamRegistry(client_of_failing, timeout_s=0.3).open_streams(limit=9)
    assert caught.value.reason == "firestore_unavailable"
    assert failing.calls == ["query"]


def test_a_write_that_was_aborted_registered_no_stream(
    failing: FailingFirestore, client_of_failing: firestore.Client
) -> None:
    failing.status = grpc.StatusCode.ABORTED
    with pytest.raises(Retryable):
        FirestoreStreamRegistry(client_of_failing).open(RECORD)
    assert failing.calls == ["commit"]


@pytest.mark.parametrize("at_ms", [None, 77])
def test_a_write_that_was_aborted_settled_no_stream(
    failing: FailingFirestore, client_of_failing: firestore.Client, at_ms: int | None
) -> None:
    failing.documents, failing.status = stored_stream(), grpc.StatusCode.ABORTED
    (document,) = failing.documents.values()
    summary = '{"closed_at_ms":9,"chunks":0,"audio_ms":0,"segments":0,"segment_ms":0,"silence_skipped_ms":0}'
    document.fields["summary"] = Value(string_value=summary)
    registry = FirestoreStreamRegistry(client_of_failing)
    closed = registry.get("default", "c1")
    assert closed is not None
    assert closed.summary == SUMMARY
    with pytest.raises(Retryable):
        registry.look_again(closed, at_ms)


@pytest.mark.parametrize(
    ("documents", "status"),
    [
        ({}, grpc.StatusCode.ALREADY_EXISTS),
        ({}, grpc.StatusCode.ABORTED),
        (stored_segment(), grpc.StatusCode.FAILED_PRECONDITION),
        (stored_segment(), grpc.StatusCode.NOT_FOUND),
        (stored_segment(), grpc.StatusCode.ABORTED),
    ],
)
def test_who_loses_against_other_writers_for_ever_gives_up(
    failing: FailingFirestore,
    client_of_failing: firestore.Client,
    documents: dict[str, Document],
    status: grpc.StatusCode,
) -> None:
    failing.documents, failing.status = documents, status
    with pytest.raises(Retryable) as caught:
        FirestoreTranscriptStore(client_of_failing).put(segment(revision=1))
    assert caught.value.reason == "firestore_contended"
    assert failing.calls == ["get", "commit"] * MAX_RACES


def test_a_write_that_fails_otherwise_is_tried_once(
    failing: FailingFirestore, client_of_failing: firestore.Client
) -> None:
    with pytest.raises(Retryable) as caught:
        FirestoreTranscriptStore(client_of_failing).put(segment())
    assert caught.value.reason == "firestore_unavailable"
    assert failing.calls == ["get", "commit"]


def every_call(client: firestore.Client, timeout_s: float) -> dict[str, Callable[[], object]]:
    transcripts = FirestoreTranscriptStore(client, timeout_s=timeout_s)
    streams = FirestoreStreamRegistry(client, timeout_s=timeout_s)
    closed = StreamRecord(tenant="default", meeting_id="m1", connection_id="c1", opened_at_ms=1, summary=SUMMARY)
    return {
        "put": lambda: transcripts.put(segment()),
        "stored_rank": lambda: transcripts.stored_rank("default", "m1", "c1:0:0"),
        "segments": lambda: transcripts.segments("default", "m1"),
        "delete_segment": lambda: transcripts.delete_segment("default", "m1", "c1:0:0"),
        "check transcripts": transcripts.check,
        "open": lambda: streams.open(RECORD),
        "close": lambda: streams.close("default", "c1", SUMMARY),
        "get": lambda: streams.get("default", "c1"),
        "of_meeting": lambda: streams.of_meeting("default", "m1"),
        "open_streams": lambda: streams.open_streams(limit=1),
        "unsettled": lambda: streams.unsettled(due_ms=9, limit=1),
        "look_again": lambda: streams.look_again(closed, None),
        "check streams": streams.check,
    }


def reasons(calls: dict[str, Callable[[], object]]) -> dict[str, str]:
    """What each call was refused for."""
    found: dict[str, str] = {}
    for name, call in calls.items():
        with pytest.raises(Retryable) as caught:
            call()
        found[name] = caught.value.reason
    return found


@pytest.mark.component("emulators")
def test_a_frozen_server_holds_nobody_for_ever(empty_emulators: Emulators) -> None:
    with closing(firestore.Client(project=PROJECT)) as client:
        patient = FirestoreTranscriptStore(client)
        patient.check()
        calls = every_call(client, timeout_s=0.2)
        empty_emulators.firestore.freeze()
        try:
            assert reasons(calls) == dict.fromkeys(calls, "firestore_unavailable")
        finally:
            empty_emulators.firestore.thaw()
        late = segment(revision=1)  # what was sent to the frozen server may still arrive; a newer revision wins over it
        assert patient.put(late) is Stored.STORED
        assert patient.segments("default", "m1") == [late]


@pytest.mark.component("emulators")
def test_a_server_that_died_is_found_again(empty_emulators: Emulators) -> None:
    with closing(firestore.Client(project=PROJECT)) as client:
        calls = every_call(client, timeout_s=5.0)
        calls["check streams"]()
        empty_emulators.firestore.kill()
        try:
            assert reasons(calls) == dict.fromkeys(calls, "firestore_unavailable")
        finally:
            empty_emulators.firestore.start()
            empty_emulators.firestore.wait_until_listening(START_TIMEOUT_S)
        deadline_s = time.monotonic() + RECONNECT_S
        while True:
            try:
                calls["check streams"]()
            except Retryable:
                assert time.monotonic() < deadline_s, "the channel never connected again"
                time.sleep(0.05)  # the channel's own pause between attempts, which nobody can end
            else:
                break
        assert calls["put"]() is Stored.STORED


@pytest.mark.component("emulators")
@pytest.mark.usefixtures("empty_emulators")
def test_a_segment_larger_than_a_document_is_refused_for_good() -> None:
    words = tuple(Word("x" * 100, number, number + 1, 0.5) for number in range(11_000))
    with closing(firestore.Client(project=PROJECT)) as client:
        store = FirestoreTranscriptStore(client)
        with pytest.raises(Permanent) as caught:
            store.put(segment(*words))
        assert caught.value.reason == "firestore_refused"
        assert "xxx" not in str(caught.value)
        assert store.segments("default", "m1") == []
