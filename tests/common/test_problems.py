import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from common.errors import Backpressure, Permanent, Retryable
from common.ids import InvalidId
from common.problems import MEDIA_TYPE, Problem, install_problem_handlers


def client_raising(error: Exception) -> FlaskClient:
    app = Flask("test")
    install_problem_handlers(app)

    @app.get("/")
    def fail() -> str:
        raise error

    return app.test_client()


def answer_to(error: Exception) -> TestResponse:
    return client_raising(error).get("/")


@pytest.mark.parametrize(
    ("error", "status", "kind", "detail"),
    [
        (Problem(409, "chunk-differs", "other bytes"), 409, "chunk-differs", "other bytes"),
        (InvalidId("meeting_id", "is empty"), 400, "invalid-id", "meeting_id is empty"),
        (Permanent("mask 0 is empty", reason="invalid_speaker_mask"), 400, "invalid-speaker-mask", "mask 0 is empty"),
        (Retryable("the store is away", reason="store_down"), 503, "unavailable", "the store is away"),
        (Backpressure("full", reason="full", retry_after_s=2.6), 429, "too-many-requests", "full"),
        (ZeroDivisionError("secret"), 500, "internal-error", "The server failed; the failure is logged."),
    ],
)
def test_every_error_becomes_problem_details(error: Exception, status: int, kind: str, detail: str) -> None:
    answer = answer_to(error)
    assert answer.status_code == status
    assert answer.content_type == MEDIA_TYPE
    body = answer.get_json(force=True)
    assert (body["type"], body["status"], body["detail"]) == (f"urn:turnscribe:problem:{kind}", status, detail)
    assert body["title"]


def test_members_and_headers_of_a_problem_are_passed_on() -> None:
    answer = answer_to(Problem(401, "unauthorized", "no", headers={"WWW-Authenticate": "Bearer"}, realm="x"))
    assert answer.get_json(force=True)["realm"] == "x"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer_to(InvalidId("source", "is empty")).get_json(force=True)["field"] == "source"


def test_who_may_come_back_is_told_when() -> None:
    assert answer_to(Retryable("x", reason="x")).headers["Retry-After"] == "1"
    assert answer_to(Backpressure("x", reason="x", retry_after_s=2.6)).headers["Retry-After"] == "3"
    assert answer_to(Backpressure("x", reason="x", retry_after_s=0.1)).headers["Retry-After"] == "1"


def test_routing_errors_are_problems_too() -> None:
    client = client_raising(ZeroDivisionError())
    assert client.get("/nowhere").content_type == MEDIA_TYPE
    wrong = client.delete("/")
    assert (wrong.status_code, wrong.content_type) == (405, MEDIA_TYPE)
    assert wrong.headers["Allow"] == "GET, HEAD, OPTIONS"
