"""The HTTP face of the segmenter: pushes, the sweep and who may call them."""

import base64

import fakeredis
import msgspec
import pytest
from flask.testing import FlaskClient

from common.errors import Retryable
from common.events import Event, to_message
from common.health import Drain
from common.object_names import quarantined_push
from common.push import SharedTokenAuth
from common.settings import Secret
from segmenter_service.app import SegmenterDeps, create_app
from tests.segmenter_service.stage import Stage, split, tone, wav

PUSHER = {"Authorization": "Bearer pusher"}


@pytest.fixture
def stage() -> Stage:
    return Stage(fakeredis.FakeRedis())


@pytest.fixture
def client(stage: Stage) -> FlaskClient:
    return create_app(
        SegmenterDeps(
            settings=stage.settings,
            blobs=stage.blobs,
            publisher=stage.publisher,
            streams=stage.streams,
            meetings=stage.meetings,
            redis=stage.redis,
            push_auth=SharedTokenAuth(Secret("pusher")),
            clock=stage.clock,
            drain=Drain(),
        )
    ).test_client()


def envelope(event: Event) -> bytes:
    message = to_message(event, source="/test", now_ms=0)
    data = base64.b64encode(message.data).decode()
    return msgspec.json.encode(
        {"message": {"data": data, "attributes": message.attributes, "messageId": "1"}, "subscription": "s"}
    )


def test_pushed_chunks_become_segments(client: FlaskClient, stage: Stage) -> None:
    for event in stage.upload(split(wav(tone(4)), 2)):
        assert client.post("/push/segmenter", data=envelope(event), headers=PUSHER).status_code == 204
    assert stage.summary().chunks == 2


def test_nobody_else_may_push_or_sweep(client: FlaskClient, stage: Stage) -> None:
    (event, _) = stage.upload([b""])
    for headers in ({}, {"Authorization": "Bearer other"}):
        assert client.post("/push/segmenter", data=envelope(event), headers=headers).status_code == 401
        assert client.post("/sweep", headers=headers).status_code == 401
    assert not stage.streams.records


def test_a_push_that_can_never_be_read_is_kept_and_acknowledged(client: FlaskClient, stage: Stage) -> None:
    assert client.post("/push/segmenter", data=b"no envelope", headers=PUSHER).status_code == 204
    kept = stage.blobs.info(quarantined_push("raw", b"no envelope"))
    assert kept.metadata["reason"] == "invalid_envelope"


def test_a_passing_fault_is_a_nack(client: FlaskClient, stage: Stage) -> None:
    (event, _) = stage.upload([b""])
    stage.streams.faults.before.append(Retryable("down", reason="down"))
    assert client.post("/push/segmenter", data=envelope(event), headers=PUSHER).status_code == 503
    assert client.post("/push/segmenter", data=envelope(event), headers=PUSHER).status_code == 204


def test_the_sweep_tells_what_it_did(client: FlaskClient, stage: Stage) -> None:
    for event in stage.upload([b""], end=False):
        client.post("/push/segmenter", data=envelope(event), headers=PUSHER)
    assert client.post("/sweep", headers=PUSHER).json == {
        "streams": 1,
        "unregistered": 0,
        "failed": 0,
        "unfinished": False,
    }


def test_a_sweep_that_can_not_begin_is_a_503(client: FlaskClient, stage: Stage) -> None:
    stage.streams.faults.before.append(Retryable("down", reason="down"))
    answer = client.post("/sweep", headers=PUSHER)
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")


def test_readiness_asks_redis(client: FlaskClient) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["components"]["redis"] == "ok"
