import msgspec
import pytest
from flask.testing import FlaskClient

from common.object_names import ConnectionObjects
from common.stored_segments import store_event
from tests.transcribe_service.asking import get, problem
from tests.transcribe_service.fakes import World, segment_ready
from tests.transcribe_service.spoken import EPOCH_MS, segment, stream
from transcribe_service.app import create_app

FLAC = b"fLaC" + bytes(range(200))
PATH = "/v1/meetings/m1/segments/c1:0:3200/audio"


@pytest.fixture
def client(world: World) -> FlaskClient:
    return create_app(world.deps()).test_client()


@pytest.fixture
def meeting(world: World) -> World:
    world.streams.open(stream(segments=1))
    store(world, "c1", 3200)
    return world


def store(world: World, connection_id: str, start_ms: int, *, tenant: str = "default", padding_ms: int = 250) -> None:
    objects = ConnectionObjects(tenant, connection_id)
    event = msgspec.structs.replace(
        segment_ready(start_ms=start_ms), connection_id=connection_id, padding_ms=padding_ms
    )
    world.blobs.create(objects.final_segment(0, start_ms), FLAC, store_event(world.blobs, objects, event))


def test_a_final_segment_can_be_heard(client: FlaskClient, meeting: World) -> None:
    answer = get(client, PATH)
    assert (answer.status_code, answer.data, answer.content_type) == (200, FLAC, "audio/flac")
    assert answer.headers["Turnscribe-Start-Ms"] == "3200"
    assert answer.headers["Turnscribe-Padding-Ms"] == "250"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"].startswith('"'), "a strong one: byte for byte"
    assert get(client, PATH, **{"If-None-Match": answer.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    ("asked", "part", "named"),
    [
        ("bytes=0-9", FLAC[:10], "bytes 0-9/204"),
        ("bytes=200-", FLAC[200:], "bytes 200-203/204"),
        ("bytes=-4", FLAC[-4:], "bytes 200-203/204"),
        ("bytes=100-9999", FLAC[100:], "bytes 100-203/204"),
    ],
)
def test_a_part_of_it(client: FlaskClient, meeting: World, asked: str, part: bytes, named: str) -> None:
    answer = get(client, PATH, Range=asked)
    assert (answer.status_code, answer.data) == (206, part)
    assert answer.headers["Content-Range"] == named
    assert answer.headers["Content-Length"] == str(len(part))
    assert answer.headers["Turnscribe-Start-Ms"] == "3200"


@pytest.mark.parametrize("asked", ["bytes=204-", "bytes=5-2", "bytes=0-1,5-6", "bytes", "lines=1-2"])
def test_a_part_that_there_is_not(client: FlaskClient, meeting: World, asked: str) -> None:
    answer = get(client, PATH, Range=asked)
    assert problem(answer, 416)["type"].endswith(":range-not-satisfiable")
    assert answer.headers["Content-Range"] == "bytes */204"


def test_a_part_of_what_is_another_by_now_is_all_of_it(client: FlaskClient, meeting: World) -> None:
    etag = get(client, PATH).headers["ETag"]
    assert get(client, PATH, Range="bytes=0-9", **{"If-Range": etag}).status_code == 206
    assert get(client, PATH, Range="bytes=0-9", **{"If-Range": '"other"'}).data == FLAC


def test_it_lies_on_the_meeting_s_clock(client: FlaskClient, meeting: World) -> None:
    """Another connection began seven seconds earlier."""
    meeting.streams.open(stream("c2", segments=1))
    meeting.transcripts.put(segment(("late", 3300, 3400, None), start_ms=3200, offset_ms=EPOCH_MS))
    meeting.transcripts.put(segment(("early", 0, 100, None), connection="c2", offset_ms=EPOCH_MS - 7000))
    store(meeting, "c2", 0)
    assert get(client, PATH).headers["Turnscribe-Start-Ms"] == "10200"
    assert get(client, "/v1/meetings/m1/segments/c2:0:0/audio").headers["Turnscribe-Start-Ms"] == "0"


def test_what_an_earlier_release_stored_without_an_event_can_be_heard(client: FlaskClient, meeting: World) -> None:
    meeting.blobs.create(ConnectionObjects("default", "c1").final_segment(1, 0), FLAC)
    assert get(client, "/v1/meetings/m1/segments/c1:1:0/audio").headers["Turnscribe-Padding-Ms"] == "200"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/meetings/m1/segments/c1:0:0/audio",
        "/v1/meetings/m1/segments/c2:0:3200/audio",
        "/v1/meetings/m2/segments/c1:0:3200/audio",
        "/v1/meetings/m1/segments/theirs:0:3200/audio",
    ],
)
def test_where_there_is_none_of_this_meeting_s_it_is_not_found(client: FlaskClient, meeting: World, path: str) -> None:
    meeting.streams.open(msgspec.structs.replace(stream("theirs"), tenant="other"))
    store(meeting, "theirs", 3200, tenant="other")
    assert problem(get(client, path), 404)["type"].endswith(":unknown-segment")


@pytest.mark.parametrize("segment_id", ["c1", "c1:0", "c1:0:x", "c1:00:1", "c1:0:-1", "..:0:0", "a b:0:0"])
def test_what_is_no_segment_s_id_is_told_so(client: FlaskClient, meeting: World, segment_id: str) -> None:
    assert problem(get(client, f"/v1/meetings/m1/segments/{segment_id}/audio"), 400)["field"] == "segment_id"
    assert problem(get(client, "/v1/meetings/m:1/segments/c1:0:0/audio"), 400)["field"] == "meeting_id"
