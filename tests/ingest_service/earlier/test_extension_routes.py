"""The extension's requests: it stops recording at the first refusal."""

import msgspec
import pytest
from werkzeug.test import TestResponse

from common.errors import Backpressure, Retryable
from common.events import Activity, ChunkStored, SpeakersObserved, StreamEnded, StreamOptions
from common.ports.token_store import Scope, TokenRecord, hash_of
from ingest_service.earlier.patience import PATIENCE_S, Patience
from ingest_service.http.places import Places
from ingest_service.intake.stream_status import StreamStatus
from tests.ingest_service.earlier.passing_time import Passing
from tests.ingest_service.fakes import AUTHORIZED, NOW_MS, Fault, FrozenClock, Ingest, problem

TS = f"{NOW_MS / 1000:.1f}"
QUERY = "connection_id=c1&meeting_id=m1&source=google_meet"
MASKS = [["Ada", "0110001111"], ["Grace", "0000000000"]]


def audio(ingest: Ingest, i: object, data: bytes = b"blob", query: str = f"{QUERY}&ts={TS}") -> TestResponse:
    return ingest.client.put(f"/api/v1/extension/audio?i={i}&{query}", data=data, headers=AUTHORIZED)


def speakers(ingest: Ingest, body: object, query: str = f"{QUERY}&ts={TS}") -> TestResponse:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return ingest.client.put(f"/api/v1/extension/speakers?{query}", data=data, headers=AUTHORIZED)


def problems(ingest: Ingest) -> list[tuple[str, int | None]]:
    """Kind and seq of what the stream's status complains of."""
    status = msgspec.json.decode(ingest.status().data, type=StreamStatus)
    return sorted((each.type.removeprefix("urn:turnscribe:problem:"), each.seq) for each in status.problems)


def test_a_recording_as_the_extension_makes_it(ingest: Ingest) -> None:
    for i, blob in enumerate([b"one", b"two", b"three"]):
        answer = audio(ingest, i, blob, f"{QUERY}&ts={TS}" + ("&l=1" if i == 2 else ""))
        assert (answer.status_code, answer.get_json()) == (200, {"message": "Chunk received", "connection_id": "c1"})
    said = speakers(ingest, MASKS)
    assert (said.status_code, said.get_json()) == (201, {"message": "Speaker created"})
    *chunks, end, observed = ingest.events
    assert [
        (each.seq, each.captured_at_ms, each.options.source) for each in chunks if isinstance(each, ChunkStored)
    ] == [(seq, NOW_MS, "google_meet") for seq in range(3)]
    assert isinstance(end, StreamEnded)
    assert end.last_seq == 2
    assert isinstance(observed, SpeakersObserved)
    assert (observed.covered_from_ms, observed.covered_to_ms) == (NOW_MS - 1_000, NOW_MS)
    assert observed.activities == (
        Activity("Ada", NOW_MS - 900, NOW_MS - 700),
        Activity("Ada", NOW_MS - 400, NOW_MS),
    )
    assert problems(ingest) == []


def test_a_blob_that_is_sent_again_is_the_same_chunk(ingest: Ingest) -> None:
    assert [audio(ingest, 0).status_code for _ in range(3)] == [200] * 3
    assert len(set(ingest.events)) == 1


@pytest.mark.parametrize(
    ("query", "captured_at_ms", "kind"),
    [
        (QUERY, NOW_MS, "missing-time"),
        (f"{QUERY}&ts=", NOW_MS, "missing-time"),
        (f"{QUERY}&ts=noon", NOW_MS, "unreadable-time"),
        (f"{QUERY}&ts={NOW_MS - 5_000}", NOW_MS - 5_000, "time-in-milliseconds"),
        (f"{QUERY}&ts={NOW_MS * 1_000}", NOW_MS, "time-in-microseconds"),
        (f"connection_id=c1&meeting_id=m1&source=a+b&ts={TS}", NOW_MS, "unreadable-source"),
        (f"{QUERY}&ts={TS}&unknown=1", NOW_MS, None),
    ],
)
def test_what_is_wrong_is_noted_once_and_recording_goes_on(
    ingest: Ingest, query: str, captured_at_ms: int, kind: str | None
) -> None:
    assert [audio(ingest, i, b"%d" % i, query).status_code for i in range(5)] == [200] * 5
    assert {each.captured_at_ms for each in ingest.events if isinstance(each, ChunkStored)} == {captured_at_ms}
    assert problems(ingest) == ([] if kind is None else [(kind, None)])
    ingest.restart()
    audio(ingest, 5, b"5", query)
    assert len(problems(ingest)) == (kind is not None), "another process finds it noted"


