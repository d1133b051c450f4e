"""`/v1/uploads` as tus 1.0 wants it: what each request answers, and what is durable then."""

from collections.abc import Mapping

import pytest

from common.events import StreamEnded, StreamOptions
from common.object_names import ConnectionObjects
from common.settings import Secret
from common.stored_chunks import event_of_chunk, stream_description
from ingest_service.settings import IngestSettings
from tests.ingest_service.fakes import AUTHORIZED, NOW_MS, TOKEN, Fault, Ingest, problem
from tests.ingest_service.tus import PART, TUS, connection_of, create, head, metadata, offset, patch, stored_pieces

RECORDING = b"OggS" + bytes(range(200))
LENGTH = len(RECORDING)
SAID = {
    "filename": "Besprechung ä.ogg",
    "filetype": "audio/ogg",
    "meeting_id": "m1",
    "language": "de",
    "source": "phone",
    "channels": "separate",
    "channel_speakers": "Ann,Jörg",
    "started_at_ms": "1690000000000",
}
OPTIONS = StreamOptions("audio/ogg", "phone", "de", "separate", ("Ann", "Jörg"), started_at_ms=1_690_000_000_000)


@pytest.fixture
def url(ingest: Ingest) -> str:
    return create(ingest, LENGTH, SAID).headers["Location"]


def test_an_upload_in_parts_becomes_a_connection_that_is_complete(ingest: Ingest) -> None:
    created = create(ingest, LENGTH, SAID)
    url = created.headers["Location"]
    assert (created.status_code, created.data, created.headers["Upload-Offset"]) == (201, b"", "0")
    assert ingest.events == []
    for at in range(0, LENGTH, 100):
        answer = patch(ingest, url, at, RECORDING[at : at + 100])
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(min(at + 100, LENGTH)))
        assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert b"".join(stored_pieces(ingest, url)) == RECORDING
    (event,) = ingest.events
    assert isinstance(event, StreamEnded)
    assert (event.connection_id, event.meeting_id, event.last_seq) == (connection_of(url), "m1", 2)
    objects = ConnectionObjects("default", connection_of(url))
    described = stream_description(ingest.blobs.objects[objects.stream].data)
    assert (described.meeting_id, described.options) == ("m1", OPTIONS)
    for chunk in ingest.blobs.list(objects.chunks_prefix):
        stored = event_of_chunk("default", connection_of(url), chunk)
        assert (stored.meeting_id, stored.options, stored.captured_at_ms) == ("m1", OPTIONS, NOW_MS)


def test_nobody_knows_of_an_upload_before_its_last_byte(ingest: Ingest, url: str) -> None:
    patch(ingest, url, 0, RECORDING[:-1])
    assert ingest.events == []
    objects = ConnectionObjects("default", connection_of(url))
    assert objects.stream not in ingest.blobs.objects
    assert objects.unregistered not in ingest.blobs.objects


def test_what_there_is_of_it_can_be_asked(ingest: Ingest, url: str) -> None:
    patch(ingest, url, 0, RECORDING[:50])
    ingest.restart()
    answer = head(ingest, url)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Upload-Offset"] == "50"
    assert answer.headers["Upload-Length"] == str(LENGTH)
    assert answer.headers["Upload-Metadata"] == metadata(SAID)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Tus-Resumable"] == "1.0.0"


def test_without_metadata_there_is_none(ingest: Ingest) -> None:
    url = create(ingest, LENGTH).headers["Location"]
    assert "Upload-Metadata" not in head(ingest, url).headers
    patch(ingest, url, 0, RECORDING)
    assert ingest.events[0].meeting_id == connection_of(url)


def test_the_first_part_may_come_with_the_creation(ingest: Ingest) -> None:
    answer = create(ingest, LENGTH, SAID, body=RECORDING[:60])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "60")
    whole = create(ingest, LENGTH, SAID, key="other", body=RECORDING)
    assert whole.headers["Upload-Offset"] == str(LENGTH)
    assert [event.connection_id for event in ingest.events] == [connection_of(whole.headers["Location"])]


