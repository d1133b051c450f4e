import base64
import json

import msgspec
import pytest
from flask.testing import FlaskClient

from common.errors import Backpressure
from common.events import SegmentReady, TranscriptUpdated, to_message
from tests.transcribe_service.asking import READER, get, problem
from tests.transcribe_service.fakes import DOWN, PUSH_TOKEN, World, segment_ready
from tests.transcribe_service.spoken import segment, stream
from transcribe_service.app import create_app

PUSHER = {"Authorization": f"Bearer {PUSH_TOKEN}"}


@pytest.fixture
def client(world: World) -> FlaskClient:
    return create_app(world.deps()).test_client()


@pytest.fixture
def meeting(world: World) -> World:
    world.streams.open(stream(segments=1))
    world.transcripts.put(segment(("Hello", 100, 600, "Ada")))
    return world


def test_the_transcript_as_json(client: FlaskClient, meeting: World) -> None:
    response = get(client, "/v1/meetings/m1/transcript")
    assert response.status_code == 200
    assert response.content_type == "application/json"
    document = json.loads(response.data)
    assert document["meeting_id"] == "m1"
    assert document["complete"] is True
    assert document["streams"][0]["connection_id"] == "c1"
    (said,) = document["utterances"]
    assert (said["speaker"], said["speaker_key"]) == ("Ada", "Ada")
    assert said["start_at"] == "2023-11-14T22:13:20.100Z"
    word = {"text": "Hello", "start_ms": 100, "end_ms": 600, "probability": 0.9, "speaker": "Ada", "confirmed": False}
    assert said["words"] == [word]


@pytest.mark.parametrize(
    ("name", "content_type", "beginning"),
    [
        ("json", "application/json", b"{"),
        ("text", "text/plain; charset=utf-8", b"[00:00:00] Ada: Hello"),
        ("srt", "application/x-subrip", b"1\n00:00:00,100 -->"),
        ("vtt", "text/vtt", b"WEBVTT\n\n00:00:00.100 -->"),
    ],
)
def test_formats_by_name_and_by_media_type(
    client: FlaskClient, meeting: World, name: str, content_type: str, beginning: bytes
) -> None:
    by_name = get(client, f"/v1/meetings/m1/transcript?format={name}")
    by_type = get(client, "/v1/meetings/m1/transcript", Accept=content_type.partition(";")[0])
    for response in (by_name, by_type):
        assert response.headers["Content-Type"] == content_type
        assert response.data.startswith(beginning)


@pytest.mark.parametrize("name", ["verbose_json", "diarized_json"])
def test_openai_s_formats_by_name_alone(client: FlaskClient, meeting: World, name: str) -> None:
    response = get(client, f"/v1/meetings/m1/transcript?format={name}", Accept="application/json")
    assert response.content_type == "application/json"
    assert json.loads(response.data)["task"] == "transcribe"