def test_other_bytes_under_a_number_that_is_taken_are_kept_beside_the_stream(ingest: Ingest) -> None:
    audio(ingest, 0, b"first")
    assert [audio(ingest, 0, data).status_code for data in (b"other", b"other", b"third")] == [200] * 3
    assert problems(ingest) == [("chunk-differs", 0)] * 2
    kept = {held.data for name, held in ingest.blobs.objects.items() if "/faults/" in name}
    assert kept == {b"other", b"third"}
    assert {each.size_bytes for each in ingest.events if isinstance(each, ChunkStored)} == {5}


def test_a_first_blob_that_begins_no_recording_is_left_to_the_segmenter(ingest: Ingest) -> None:
    assert audio(ingest, 0, b"<html>").status_code == 200


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("audio/webm;codecs=opus", "audio/webm;codecs=opus"), ("text/plain", ""), ("audio/" + "x" * 5_000, "")],
)
def test_a_content_type_is_kept_where_it_can_be_one(ingest: Ingest, sent: str, kept: str) -> None:
    answer = ingest.client.put(
        f"/api/v1/extension/audio?i=0&{QUERY}&ts={TS}", data=b"x", headers=AUTHORIZED, content_type=sent
    )
    assert answer.status_code == 200
    (chunk,) = ingest.events
    assert isinstance(chunk, ChunkStored)
    assert chunk.options.content_type == (kept or StreamOptions().content_type)


def test_the_last_blob_may_be_empty(ingest: Ingest) -> None:
    audio(ingest, 0)
    assert audio(ingest, 1, b"", f"{QUERY}&ts={TS}&l=1").status_code == 200
    assert [each.size_bytes for each in ingest.events if isinstance(each, ChunkStored)] == [4, 0]
    assert [each.last_seq for each in ingest.events if isinstance(each, StreamEnded)] == [1]


def test_a_second_last_chunk_changes_nothing(ingest: Ingest) -> None:
    audio(ingest, 3, b"x", f"{QUERY}&ts={TS}&l=1")
    assert audio(ingest, 4, b"y", f"{QUERY}&ts={TS}&l=1").status_code == 200
    assert problems(ingest) == [("ended-twice", None)]


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (f"i=0&meeting_id=m1&ts={TS}", "connection_id"),
        (f"i=0&connection_id=c1&ts={TS}", "meeting_id"),
        (f"i=0&connection_id=../c1&meeting_id=m1&ts={TS}", "connection_id"),
        (f"{QUERY}&ts={TS}", "seq"),
        (f"i=-1&{QUERY}&ts={TS}", "seq"),
        (f"i=100000000&{QUERY}&ts={TS}", "seq"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name(ingest: Ingest, path: str, named: str) -> None:
    answer = ingest.client.put(f"/api/v1/extension/audio?{path}", data=b"x", headers=AUTHORIZED)
    status, _, detail = problem(answer)
    assert status == 400
    assert named in detail
    assert ingest.blobs.objects == {}


def test_another_meetings_connection_is_refused(ingest: Ingest) -> None:
    audio(ingest, 0)
    answer = audio(ingest, 1, b"x", f"connection_id=c1&meeting_id=m2&ts={TS}")
    assert problem(answer)[:2] == (409, "connection-of-another-meeting")


@pytest.mark.parametrize("body", [b"", b"{}", b"no json", [["Ada", "2"]], [["", "01"]], ["Ada"], b"[" * 70 + b"]" * 70])
def test_bad_masks_are_kept_and_recording_goes_on(ingest: Ingest, body: object) -> None:
    answer = speakers(ingest, body)
    assert (answer.status_code, answer.get_json()) == (201, {"message": "Speaker created"})
    assert problems(ingest) == [("unusable-masks", None)]
    sent = body if isinstance(body, bytes) else msgspec.json.encode(body)
    assert [held.data for name, held in ingest.blobs.objects.items() if "/faults/" in name] == [sent]


def test_of_masks_the_good_ones_are_used(ingest: Ingest) -> None:
    speakers(ingest, [["Ada", "0011"], ["Eve", "x"]], QUERY)
    (observed,) = ingest.events
    assert isinstance(observed, SpeakersObserved)
    assert observed.activities == (Activity("Ada", NOW_MS - 200, NOW_MS),)
    assert problems(ingest) == [("missing-time", None), ("unusable-masks", None)]


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER])
def test_a_bad_moment_of_store_and_queue_is_waited_out(ingest: Ingest, fault: Fault) -> None:
    ingest.drain = Passing(ingest.clock)
    ingest.restart()
    ingest.blobs.faults.plan([fault, fault])
    ingest.publisher.faults.plan([fault, fault])
    assert audio(ingest, 0).status_code == 200
    assert len(set(ingest.events)) == 1


