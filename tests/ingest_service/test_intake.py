from hypothesis import given
from hypothesis import strategies as st

from common.settings import Secret
from ingest_service.intake import KnownConnections
from ingest_service.settings import IngestSettings
from tests.ingest_service.fakes import TOKEN, Ingest


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("mn"))), st.integers(1, 4))
def test_the_last_connections_are_remembered_and_no_more(seen: list[tuple[str, str]], capacity: int) -> None:
    known = KnownConnections(capacity)
    expected: dict[str, str] = {}
    for connection, meeting in seen:
        known.remember("t", connection, meeting)
        expected.pop(connection, None)
        expected[connection] = meeting
    kept = dict(list(expected.items())[-capacity:])
    assert {c: m for c in "abcde" if (m := known.meeting_of("t", c))} == kept


def test_asking_keeps_a_connection_alive() -> None:
    known = KnownConnections(2)
    known.remember("t", "a", "m")
    known.remember("t", "b", "m")
    known.meeting_of("t", "a")
    known.remember("t", "c", "m")
    assert [known.meeting_of("t", connection) for connection in "abc"] == ["m", None, "m"]


def test_tenants_do_not_meet() -> None:
    known = KnownConnections()
    known.remember("t", "a", "m")
    assert known.meeting_of("u", "a") is None


def test_raw_audio_path_is_where_objects_lie() -> None:
    ingest = Ingest(IngestSettings(api_token=Secret(TOKEN), raw_audio_path="uploads"))
    ingest.put(0, b"x")
    assert all(name.startswith("uploads/") for name in ingest.blobs.objects)
