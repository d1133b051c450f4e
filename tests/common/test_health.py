from collections.abc import Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient

from common import __version__
from common.errors import Retryable
from common.health import Check, Drain, health_blueprint


def client_with(checks: Mapping[str, Check], drain: Drain | None = None) -> FlaskClient:
    app = Flask("test")
    app.register_blueprint(health_blueprint("ingest", checks, drain or Drain(), revision="r1"))
    return app.test_client()


def unwell() -> None:
    raise Retryable("connection refused by 10.0.0.1", reason="redis_down")


def test_alive_asks_nobody() -> None:
    def never() -> None:
        pytest.fail("liveness asked a component")

    answer = client_with({"x": never}).get("/health")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok", "service": "ingest"})


def test_ready_names_what_is_unwell() -> None:
    answer = client_with({"blobs": lambda: None, "redis": unwell}).get("/health/ready")
    assert answer.status_code == 503
    assert answer.get_json() == {"status": "unavailable", "components": {"blobs": "ok", "redis": "redis_down"}}


def test_ready_without_trouble() -> None:
    answer = client_with({"blobs": lambda: None}).get("/health/ready")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "ok")


def test_a_draining_process_is_alive_but_not_ready() -> None:
    drain = Drain()
    client = client_with({}, drain)
    assert client.get("/health/ready").status_code == 200
    drain.start()
    assert drain.started
    assert client.get("/health/ready").get_json()["components"] == {"process": "draining"}
    assert client.get("/health").status_code == 200


def test_version_says_what_runs() -> None:
    assert client_with({}).get("/health/version").get_json() == {
        "service": "ingest",
        "version": __version__,
        "revision": "r1",
    }
