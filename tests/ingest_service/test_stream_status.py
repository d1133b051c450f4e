import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.object_names import ConnectionObjects
from ingest_service.intake.stream_status import missing_seqs
from tests.ingest_service.fakes import Ingest, problem


def test_what_is_durable_and_what_is_missing(ingest: Ingest) -> None:
    for seq in (0, 1, 4):
        ingest.put(seq, b"12345")
    ingest.blobs.reads = 0
    assert ingest.status().get_json() == {
        "connection_id": "c1",
        "meeting_id": "m1",
        "chunks": 3,
        "bytes": 15,
        "next_seq": 2,
        "missing": [2, 3],
        "ended": False,
        "last_seq": None,
        "problems": [],
        "recommended_chunk_ms": 3000,
    }
    assert ingest.blobs.reads <= 2, "reads the audio"


def test_what_the_segmenter_could_not_read_is_named(ingest: Ingest) -> None:
    ingest.put(0, b"x")
    objects = ConnectionObjects("default", "c1")
    for item, reason in (("00000003", "corrupt_chunk"), ("end", "truncated_header")):
        ingest.blobs.create(objects.quarantine(item), b"{}", {"reason": reason, "detail": f"it is {reason}"})
    assert ingest.status().get_json()["problems"] == [
        {
            "type": "urn:turnscribe:problem:corrupt-chunk",
            "title": "Not readable",
            "detail": "it is corrupt_chunk",
            "seq": 3,
        },
        {
            "type": "urn:turnscribe:problem:truncated-header",
            "title": "Not readable",
            "detail": "it is truncated_header",
            "seq": None,
        },
    ]


def test_a_complete_stream(ingest: Ingest) -> None:
    ingest.put(0, b"x")
    ingest.post("end", {"last_seq": 0})
    status = ingest.status().get_json()
    assert (status["next_seq"], status["missing"], status["ended"], status["last_seq"]) == (1, [], True, 0)


def test_a_stream_without_chunks(ingest: Ingest) -> None:
    ingest.post("end", {"last_seq": -1})
    status = ingest.status().get_json()
    assert (status["chunks"], status["next_seq"], status["missing"], status["last_seq"]) == (0, 0, [], -1)


def test_the_list_of_missing_chunks_is_bounded(ingest: Ingest) -> None:
    ingest.put(199_999, b"x")
    assert ingest.status().get_json()["missing"] == list(range(1000))


@pytest.mark.parametrize("connection", ["unknown", "c10"])
def test_an_unknown_stream_is_404_and_still_says_how_long_chunks_should_be(ingest: Ingest, connection: str) -> None:
    ingest.put(0, b"x", connection="c1")
    answer = ingest.status(connection)
    assert problem(answer)[:2] == (404, "unknown-stream")
    assert answer.get_json(force=True)["recommended_chunk_ms"] == 3000


@given(st.sets(st.integers(0, 60)))
def test_missing_and_present_together_are_everything(seqs: set[int]) -> None:
    missing = list(missing_seqs(sorted(seqs)))
    assert missing == sorted(set(range(max(seqs, default=0))) - seqs)