@pytest.mark.parametrize("accept", ["*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "application/*"])
def test_who_takes_anything_gets_json(client: FlaskClient, meeting: World, accept: str) -> None:
    assert get(client, "/v1/meetings/m1/transcript", Accept=accept).content_type == "application/json"


def test_an_unknown_format_is_told_which_there_are(client: FlaskClient, meeting: World) -> None:
    assert problem(get(client, "/v1/meetings/m1/transcript?format=docx"), 400)["formats"] == [
        "json",
        "text",
        "srt",
        "vtt",
        "verbose_json",
        "diarized_json",
    ]
    assert "vtt" in problem(get(client, "/v1/meetings/m1/transcript", Accept="image/png"), 406)["formats"]


def test_provisional_is_true_or_false(client: FlaskClient, meeting: World) -> None:
    meeting.transcripts.put(segment(("more", 20_000, 20_300, None), start_ms=20_000, final=False, end_ms=21_000))
    counts = {
        query: len(json.loads(get(client, f"/v1/meetings/m1/transcript{query}").data)["utterances"])
        for query in ("", "?provisional=true", "?provisional=false")
    }
    assert counts == {"": 1, "?provisional=true": 2, "?provisional=false": 1}
    assert problem(get(client, "/v1/meetings/m1/transcript?provisional=1"), 400)["parameter"] == "provisional"


def test_who_has_the_newest_version_gets_it_no_second_time(client: FlaskClient, meeting: World) -> None:
    first = get(client, "/v1/meetings/m1/transcript")
    again = get(client, "/v1/meetings/m1/transcript", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    meeting.transcripts.put(segment(("Changed", 0, 300, None), start_ms=20_000))
    assert get(client, "/v1/meetings/m1/transcript", **{"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/meetings/m1/transcript", "/v1/meetings/m1"])
def test_only_with_the_right_token(client: FlaskClient, meeting: World, path: str) -> None:
    assert problem(client.get(path), 401)["type"].endswith(":unauthorized")
    assert problem(client.get(path, headers={"Authorization": "Bearer wrong"}), 401)
    assert problem(client.get(path, headers=PUSHER), 401)


@pytest.mark.parametrize("bad", ["..%2Fx", "../x", "a:b", "x" * 200, "%2e%2e", "__m__", "a%00b", "."])
@pytest.mark.parametrize("rest", ["", "/transcript"])
def test_a_bad_id_is_named(client: FlaskClient, bad: str, rest: str) -> None:
    found = problem(get(client, f"/v1/meetings/{bad}{rest}"), 400)
    assert found["field"] == "meeting_id"
    assert "meeting_id" in found["detail"]


@pytest.mark.parametrize("path", ["/v1/meetings/nobody", "/v1/meetings/nobody/transcript"])
def test_an_unknown_meeting_is_not_found(client: FlaskClient, meeting: World, path: str) -> None:
    assert problem(get(client, path), 404)["type"] == "urn:turnscribe:problem:unknown-meeting"


def test_the_meeting_of_another_tenant_is_unknown(client: FlaskClient, world: World) -> None:
    world.streams.open(msgspec.structs.replace(stream(), tenant="other"))
    world.transcripts.put(msgspec.structs.replace(segment(("secret", 0, 1, None)), tenant="other"))
    problem(get(client, "/v1/meetings/m1/transcript"), 404)


def push_body(event: SegmentReady | TranscriptUpdated, now_ms: int) -> bytes:
    message = to_message(event, source="/test", now_ms=now_ms)
    envelope = {
        "message": {
            "data": base64.b64encode(message.data).decode(),
            "attributes": dict(message.attributes),
            "messageId": "1",
        },
        "subscription": "segments",
    }
    return json.dumps(envelope).encode()


def push(client: FlaskClient, body: bytes, headers: dict[str, str] = PUSHER) -> int:
    return client.post("/push/segments", data=body, headers=headers).status_code


def test_a_pushed_segment_can_be_read(client: FlaskClient, world: World) -> None:
    event = segment_ready()
    world.blobs.create(event.object_name, b"fLaC")
    assert push(client, push_body(event, world.clock.now_ms())) == 204
    document = json.loads(get(client, "/v1/meetings/m1/transcript").data)
    assert [said["text"] for said in document["utterances"]] == ["hello world"]


def test_a_push_with_the_wrong_token_changes_nothing(client: FlaskClient, world: World) -> None:
    assert push(client, push_body(segment_ready(), 0), READER) == 401
    assert world.whisper.asked == []


def test_failures_become_the_statuses_of_push(client: FlaskClient, world: World) -> None:
    event = segment_ready()
    body = push_body(event, world.clock.now_ms())
    assert push(client, body) == 503
    world.blobs.create(event.object_name, b"fLaC")
    world.whisper.errors = [Backpressure("busy", reason="whisper_saturated", retry_after_s=3)]
    assert push(client, body) == 429
    assert push(client, body) == 204


def test_what_is_no_event_is_quarantined_with_its_bytes(client: FlaskClient, world: World) -> None:
    assert push(client, b"not json") == 204
    ((name, kept),) = world.blobs.objects.items()
    assert name.startswith("raw/quarantine/")
    assert kept.data == b"not json"
    assert kept.metadata["reason"] == "invalid_envelope"


def test_what_can_not_be_quarantined_comes_back(client: FlaskClient, world: World) -> None:
    world.blobs.faults.before.append(DOWN)
    assert push(client, b"not json") == 503
    assert push(client, b"not json") == 204


def test_live_work_that_waited_too_long_is_given_up(client: FlaskClient, world: World) -> None:
    event = segment_ready(final=False)
    world.blobs.create(event.object_name, b"fLaC")
    body = push_body(event, world.clock.now_ms())
    world.clock.sleep(15.1)
    assert push(client, body) == 204
    assert world.whisper.asked == []
    assert push(client, push_body(event, world.clock.now_ms())) == 204
    assert len(world.whisper.asked) == 1


def test_readiness_names_what_is_down(client: FlaskClient, world: World) -> None:
    assert client.get("/health/ready").status_code == 200
    world.transcripts.faults.before.append(DOWN)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert json.loads(response.data)["components"]["transcripts"] == "store_down"