def test_the_same_key_finds_the_upload_again(ingest: Ingest, url: str) -> None:
    patch(ingest, url, 0, RECORDING[:50])
    for _ in range(2):
        ingest.clock.ms += 1_000
        ingest.restart()
        again = create(ingest, LENGTH, SAID | {"filename": "renamed.ogg"}, body=RECORDING)
        assert (again.status_code, again.headers["Location"], again.headers["Upload-Offset"]) == (201, url, "50")
    assert stored_pieces(ingest, url) == [RECORDING[:50]]
    patch(ingest, url, 50, RECORDING[50:])
    assert create(ingest, LENGTH, SAID).headers["Upload-Offset"] == str(LENGTH)
    assert create(ingest, LENGTH, SAID, key=None).headers["Location"] != url


@pytest.mark.parametrize(
    ("length", "said"), [(LENGTH + 1, SAID), (LENGTH, SAID | {"meeting_id": "m2"}), (LENGTH, SAID | {"language": "en"})]
)
def test_a_key_is_no_other_uploads(ingest: Ingest, url: str, length: int, said: Mapping[str, str]) -> None:
    before = dict(ingest.blobs.objects)
    assert problem(create(ingest, length, said))[:2] == (422, "idempotency-key-reused")
    assert problem(create(ingest, length, said, body=RECORDING))[:2] == (422, "idempotency-key-reused")
    assert ingest.blobs.objects == before


def test_a_connection_may_be_named(ingest: Ingest) -> None:
    said = SAID | {"connection_id": "c1"}
    assert create(ingest, LENGTH, said, key=None).headers["Location"] == "/v1/uploads/c1"
    assert create(ingest, LENGTH, said, key="any").status_code == 201
    assert problem(create(ingest, 5, said))[:2] == (409, "recording-differs")
    assert problem(create(ingest, LENGTH, said | {"meeting_id": "m2"}))[:2] == (409, "recording-differs")


@pytest.mark.parametrize("meeting", ["m1", "m2"])
def test_a_connection_with_other_audio_is_no_uploads(ingest: Ingest, meeting: str) -> None:
    ingest.put(0, RECORDING)
    answer = create(ingest, LENGTH, {"connection_id": "c1", "meeting_id": meeting})
    assert problem(answer)[0] == 409
    assert ConnectionObjects("default", "c1").upload not in ingest.blobs.objects


def test_an_upload_s_connection_is_no_recordings(ingest: Ingest, url: str) -> None:
    query = f"connection_id={connection_of(url)}&meeting_id=m1"
    answer = ingest.client.post(f"/v1/recordings?{query}", data=RECORDING, headers=AUTHORIZED)
    assert problem(answer)[:2] == (409, "recording-differs")
    assert stored_pieces(ingest, url) == []


def test_a_part_at_another_offset_is_refused(ingest: Ingest, url: str) -> None:
    patch(ingest, url, 0, RECORDING[:50])
    for at in (0, 49, 51, LENGTH, LENGTH + 9):
        answer = patch(ingest, url, at, b"")
        assert problem(answer)[:2] == (409, "offset-differs")
        assert answer.headers["Upload-Offset"] == "50"
    assert stored_pieces(ingest, url) == [RECORDING[:50]]


def test_an_empty_part_changes_nothing(ingest: Ingest, url: str) -> None:
    answer = patch(ingest, url, 0, b"")
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "0")
    assert stored_pieces(ingest, url) == []


@pytest.mark.parametrize("breaks_after", [0, 5, 60])
def test_what_came_before_the_connection_broke_is_kept(ingest: Ingest, url: str, breaks_after: int) -> None:
    answer = patch(ingest, url, 0, RECORDING, breaks_after=breaks_after)
    assert problem(answer)[:2] == (400, "incomplete-body")
    assert answer.headers["Upload-Offset"] == str(breaks_after)
    assert offset(ingest, url) == breaks_after
    assert patch(ingest, url, breaks_after, RECORDING[breaks_after:]).status_code == 204
    assert b"".join(stored_pieces(ingest, url)) == RECORDING


def test_more_than_was_announced_is_refused(ingest: Ingest, url: str) -> None:
    assert problem(patch(ingest, url, 0, RECORDING + b"x"))[:2] == (413, "body-too-large")
    assert stored_pieces(ingest, url) == []
    assert problem(create(ingest, 10, key="other", body=RECORDING))[:2] == (413, "body-too-large")


