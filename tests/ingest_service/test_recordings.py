"""A whole recording in one request: stored once, byte for byte, whatever breaks and however often it is sent."""

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from common.events import StreamEnded, StreamOptions
from common.object_names import ConnectionObjects
from common.settings import Secret
from common.stored_chunks import event_of_chunk, stream_description
from ingest_service.intake.recordings import PIECE_BYTES, fixed_pieces
from ingest_service.settings import IngestSettings
from tests.ingest_service.fakes import AUTHORIZED, NOW_MS, TOKEN, Fault, Ingest, problem

RECORDING = b"OggS" + bytes(range(256)) * 9_000
"""2.2 MiB: three chunks."""
LAST_SEQ = 2


def send(ingest: Ingest, data: bytes = RECORDING, query: str = "meeting_id=m1", key: str | None = "k") -> TestResponse:
    headers = AUTHORIZED | ({"Idempotency-Key": key} if key else {})
    return ingest.client.post(f"/v1/recordings?{query}", data=data, headers=headers, content_type="audio/ogg")


def send_part(ingest: Ingest, data: bytes, size_bytes: int) -> TestResponse:
    """The connection breaks after `size_bytes`."""
    return ingest.client.post(
        "/v1/recordings?meeting_id=m1",
        headers=AUTHORIZED | {"Idempotency-Key": "k"},
        content_type="audio/ogg",
        environ_overrides={
            "wsgi.input": io.BytesIO(data[:size_bytes]),
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": str(len(data)),
        },
    )


def stored_bytes(ingest: Ingest, connection_id: str) -> bytes:
    chunks = list(ingest.blobs.list(ConnectionObjects("default", connection_id).chunks_prefix))
    assert [int(chunk.name[-8:]) for chunk in chunks] == list(range(len(chunks)))
    return b"".join(ingest.blobs.objects[chunk.name].data for chunk in chunks)


@given(st.lists(st.binary(max_size=9), max_size=9), st.integers(1, 7))
def test_where_the_body_is_cut_does_not_depend_on_how_it_came(pieces: list[bytes], size_bytes: int) -> None:
    cut = list(fixed_pieces(pieces, size_bytes))
    assert b"".join(cut) == b"".join(pieces)
    assert all(len(piece) == size_bytes for piece in cut[:-1])
    assert all(0 < len(piece) <= size_bytes for piece in cut)


def test_a_recording_becomes_a_connection_that_is_complete(ingest: Ingest) -> None:
    query = (
        "meeting_id=m1&language=de&source=phone&channels=separate&channel_speakers=Ann,Bo&started_at_ms=1690000000000"
    )
    answer = send(ingest, query=query)
    body = answer.get_json()
    connection_id = body.pop("connection_id")
    assert (answer.status_code, body) == (
        201,
        {"meeting_id": "m1", "chunks": 3, "bytes": len(RECORDING), "status": "stored"},
    )
    assert answer.headers["Location"] == f"/v1/streams/{connection_id}"
    assert stored_bytes(ingest, connection_id) == RECORDING
    (event,) = ingest.events
    assert isinstance(event, StreamEnded)
    assert (event.connection_id, event.meeting_id, event.last_seq) == (connection_id, "m1", LAST_SEQ)
    options = StreamOptions("audio/ogg", "phone", "de", "separate", ("Ann", "Bo"), started_at_ms=1_690_000_000_000)
    objects = ConnectionObjects("default", connection_id)
    described = stream_description(ingest.blobs.objects[objects.stream].data)
    assert (described.meeting_id, described.options, described.opened_at_ms) == ("m1", options, NOW_MS)
    for chunk in ingest.blobs.list(objects.chunks_prefix):
        stored = event_of_chunk("default", connection_id, chunk)
        assert (stored.meeting_id, stored.options, stored.captured_at_ms) == ("m1", options, NOW_MS)
    status = ingest.client.get(answer.headers["Location"], headers=AUTHORIZED).get_json()
    assert (status["ended"], status["last_seq"], status["bytes"]) == (True, LAST_SEQ, len(RECORDING))


