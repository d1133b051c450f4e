"""What the log says of requests, pushes that fail and sweeps, which metrics and alerts are made of."""

import base64
import json
from typing import Any

import msgspec
import pytest
from flask import Blueprint
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from common.errors import Backpressure, Permanent, Retryable
from common.events import StreamEnded, to_message
from common.health import Drain
from common.push import SharedTokenAuth, push_blueprint
from common.settings import Secret
from common.sweep_route import sweep_blueprint
from common.web import base_app

AUTHORIZED = {"Authorization": "Bearer push"}
AUTH = SharedTokenAuth(Secret("push"))
ENDED = StreamEnded(tenant="t", meeting_id="m", connection_id="c", last_seq=3, object_name="o")


class Swept(msgspec.Struct):
    looked_at: int


def app_with(*blueprints: Blueprint) -> FlaskClient:
    app = base_app("test", {}, Drain())
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    return app.test_client()


def lines_of_push(error: Exception) -> list[Any]:
    def fail(_event: StreamEnded) -> None:
        raise error

    client = app_with(push_blueprint({StreamEnded: fail}, lambda _body, _error: None, AUTH))
    message = to_message(ENDED, source="/turnscribe/test", now_ms=0)
    inner = {"data": base64.b64encode(message.data).decode(), "attributes": message.attributes, "messageId": "1"}
    with capture_logs() as lines:
        client.post("/push/segmenter", data=json.dumps({"message": inner}), headers=AUTHORIZED)
    return lines


@pytest.mark.parametrize(
    ("error", "event", "fields"),
    [
        (Permanent("x", reason="unreadable"), "event_quarantined", {"reason": "unreadable"}),
        (Retryable("x", reason="redis_unavailable"), "push_retryable", {"reason": "redis_unavailable"}),
        (Backpressure("x", reason="no_place", retry_after_s=3), "push_backpressure", {"reason": "no_place"}),
        (ValueError("x"), "push_failed", {"error_type": "ValueError"}),
    ],
)
def test_each_class_of_failure_has_its_line(error: Exception, event: str, fields: dict[str, str]) -> None:
    first, request = lines_of_push(error)
    assert first["event"] == event
    assert first.items() >= {"subscription": "segmenter", **fields}.items()
    assert request.items() >= {"event": "request", "area": "push"}.items()


def test_a_request_says_which_group_of_routes_it_belongs_to() -> None:
    routes = Blueprint("meetings", __name__)
    routes.get("/v1/meetings/<meeting_id>")(lambda meeting_id: {"id": meeting_id})
    client = app_with(routes)
    with capture_logs() as lines:
        client.get("/v1/meetings/secret")
        client.get("/nowhere/secret")
    assert [(line["area"], line["status"]) for line in lines] == [("meetings", 200), ("(none)", 404)]
    assert "secret" not in str(lines)


def test_a_sweep_says_that_it_was_done_and_nothing_where_it_was_not() -> None:
    def fail() -> Swept:
        raise Retryable("x", reason="database_unavailable")

    client = app_with(sweep_blueprint(lambda: Swept(3), AUTH), sweep_blueprint(fail, AUTH, "/sweep/lifecycle"))
    with capture_logs() as lines:
        assert client.post("/sweep", headers=AUTHORIZED).get_json() == {"looked_at": 3}
        assert client.post("/sweep/lifecycle", headers=AUTHORIZED).status_code == 503
        assert client.post("/sweep").status_code == 401
    assert [line["sweep"] for line in lines if line["event"] == "swept"] == ["/sweep"]
