"""What each role serves, needs and asks for; between them they serve all, and nothing is served by both but health."""

import dataclasses

import msgspec
import pytest
from flask import Flask

from common.events import SegmentReady, to_message
from common.push_auth import Nobody
from tests.transcribe_service.fakes import API_TOKEN, DOWN, PUSH_TOKEN, World, segment_ready, settings
from tests.transcribe_service.spoken import segment, stream
from transcribe_service.app import create_app

READER = {"Authorization": f"Bearer {API_TOKEN}"}
PUSHER = {"Authorization": f"Bearer {PUSH_TOKEN}"}
HEALTH = {"/health", "/health/ready", "/health/version"}
PUSHED = {"/push/<subscription>", "/sweep", "/sweep/deliveries", "/sweep/lifecycle"}


def app_of(role: str, world: World) -> Flask:
    deps = dataclasses.replace(world.deps(), settings=msgspec.structs.replace(settings(), transcribe_role=role))
    if role == "api":  # as its bootstrap builds it
        deps = dataclasses.replace(deps, whisper=None, push_auth=Nobody())
    return create_app(deps)


def routes_of(role: str) -> set[str]:
    return {rule.rule for rule in app_of(role, World()).url_map.iter_rules()}


def unwrapped(event: SegmentReady) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a push."""
    message = to_message(event, source="/tests", now_ms=1)
    return message.data, PUSHER | {**message.attributes, "x-goog-pubsub-message-id": "1"}


def test_the_worker_serves_pushes_sweeps_and_health_alone() -> None:
    assert routes_of("worker") == HEALTH | PUSHED


def test_the_api_serves_everything_else() -> None:
    assert routes_of("api") == routes_of("all") - PUSHED
    assert {
        "/",
        "/openapi.json",
        "/v1/search",
        "/v1/webhooks/<webhook_id>/test",
        "/v1/deadletters/replay",
    } <= routes_of("api")


@pytest.mark.parametrize(
    "path", ["/push/transcribe", "/push/dead-letters", "/sweep", "/sweep/deliveries", "/sweep/lifecycle"]
)
def test_nothing_is_pushed_to_the_api(path: str, world: World) -> None:
    assert app_of("api", world).test_client().post(path, headers=PUSHER).status_code == 404
    assert app_of("worker", World()).test_client().post(path).status_code == 401


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/v1/meetings", "/v1/meetings/m1/transcript", "/v1/webhooks"])
def test_nobody_reads_at_the_worker(path: str, world: World) -> None:
    assert app_of("worker", world).test_client().get(path, headers=READER).status_code == 404
    assert app_of("api", World()).test_client().get(path).status_code in {200, 401}


def test_what_the_worker_stores_is_read_at_the_api(world: World) -> None:
    event = segment_ready()
    world.streams.open(stream(event.connection_id))
    world.blobs.create(event.object_name, b"flac", {})
    worker, api = app_of("worker", world).test_client(), app_of("api", world).test_client()
    body, headers = unwrapped(event)
    assert worker.post("/push/transcribe", data=body, headers=headers).status_code == 204
    read = api.get("/v1/meetings/m1/transcript", headers=READER).json
    assert [each["text"] for each in (read or {})["utterances"]] == ["hello world"]


def test_what_the_api_begins_to_delete_the_worker_finishes(world: World) -> None:
    world.meetings.open("default", "m1", 1_000)
    world.streams.open(stream("c1"))
    world.transcripts.put(segment(("Hello", 100, 600, None)))
    worker, api = app_of("worker", world).test_client(), app_of("api", world).test_client()
    world.publisher.faults.before.append(DOWN)
    assert api.delete("/v1/meetings/m1", headers=READER).status_code == 503
    assert world.transcripts.segments("default", "m1")
    world.clock.advance(60)
    assert (worker.post("/sweep/lifecycle", headers=PUSHER).json or {})["works"] == 1
    assert world.transcripts.segments("default", "m1") == []


@pytest.mark.parametrize("role", ["worker", "api"])
def test_either_role_is_ready_only_with_its_stores(role: str, world: World) -> None:
    client = app_of(role, world).test_client()
    assert client.get("/health/ready").status_code == 200
    world.transcripts.faults.before.append(DOWN)
    answer = client.get("/health/ready")
    assert (answer.status_code, (answer.json or {})["components"]["transcripts"]) == (503, "store_down")


def test_a_worker_without_whisper_is_a_mistake_of_whoever_builds_it(world: World) -> None:
    with pytest.raises(ValueError, match="Whisper"):
        create_app(dataclasses.replace(world.deps(), whisper=None))
