import pytest

from common.events import ChunkStored, StreamOptions
from common.object_names import ConnectionObjects
from common.stored_chunks import StreamDescription, event_of_chunk, stream_description
from tests.ingest_service.fakes import AUTHORIZED, NOW_MS, Fault, Ingest, problem

OBJECTS = ConnectionObjects("default", "c1")
FAULTS = [Fault.BEFORE, Fault.AFTER]


def test_a_chunk_is_stored_then_published_then_answered(ingest: Ingest) -> None:
    answer = ingest.put(0, b"bytes", "&captured_at_ms=1699999999000&source=zoom&language=pt-BR")
    assert answer.status_code == 201
    assert answer.get_json() == {"connection_id": "c1", "seq": 0, "size_bytes": 5, "status": "stored"}
    assert ingest.blobs.objects[OBJECTS.chunk(0)].data == b"bytes"
    assert ingest.events == [
        ChunkStored(
            tenant="default",
            meeting_id="m1",
            connection_id="c1",
            seq=0,
            object_name=OBJECTS.chunk(0),
            size_bytes=5,
            captured_at_ms=1_699_999_999_000,
            options=StreamOptions(content_type="audio/webm", source="zoom", language="pt-BR"),
        )
    ]


def test_a_listing_rebuilds_what_was_published(ingest: Ingest) -> None:
    ingest.put(3, b"bytes", "&channels=separate&channel_speakers=Ann,J%C3%B6rg")
    (info,) = ingest.blobs.list(OBJECTS.chunks_prefix)
    assert [event_of_chunk("default", "c1", info)] == ingest.events


def test_without_captured_at_it_is_the_arrival(ingest: Ingest) -> None:
    ingest.put(0, b"x")
    assert [event.captured_at_ms for event in ingest.events if isinstance(event, ChunkStored)] == [NOW_MS]


def test_an_empty_chunk_keeps_seq_contiguous(ingest: Ingest) -> None:
    assert ingest.put(0, b"").status_code == 201
    assert ingest.blobs.objects[OBJECTS.chunk(0)].data == b""
    assert len(ingest.events) == 1


def test_the_same_chunk_again_publishes_the_first_event_again(ingest: Ingest) -> None:
    ingest.put(0, b"bytes", "&language=en")
    ingest.clock.ms += 60_000
    answer = ingest.put(0, b"bytes")
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "already_stored"
    first, second = ingest.events
    assert first == second


def test_other_bytes_are_refused_and_nothing_is_published(ingest: Ingest) -> None:
    ingest.put(0, b"bytes")
    answer = ingest.put(0, b"other")
    assert problem(answer)[:2] == (409, "chunk-differs")
    assert answer.get_json(force=True)["seq"] == 0
    assert ingest.blobs.objects[OBJECTS.chunk(0)].data == b"bytes"
    assert len(ingest.events) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_publish_is_503_and_the_retry_heals_it(ingest: Ingest, fault: Fault) -> None:
    ingest.publisher.faults.plan([fault])
    failed = ingest.put(0, b"bytes")
    assert problem(failed)[:2] == (503, "unavailable")
    assert int(failed.headers["Retry-After"]) >= 1

    ingest.clock.ms += 1_000
    assert ingest.put(0, b"bytes").status_code == 200
    assert len({event.event_id for event in ingest.events}) == 1
    assert ingest.events[-1].captured_at_ms == NOW_MS  # type: ignore[attr-defined]  # it is a chunk's event
    (info,) = ingest.blobs.list(OBJECTS.chunks_prefix)
    assert set(ingest.events) == {event_of_chunk("default", "c1", info)}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("faulty_call", [0, 1, 2], ids=["unregistered", "stream.json", "chunk"])
def test_a_failed_store_is_503_and_nothing_is_published(ingest: Ingest, fault: Fault, faulty_call: int) -> None:
    ingest.blobs.faults.plan([Fault.NONE] * faulty_call + [fault])
    assert problem(ingest.put(0, b"bytes"))[0] == 503
    assert ingest.events == []
    assert ingest.put(0, b"bytes").status_code in {200, 201}
    assert set(ingest.blobs.objects) == {OBJECTS.unregistered, OBJECTS.stream, OBJECTS.chunk(0)}
    assert len(ingest.events) == 1


def test_the_first_request_decides_the_meeting(ingest: Ingest) -> None:
    ingest.put(0, b"a", "&language=en")
    for _ in range(2):
        assert problem(ingest.put(1, b"b", meeting="m2"))[:2] == (409, "connection-of-another-meeting")
        ingest.restart()
    assert [event.meeting_id for event in ingest.events] == ["m1"]
    assert ingest.put(1, b"b", "&language=de").status_code == 201
    assert stream_description(ingest.blobs.objects[OBJECTS.stream].data) == StreamDescription(
        "m1", StreamOptions(content_type="audio/webm", language="en"), NOW_MS
    )


def test_stream_json_and_its_mark_are_written_once(ingest: Ingest) -> None:
    for seq in range(5):
        ingest.put(seq, b"x")
    assert ingest.blobs.creates == 7
    ingest.restart()
    ingest.put(5, b"x")
    assert ingest.blobs.creates == 8


def test_a_chunk_after_the_end_is_taken(ingest: Ingest) -> None:
    ingest.post("end", {"last_seq": 1})
    assert ingest.put(1, b"late").status_code == 201


def test_a_chunk_deleted_under_our_hands_is_tried_again(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest.put(0, b"bytes")
    monkeypatch.setattr(ingest.blobs, "info", lambda name: type(ingest.blobs)().info(name))
    assert problem(ingest.put(0, b"bytes"))[0] == 503


@pytest.mark.parametrize(
    "data", [b"<!doctype html><html></html>", b'{"error": "not found"}', b"\x89PNG\r\n\x1a\n" + bytes(32)]
)
def test_a_first_chunk_that_is_no_audio_is_refused_and_may_be_sent_again(ingest: Ingest, data: bytes) -> None:
    status, kind, detail = problem(ingest.put(0, data))
    assert (status, kind) == (415, "unknown-container")
    assert "WebM" in detail
    assert (ingest.blobs.objects, ingest.events) == ({}, [])
    assert ingest.put(0, b"\x1a\x45\xdf\xa3" + bytes(32)).status_code == 201


def test_later_chunks_and_headerless_samples_may_begin_with_anything(ingest: Ingest) -> None:
    assert ingest.put(1, b"<!doctype html><html></html>").status_code == 201
    answer = ingest.client.put(
        "/v1/streams/c1/chunks/0?meeting_id=m1",
        headers={**AUTHORIZED, "Content-Type": "audio/pcm;rate=16000"},
        data=bytes(64),
    )
    assert answer.status_code == 201