def test_without_a_meeting_one_is_made(ingest: Ingest) -> None:
    first, again, other = (send(ingest, query="", key=key).get_json() for key in ("k", "k", "l"))
    assert first["meeting_id"] == first["connection_id"] == again["meeting_id"]
    assert other["meeting_id"] != first["meeting_id"]


def test_without_a_key_it_is_another_recording_each_time(ingest: Ingest) -> None:
    answers = [send(ingest, key=None) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.get_json()["connection_id"] for answer in answers}) == 2


def test_with_the_same_key_it_is_the_same_recording(ingest: Ingest) -> None:
    first = send(ingest)
    ingest.restart()
    ingest.clock.ms += 5_000
    again = send(ingest)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.get_json() == first.get_json() | {"status": "already_stored"}
    assert len(ingest.events) == 2
    assert len({event.event_id for event in ingest.events}) == 1


@pytest.mark.parametrize("is_complete", [True, False])
@pytest.mark.parametrize(
    "changed",
    [
        {"data": RECORDING[:-1] + b"x"},
        {"data": RECORDING[:-1]},
        {"data": RECORDING + b"x"},
        {"data": b"OggS" + b"x" * 100},
        {"data": RECORDING[:PIECE_BYTES]},
        {"query": "meeting_id=m2"},
        {"query": "meeting_id=m1&language=de"},
    ],
    ids=["other bytes", "shorter", "longer", "quite another", "first chunk only", "other meeting", "other language"],
)
def test_a_key_is_no_other_recordings(ingest: Ingest, changed: dict[str, Any], is_complete: bool) -> None:
    if is_complete:
        send(ingest)
    else:
        ingest.blobs.faults.plan([Fault.NONE] * 3 + [Fault.BEFORE])  # dies after the last chunk
        assert send(ingest).status_code == 503
    events, objects = list(ingest.events), dict(ingest.blobs.objects)
    ingest.restart()
    status, kind, detail = problem(send(ingest, **changed))
    assert (status, kind) == (422, "idempotency-key-reused")
    assert "another recording" in detail
    assert (ingest.events, ingest.blobs.objects) == (events, objects)
    assert send(ingest).status_code == 200


def test_a_connection_may_be_named_instead_of_a_key(ingest: Ingest) -> None:
    query = "meeting_id=m1&connection_id=c1"
    assert send(ingest, query=query, key=None).get_json()["connection_id"] == "c1"
    assert send(ingest, query=query, key=None).status_code == 200
    assert problem(send(ingest, b"OggS" + b"x" * 20, query, None))[:2] == (409, "recording-differs")
    assert problem(send(ingest, query="meeting_id=m2&connection_id=c1"))[:2] == (409, "connection-of-another-meeting")
    assert problem(send(ingest, query="connection_id=a:b"))[:2] == (400, "invalid-id")


def test_a_live_connection_is_no_recordings(ingest: Ingest) -> None:
    ingest.put(0, b"OggS" + b"x" * 20)
    assert problem(send(ingest, query="meeting_id=m1&connection_id=c1"))[:2] == (409, "recording-differs")


@pytest.mark.parametrize("size_bytes", [0, 3, PIECE_BYTES + 5, len(RECORDING) - 1])
def test_what_breaks_off_is_not_transcribed_and_may_come_again(ingest: Ingest, size_bytes: int) -> None:
    assert problem(send_part(ingest, RECORDING, size_bytes))[:2] == (400, "incomplete-body")
    assert ingest.events == []
    assert not [name for name in ingest.blobs.objects if "/chunks/" not in name]
    answer = send(ingest)
    assert answer.status_code == 201
    assert stored_bytes(ingest, answer.get_json()["connection_id"]) == RECORDING


@pytest.mark.parametrize(
    ("data", "status", "kind"),
    [(b"", 400, "empty-recording"), (b"<html>" + b" " * 100, 415, "unknown-container")],
)
def test_what_is_no_recording_leaves_nothing(ingest: Ingest, data: bytes, status: int, kind: str) -> None:
    assert problem(send(ingest, data))[:2] == (status, kind)
    assert (ingest.blobs.objects, ingest.events) == ({}, [])