def test_what_begins_no_recording_is_refused_before_anything_is_stored(ingest: Ingest, url: str) -> None:
    assert problem(patch(ingest, url, 0, b"<html>" + b" " * 60))[:2] == (415, "unknown-container")
    assert stored_pieces(ingest, url) == []
    before = dict(ingest.blobs.objects)
    answer = create(ingest, 100, key="other", body=b"<html>" + b" " * 60)
    assert problem(answer)[:2] == (415, "unknown-container")
    assert ingest.blobs.objects == before
    assert patch(ingest, url, 0, RECORDING).status_code == 204


def test_samples_without_a_header_are_declared(ingest: Ingest) -> None:
    url = create(ingest, 100, {"filetype": "audio/pcm;rate=8000"}).headers["Location"]
    assert patch(ingest, url, 0, b"\x00" * 100).status_code == 204


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER])
@pytest.mark.parametrize("calls", [1, 2, 3])
@pytest.mark.parametrize("method", ["HEAD", "PATCH", "POST"])
def test_an_upload_that_died_over_its_end_is_finished_by_whoever_looks(
    ingest: Ingest, url: str, fault: Fault, calls: int, method: str
) -> None:
    patch(ingest, url, 0, RECORDING[:-1])
    ingest.blobs.faults.plan([Fault.NONE] * calls + [fault])  # the piece, then: mark, description, end
    assert problem(patch(ingest, url, LENGTH - 1, RECORDING[-1:]))[0] == 503
    assert ingest.events == []
    ingest.restart()
    if method == "HEAD":
        assert head(ingest, url).headers["Upload-Offset"] == str(LENGTH)
    elif method == "PATCH":
        assert patch(ingest, url, LENGTH, b"").status_code == 204
    else:
        assert create(ingest, LENGTH, SAID).headers["Upload-Offset"] == str(LENGTH)
    (event,) = ingest.events
    assert isinstance(event, StreamEnded)
    assert event.last_seq == 1


def test_an_end_that_was_not_published_is_published_by_whoever_looks(ingest: Ingest, url: str) -> None:
    ingest.publisher.faults.plan([Fault.BEFORE, Fault.BEFORE])
    assert problem(patch(ingest, url, 0, RECORDING))[0] == 503
    assert head(ingest, url).status_code == 503
    assert [head(ingest, url).status_code for _ in range(3)] == [200] * 3
    assert len(ingest.events) == 1


def test_what_the_server_is_capable_of_is_told_to_everybody(ingest: Ingest) -> None:
    for path in ("/v1/uploads", "/v1/uploads/c1"):
        answer = ingest.client.options(path)
        assert answer.status_code == 204
        assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
        assert answer.headers["Tus-Extension"] == "creation,creation-with-upload"
        assert answer.headers["Tus-Max-Size"] == str(ingest.settings.max_recording_bytes)


@pytest.mark.parametrize("version", ["0.2.2", "", None])
def test_another_version_is_412_and_says_which_there_is(ingest: Ingest, url: str, version: str | None) -> None:
    headers = AUTHORIZED | PART | ({} if version is None else {"Tus-Resumable": version})
    headers |= {"Upload-Offset": "0", "Upload-Length": "9"}
    before = dict(ingest.blobs.objects)
    for method, path in (("POST", "/v1/uploads"), ("HEAD", url), ("PATCH", url)):
        answer = ingest.client.open(path, method=method, headers=headers, data=b"" if method == "HEAD" else RECORDING)
        assert answer.status_code == 412
        assert answer.headers["Tus-Version"] == "1.0.0"
    assert ingest.blobs.objects == before


