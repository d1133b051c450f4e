import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from common.events import ChunkStored, StreamEnded
from common.object_names import ConnectionObjects
from ingest_service.earlier.sessions import session_name
from tests.ingest_service.earlier.passing_time import Passing
from tests.ingest_service.fakes import AUTHORIZED, Fault, Ingest, problem

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "
PATH = "/api/audio/stream"


def send(
    ingest: Ingest, data: bytes, session: str | None = None, content_type: str = "application/octet-stream"
) -> TestResponse:
    headers = AUTHORIZED | ({"X-Session-ID": session} if session else {})
    return ingest.client.post(PATH, data=data, headers=headers, content_type=content_type)


def stored(ingest: Ingest, connection_id: str) -> list[bytes]:
    prefix = ConnectionObjects("default", connection_id).chunks_prefix
    return [held.data for name, held in sorted(ingest.blobs.objects.items()) if name.startswith(prefix)]


def test_a_whole_recording(ingest: Ingest) -> None:
    answer = send(ingest, WAV + b"x" * 3_000_000)
    assert answer.status_code == 200
    said = answer.get_json()
    assert said["connection_id"] == said["meeting_id"] == said["session_id"]
    assert b"".join(stored(ingest, said["connection_id"])) == WAV + b"x" * 3_000_000
    (end,) = ingest.events
    assert isinstance(end, StreamEnded)


def test_a_sessions_chunks_become_its_connections_in_order(ingest: Ingest) -> None:
    chunks = [WAV, b"two", b"three", b"four"]
    for number, chunk in enumerate(chunks):
        if number == 2:
            ingest.restart()
        said = send(ingest, chunk, "call-17").get_json()
        assert said["connection_id"] == said["meeting_id"] == said["session_id"] == "call-17"
    assert stored(ingest, "call-17") == chunks
    assert [each.seq for each in ingest.events if isinstance(each, ChunkStored)] == [0, 1, 2, 3]


@given(
    st.lists(
        st.tuples(st.binary(min_size=1, max_size=4), st.sampled_from(list(Fault)), st.booleans(), st.booleans()),
        max_size=12,
    )
)
def test_a_chunk_that_is_sent_again_after_a_lost_answer_is_one(
    sent: list[tuple[bytes, Fault, bool, bool]],
) -> None:
    ingest = Ingest()
    ingest.drain = Passing(ingest.clock)
    ingest.restart()
    expected = [WAV]
    send(ingest, WAV, "s")
    for data, fault, again, restart in sent:
        if data == expected[-1]:
            continue
        ingest.publisher.faults.plan([fault])
        assert send(ingest, data, "s").status_code == 200
        if restart:
            ingest.restart()
        if again:
            assert send(ingest, data, "s").status_code == 200
        expected.append(data)
    assert stored(ingest, "s") == expected


def test_silence_without_a_header_may_repeat_itself(ingest: Ingest) -> None:
    kind = "audio/pcm;rate=16000;channels=1"
    for _ in range(3):
        send(ingest, bytes(3_200), "s", kind)
    assert stored(ingest, "s") == [bytes(3_200)] * 3


def test_two_processes_append_to_one_session(ingest: Ingest) -> None:
    first = ingest.client
    ingest.restart()
    second = ingest.client
    chunks = [WAV, *(b"%d" % n for n in range(1, 20))]
    for number, chunk in enumerate(chunks):
        client = first if number % 3 else second
        client.post(PATH, data=chunk, headers=AUTHORIZED | {"X-Session-ID": "s"})
    assert stored(ingest, "s") == chunks


@given(st.text(min_size=1))
def test_any_session_has_a_connection(session_id: str) -> None:
    name = session_name(session_id)
    assert session_name(name) == name


def test_what_is_no_recording_is_refused(ingest: Ingest) -> None:
    for session in (None, "s"):
        assert problem(send(ingest, b"<html><body>no audio at all</body></html>", session))[:2] == (
            415,
            "unknown-container",
        )
    assert problem(send(ingest, b""))[:2] == (400, "empty-recording")
    assert ingest.blobs.objects == {}


@pytest.mark.parametrize("session", [None, "s"])
def test_without_a_token_nothing_is_taken(ingest: Ingest, session: str | None) -> None:
    headers = {"X-Session-ID": session} if session else {}
    assert ingest.client.post(PATH, data=WAV, headers=headers).status_code == 401
