import pytest

from common.events import StreamEnded
from common.object_names import ConnectionObjects
from common.stored_chunks import event_of_content
from tests.ingest_service.fakes import Fault, Ingest, problem

OBJECTS = ConnectionObjects("default", "c1")


def test_the_end_is_stored_and_published(ingest: Ingest) -> None:
    answer = ingest.post("end", {"last_seq": 7, "observations": 21})
    assert answer.status_code == 200
    assert answer.get_json() == {"connection_id": "c1", "last_seq": 7, "observations": 21}
    ended = StreamEnded(
        tenant="default",
        meeting_id="m1",
        connection_id="c1",
        last_seq=7,
        observations=21,
        object_name=OBJECTS.end,
    )
    assert ingest.events == [ended]
    assert event_of_content(ingest.blobs.objects[OBJECTS.end].data, StreamEnded) == ended


@pytest.mark.parametrize("body", [{"last_seq": -1}, {"last_seq": 0, "observations": None}])
def test_a_stream_may_end_without_chunks_or_count(ingest: Ingest, body: dict[str, int | None]) -> None:
    assert ingest.post("end", body).status_code == 200


def test_the_first_end_counts(ingest: Ingest) -> None:
    ingest.post("end", {"last_seq": 7, "observations": 21})
    assert ingest.post("end", {"last_seq": 7}).get_json()["observations"] == 21
    assert len(set(ingest.events)) == 1
    conflict = ingest.post("end", {"last_seq": 8})
    assert problem(conflict) == (409, "stream-ended-otherwise", "This stream has ended with last_seq 7.")
    assert len(ingest.events) == 2


def test_the_end_of_another_meeting_is_refused(ingest: Ingest) -> None:
    ingest.put(0, b"x")
    assert problem(ingest.post("end", {"last_seq": 0}, meeting="m2"))[:2] == (409, "connection-of-another-meeting")


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER])
def test_a_failed_publish_is_503_and_the_retry_heals_it(ingest: Ingest, fault: Fault) -> None:
    ingest.publisher.faults.plan([fault])
    assert problem(ingest.post("end", {"last_seq": 3}))[0] == 503
    assert ingest.post("end", {"last_seq": 3}).status_code == 200
    assert len(set(ingest.events)) == 1


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "truncated"),
        (b"[]", "object"),
        (b"\xff\xfe", "malformed"),
        (b"[" * 64, "object"),
        (b"{}", "last_seq"),
        (b'{"last_seq":"7"}', "last_seq"),
        (b'{"last_seq":-2}', "last_seq"),
        (b'{"last_seq":100000000}', "last_seq"),
        (b'{"last_seq":1.5}', "last_seq"),
        (b'{"last_seq":1,"observations":-1}', "observations"),
        (b'{"last_seq":1,"observations":18446744073709551616}', "observations"),
        (b'{"last_seq":1,"laste_seq":1}', "laste_seq"),
    ],
)
def test_a_bad_end_is_named(ingest: Ingest, body: bytes, named: str) -> None:
    status, kind, detail = problem(ingest.post("end", body))
    assert (status, kind) == (400, "invalid-body")
    assert named in detail
    assert ingest.blobs.objects == {}