@pytest.mark.parametrize("content_type", ["application/octet-stream", "audio/ogg", ""])
def test_bytes_of_another_type_are_415(ingest: Ingest, url: str, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    answer = ingest.client.patch(url, headers=TUS | headers | {"Upload-Offset": "0"}, data=RECORDING)
    assert problem(answer)[:2] == (415, "not-a-part-of-an-upload")
    answer = create(ingest, LENGTH, key="other", body=RECORDING, headers=headers)
    assert problem(answer)[:2] == (415, "not-a-part-of-an-upload")


def test_what_is_too_large_is_413_at_its_creation() -> None:
    ingest = Ingest(IngestSettings(api_token=Secret(TOKEN), max_recording_bytes=1024**2))
    answer = create(ingest, 1024**2 + 1)
    assert problem(answer)[:2] == (413, "upload-too-large")
    assert ingest.blobs.objects == {}
    assert create(ingest, 1024**2).status_code == 201


@pytest.mark.parametrize(
    ("headers", "status", "named"),
    [
        ({"Upload-Length": "0"}, 400, "no bytes"),
        ({"Upload-Length": ""}, 400, "Upload-Length must be a whole number"),
        ({"Upload-Length": "-1"}, 400, "Upload-Length must be a whole number"),
        ({"Upload-Length": "1e3"}, 400, "Upload-Length must be a whole number"),
        ({"Upload-Length": "9" * 30}, 400, "Upload-Length must be a whole number"),
        ({"Upload-Defer-Length": "1"}, 400, "Upload-Defer-Length is not supported"),
        ({"Upload-Metadata": "filename !"}, 400, "for the key filename"),
        ({"Upload-Metadata": "meeting_id YTpi"}, 400, "meeting_id may only contain"),
        ({"Upload-Metadata": "connection_id Li4veA=="}, 400, "connection_id may only contain"),
        ({"Upload-Metadata": "started_at_ms MTcwMDAwMDAwMA=="}, 400, "started_at_ms must be in milliseconds"),
        ({"Upload-Metadata": "lang ZGU="}, 400, "unknown key lang"),
        ({"Idempotency-Key": "k" * 256}, 400, "Idempotency-Key has 256 characters"),
        ({"Idempotency-Key": "a b"}, 400, "Idempotency-Key may only have"),
    ],
)
def test_a_bad_creation_is_named(ingest: Ingest, headers: dict[str, str], status: int, named: str) -> None:
    answered, _, detail = problem(create(ingest, 9, headers=headers))
    assert answered == status
    assert named in detail
    assert ingest.blobs.objects == {}


def test_a_length_is_needed(ingest: Ingest) -> None:
    assert "Upload-Length is missing" in problem(ingest.client.post("/v1/uploads", headers=TUS))[2]


@pytest.mark.parametrize("at", ["", "-1", "x", "1.5"])
def test_a_bad_offset_is_named(ingest: Ingest, url: str, at: str) -> None:
    assert "Upload-Offset must be a whole number" in problem(patch(ingest, url, at, b""))[2]


def test_an_upload_that_nobody_began_is_404(ingest: Ingest) -> None:
    assert problem(patch(ingest, "/v1/uploads/c1", 0, RECORDING))[:2] == (404, "unknown-upload")
    assert head(ingest, "/v1/uploads/c1").status_code == 404
    assert problem(patch(ingest, "/v1/uploads/a:b", 0, RECORDING))[:2] == (400, "invalid-id")


def test_who_has_no_token_gets_nothing(ingest: Ingest, url: str) -> None:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Upload-Length": "9", **PART}
    for method, path in (("POST", "/v1/uploads"), ("HEAD", url), ("PATCH", url)):
        assert ingest.client.open(path, method=method, headers=headers).status_code == 401
    assert ingest.client.head(f"{url}?token={TOKEN}", headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_other_methods_are_405(ingest: Ingest, url: str, method: str) -> None:
    assert problem(ingest.client.open(url, method=method, headers=TUS))[:2] == (405, "method-not-allowed")


def test_a_method_may_be_named_in_a_header(ingest: Ingest, url: str) -> None:
    headers = {**TUS, **PART, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    answer = ingest.client.post(url, headers=headers, data=RECORDING[:50])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "50")
    answer = ingest.client.post(url, headers=TUS | {"X-HTTP-Method-Override": "HEAD"})
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (200, "50")
    assert ingest.client.post(url, headers=TUS | {"X-HTTP-Method-Override": "DELETE"}).status_code == 405
    chunk = "/v1/streams/c1/chunks/0?meeting_id=m1"
    assert ingest.client.post(chunk, headers=TUS | {"X-HTTP-Method-Override": "PUT"}).status_code == 405