def test_after_a_while_the_outage_is_told(ingest: Ingest) -> None:
    ingest.drain = Passing(ingest.clock)
    ingest.restart()
    ingest.publisher.faults.plan([Fault.BEFORE] * 1_000)
    assert problem(audio(ingest, 0))[:2] == (503, "unavailable")
    assert PATIENCE_S <= (ingest.clock.ms - NOW_MS) / 1000 <= PATIENCE_S + 5


def test_where_all_places_are_taken_nobody_waits() -> None:
    clock, places = FrozenClock(), Places(1)
    patience = Patience(clock, Passing(clock), places)

    def down() -> None:
        raise Retryable("down", reason="down")

    with places.taken(), pytest.raises(Backpressure, match="places"):
        patience.until_done(down)
    assert clock.ms == NOW_MS
    with places.taken():
        assert patience.until_done(lambda: "done") == "done"
    with pytest.raises(Retryable):
        patience.until_done(down)
    assert clock.ms > NOW_MS


def test_a_process_that_ends_waits_no_longer(ingest: Ingest) -> None:
    ingest.publisher.faults.plan([Fault.BEFORE] * 1_000)
    ingest.drain.start()
    assert problem(audio(ingest, 0))[0] == 503


@pytest.mark.parametrize(
    ("token", "scopes", "is_valid"),
    [
        ("correct-horse", None, True),
        ("wrong", None, False),
        ("", None, False),
        ("stored", {Scope.INGEST}, True),
        ("stored", {Scope.READ}, False),
    ],
)
def test_whether_a_token_would_do(ingest: Ingest, token: str, scopes: set[Scope] | None, is_valid: bool) -> None:
    if scopes is not None:
        record = TokenRecord(
            token_id="t",
            token_hash=hash_of(token),
            tenant="acme",
            scopes=frozenset(scopes),
            enabled=True,
            created_at_ms=NOW_MS,
        )
        ingest.token_store.put(record)
    by_header = {"Authorization": f"Bearer {token}"} if token else {}
    for answer in (
        ingest.client.get("/api/v1/extension/check-token", headers=by_header),
        ingest.client.get(f"/api/v1/extension/check-token?token={token}"),
    ):
        assert (answer.status_code, answer.get_json()) == (200, {"is_valid": is_valid})


def test_a_token_in_the_query_is_as_good(ingest: Ingest) -> None:
    answer = ingest.client.put(f"/api/v1/extension/audio?i=0&{QUERY}&ts={TS}&token=correct-horse", data=b"x")
    assert answer.status_code == 200
    assert ingest.client.put(f"/api/v1/extension/audio?i=1&{QUERY}&ts={TS}", data=b"x").status_code == 401
