import json
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from common.dead_letters import DeadLetters, as_dead_letter
from common.events import SegmentReady, to_message
from common.object_names import dead_letter
from tests.transcribe_service.fakes import API_TOKEN, DOWN, PUSH_TOKEN, World, segment_ready
from tests.transcribe_service.reading.test_transcribe_routes import problem, push_body
from transcribe_service.app import create_app

READER = {"Authorization": f"Bearer {API_TOKEN}"}
PUSHER = {"Authorization": f"Bearer {PUSH_TOKEN}"}
UNKNOWN = f"{5:014d}-{'0' * 32}"


@pytest.fixture
def client(world: World) -> FlaskClient:
    return create_app(world.deps()).test_client()


def get(client: FlaskClient, path: str) -> TestResponse:
    return client.get(f"/v1/deadletters{path}", headers=READER)


def post(client: FlaskClient, path: str) -> TestResponse:
    return client.post(f"/v1/deadletters{path}", headers=READER)


def body(response: TestResponse) -> dict[str, Any]:
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = json.loads(response.data)
    return found


def keep(world: World, event: SegmentReady, data: bytes | None = None) -> str:
    message = to_message(event, source="/test", now_ms=event.revision)
    letter = as_dead_letter(message, message_id="1", subscription="s", died_at_ms=1_700_000_000_000)
    if data is not None:
        letter = msgspec.structs.replace(letter, data=data)
    return DeadLetters(world.blobs, "raw").keep(event, letter, DOWN, published_ms=event.revision)


def test_a_message_that_failed_is_listed_shown_replayed_and_gone(client: FlaskClient, world: World) -> None:
    event = segment_ready()  # its audio is missing
    pushed = push_body(event, world.clock.now_ms())
    assert client.post("/push/dead-letters", data=pushed, headers=PUSHER).status_code == 204
    (listed,) = body(get(client, ""))["dead_letters"]
    assert (listed["reason"], listed["type"]) == ("segment_audio_missing", SegmentReady.TYPE)
    assert (listed["meeting_id"], listed["connection_id"]) == ("m1", "c1")
    shown = body(get(client, f"/{listed['id']}"))
    assert listed.items() <= shown.items()
    assert shown["event"] == json.loads(msgspec.json.encode(event))
    assert (shown["data"], shown["subscription"], shown["attempts"]) == (None, "segments", None)
    assert body(post(client, f"/{listed['id']}/replay")) == {"id": listed["id"], "status": "replayed"}
    assert world.publisher.published == [event]
    assert body(get(client, "")) == {"dead_letters": [], "next": None}
    assert problem(get(client, f"/{listed['id']}"), 404)["type"].endswith(":unknown-dead-letter")


def test_a_dead_letter_whose_fault_is_mended_is_transcribed(client: FlaskClient, world: World) -> None:
    event = segment_ready()
    world.blobs.create(event.object_name, b"fLaC")
    pushed = push_body(event, world.clock.now_ms())
    assert client.post("/push/dead-letters", data=pushed, headers=PUSHER).status_code == 204
    assert len(world.transcripts.stored) == 1
    assert body(get(client, ""))["dead_letters"] == []


def test_a_list_comes_in_pages(client: FlaskClient, world: World) -> None:
    ids = [keep(world, segment_ready(revision=revision)) for revision in range(3)]
    first = body(get(client, "?limit=2"))
    assert [each["id"] for each in first["dead_letters"]] == ids[:2]
    rest = body(get(client, f"?limit=2&after={first['next']}"))
    assert ([each["id"] for each in rest["dead_letters"]], rest["next"]) == (ids[2:], None)


def test_all_are_replayed_in_bounded_steps(client: FlaskClient, world: World) -> None:
    events = [segment_ready(revision=revision) for revision in range(3)]
    ids = [keep(world, event) for event in events]
    first = body(post(client, "/replay?limit=2"))
    assert first == {"replayed": 2, "unreadable": [], "next": ids[1]}
    assert body(post(client, f"/replay?after={first['next']}")) == {"replayed": 1, "unreadable": [], "next": None}
    assert world.publisher.published == events


@pytest.mark.parametrize("data", [b"{}", b"\xff"])
def test_what_is_no_readable_event_is_a_conflict_and_stays(client: FlaskClient, world: World, data: bytes) -> None:
    letter_id = keep(world, segment_ready(), data)
    assert problem(post(client, f"/{letter_id}/replay"), 409)["type"].endswith(":unreadable-event")
    assert body(post(client, "/replay"))["unreadable"] == [letter_id]
    shown = body(get(client, f"/{letter_id}"))
    assert (shown["event"], shown["data"]) == (({}, None) if data == b"{}" else (None, "/w=="))


def test_a_publication_that_fails_is_503_and_the_letter_stays(client: FlaskClient, world: World) -> None:
    letter_id = keep(world, segment_ready())
    for path in (f"/{letter_id}/replay", "/replay"):
        world.publisher.faults.before.append(DOWN)
        assert problem(post(client, path), 503)
    assert [each["id"] for each in body(get(client, ""))["dead_letters"]] == [letter_id]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "limit=-1", f"limit={'9' * 30}", "limit=²"])
def test_a_limit_is_a_number_within_bounds(client: FlaskClient, query: str) -> None:
    assert problem(get(client, f"?{query}"), 400)["parameter"] == "limit"
    assert problem(post(client, f"/replay?{query}"), 400)["parameter"] == "limit"


@pytest.mark.parametrize("path", ["/x", "?after=x", "?after=../secret"])
def test_a_bad_id_is_named(client: FlaskClient, path: str) -> None:
    assert problem(get(client, path), 400)["field"] == "id"


def test_an_unknown_letter_is_not_found(client: FlaskClient) -> None:
    problem(get(client, f"/{UNKNOWN}"), 404)
    problem(post(client, f"/{UNKNOWN}/replay"), 404)


def test_the_letters_of_another_tenant_are_unknown(client: FlaskClient, world: World) -> None:
    letter_id = keep(world, msgspec.structs.replace(segment_ready(), tenant="other"))
    assert body(get(client, ""))["dead_letters"] == []
    problem(get(client, f"/{letter_id}"), 404)
    problem(post(client, f"/{letter_id}/replay"), 404)
    assert body(post(client, "/replay"))["replayed"] == 0
    assert dead_letter("raw", "other", letter_id) in world.blobs.objects


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, PUSHER])
def test_only_with_the_right_token(client: FlaskClient, headers: dict[str, str]) -> None:
    for path in ("", f"/{UNKNOWN}"):
        problem(client.get(f"/v1/deadletters{path}", headers=headers), 401)
    for path in (f"/{UNKNOWN}/replay", "/replay"):
        problem(client.post(f"/v1/deadletters{path}", headers=headers), 401)
