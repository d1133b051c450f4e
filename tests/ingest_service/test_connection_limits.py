"""A connection takes nothing new for ever. What it has may be sent again, and it may be ended."""

import pytest

from common.settings import Secret
from common.stored_chunks import StreamDescription, describe_stream
from ingest_service.settings import IngestSettings
from tests.ingest_service.fakes import NOW_MS, TOKEN, Ingest, problem
from tests.ingest_service.test_store_chunk import OBJECTS

HOUR_MS = 3_600_000
MASKS = {"ts_ms": NOW_MS, "masks": [["Ann", "01"]]}


@pytest.fixture
def ingest() -> Ingest:
    return Ingest(
        IngestSettings(
            api_token=Secret(TOKEN),
            max_connection_age_sec=60,
            max_chunks_per_connection=3,
            max_recording_bytes=3 * 1024**2,
        )
    )


def fed(ingest: Ingest, age_ms: int) -> None:
    assert ingest.put(0, b"x").status_code == 201
    assert ingest.post("speakers", MASKS).status_code == 201
    ingest.clock.ms += age_ms


@pytest.mark.parametrize("restarted", [False, True])
def test_an_old_connection_takes_no_new_chunk(ingest: Ingest, restarted: bool) -> None:
    fed(ingest, 60_000)
    assert ingest.put(1, b"y").status_code == 201
    ingest.clock.ms += 1
    if restarted:
        ingest.restart()
    before = dict(ingest.blobs.objects)
    answer = ingest.put(2, b"z")
    assert problem(answer)[:2] == (409, "connection-too-old")
    assert "begin a new connection" in problem(answer)[2]
    assert ingest.blobs.objects == before
    assert ingest.put(0, b"x", connection="c2").status_code == 201


def test_what_an_old_connection_has_may_be_sent_again(ingest: Ingest) -> None:
    fed(ingest, 100 * HOUR_MS)
    assert ingest.put(0, b"x").status_code == 200
    assert problem(ingest.put(0, b"other"))[:2] == (409, "chunk-differs")
    assert ingest.post("speakers", MASKS).status_code == 200


def test_an_old_connection_may_be_ended(ingest: Ingest) -> None:
    fed(ingest, 100 * HOUR_MS)
    assert ingest.post("end", {"last_seq": 0}).status_code == 200
    assert ingest.status().get_json()["ended"] is True


def test_speaker_activity_may_come_an_hour_late(ingest: Ingest) -> None:
    fed(ingest, 60_000 + HOUR_MS)
    assert ingest.post("speakers", MASKS | {"ts_ms": NOW_MS + 1}).status_code == 201
    ingest.clock.ms += 1
    answer = ingest.post("speakers", MASKS | {"ts_ms": NOW_MS + 2})
    assert problem(answer)[:2] == (409, "connection-too-old")


def test_the_age_counts_from_the_first_request_of_any_kind(ingest: Ingest) -> None:
    ingest.post("speakers", MASKS)
    ingest.clock.ms += 60_001
    assert problem(ingest.put(0, b"x"))[:2] == (409, "connection-too-old")


def test_a_connection_of_an_earlier_release_has_no_age(ingest: Ingest) -> None:
    ingest.blobs.create(OBJECTS.stream, describe_stream(StreamDescription("m1")))
    ingest.clock.ms += 100 * HOUR_MS
    assert ingest.put(0, b"x").status_code == 201


def test_the_hot_path_asks_nothing_more(ingest: Ingest) -> None:
    fed(ingest, 10)
    reads, infos = ingest.blobs.reads, []
    info = ingest.blobs.info
    ingest.blobs.info = lambda name: infos.append(name) or info(name)  # type: ignore[method-assign, func-returns-value]  # to see what is asked for
    creates = ingest.blobs.creates
    assert ingest.put(1, b"y").status_code == 201
    assert (ingest.blobs.reads, ingest.blobs.creates, infos) == (reads, creates + 1, [])


def test_there_are_so_many_chunks_and_no_more(ingest: Ingest) -> None:
    for seq in range(3):
        assert ingest.put(seq, b"x").status_code == 201
    answer = ingest.put(3, b"x")
    assert problem(answer)[:2] == (409, "chunk-limit")
    assert ingest.post("end", {"last_seq": 2}).status_code == 200


def test_a_connection_is_not_begun_by_a_chunk_that_it_cannot_have(ingest: Ingest) -> None:
    assert problem(ingest.put(3, b"x"))[:2] == (409, "chunk-limit")
    assert ingest.blobs.objects == {}


def test_chunks_of_a_time_with_a_higher_limit_may_be_sent_again(ingest: Ingest) -> None:
    wider = Ingest()
    wider.put(7, b"x")
    ingest.blobs.objects.update(wider.blobs.objects)
    assert ingest.put(7, b"x").status_code == 200