def test_samples_without_a_header_are_declared(ingest: Ingest) -> None:
    answer = ingest.client.post(
        "/v1/recordings", data=b"\x00" * 100, headers=AUTHORIZED, content_type="audio/pcm;rate=8000"
    )
    assert answer.status_code == 201


def test_what_is_too_large_is_refused() -> None:
    ingest = Ingest(IngestSettings(api_token=Secret(TOKEN), max_recording_bytes=PIECE_BYTES))
    assert problem(send(ingest))[:2] == (413, "body-too-large")
    assert ingest.blobs.objects == {}
    assert send(ingest, RECORDING[:PIECE_BYTES]).status_code == 201


@pytest.mark.parametrize("query", ["captured_at_ms=1700000000000", "started_at_ms=1700000000", "channels=left"])
def test_a_bad_query_is_named(ingest: Ingest, query: str) -> None:
    status, kind, detail = problem(send(ingest, query=query))
    assert (status, kind) == (400, "invalid-parameter")
    assert detail.startswith(query.partition("=")[0])


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER])
@pytest.mark.parametrize("call", range(7))
def test_a_process_that_dies_at_any_step_is_made_good_by_the_next_attempt(
    ingest: Ingest, call: int, fault: Fault
) -> None:
    """Three chunks, the mark, the description, the end; last the event."""
    if call < 6:
        ingest.blobs.faults.plan([Fault.NONE] * call + [fault])
    else:
        ingest.publisher.faults.plan([fault])
    assert problem(send(ingest))[:2] == (503, "unavailable")
    ingest.restart()
    answer = send(ingest)
    assert answer.status_code in {200, 201}
    assert stored_bytes(ingest, answer.get_json()["connection_id"]) == RECORDING
    assert len(set(ingest.events)) == 1


FAULTS = st.lists(st.sampled_from([Fault.NONE, Fault.NONE, Fault.BEFORE, Fault.AFTER]), max_size=7)
ATTEMPT = st.tuples(
    st.sampled_from(["whole", "whole", "broken", "other bytes", "other meeting", "restart"]),
    FAULTS,
    st.lists(st.sampled_from(list(Fault)), max_size=1),
    st.integers(0, len(RECORDING) - 1),
)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.lists(ATTEMPT, max_size=6))
def test_wherever_it_fails_the_same_key_ends_in_the_same_recording(
    attempts: list[tuple[str, list[Fault], list[Fault], int]],
) -> None:
    ingest = Ingest()
    for what, store_faults, publish_faults, size_bytes in attempts:
        ingest.clock.ms += 1_000
        ingest.blobs.faults.plan(store_faults)
        ingest.publisher.faults.plan(publish_faults)
        if what == "restart":
            ingest.restart()
        elif what == "broken":
            assert send_part(ingest, RECORDING, size_bytes).status_code in {400, 503}
        elif what == "whole":
            assert send(ingest).status_code in {200, 201, 503}
        elif ingest.blobs.objects:  # who comes first has the key
            data = RECORDING if what == "other meeting" else RECORDING[:-1] + b"x"
            assert send(ingest, data, "meeting_id=m2").status_code in {422, 503}
    ingest.blobs.faults.plan([])
    ingest.publisher.faults.plan([])
    answer = send(ingest).get_json()
    connection_id = answer["connection_id"]
    assert answer | {"status": ""} == {
        "connection_id": send(Ingest()).get_json()["connection_id"],
        "meeting_id": "m1",
        "chunks": 3,
        "bytes": len(RECORDING),
        "status": "",
    }
    assert stored_bytes(ingest, connection_id) == RECORDING
    assert {type(event) for event in ingest.events} == {StreamEnded}
    assert len({event.event_id for event in ingest.events}) == len(set(ingest.events)) == 1
    objects = ConnectionObjects("default", connection_id)
    first = [event_of_chunk("default", connection_id, chunk) for chunk in ingest.blobs.list(objects.chunks_prefix)]
    assert len({(chunk.meeting_id, chunk.captured_at_ms, chunk.options) for chunk in first}) == 1
