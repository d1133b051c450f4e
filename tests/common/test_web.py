import pytest
from flask.testing import FlaskClient
from structlog.contextvars import bind_contextvars, get_contextvars

from common.health import Drain
from common.trace import current_traceparent
from common.web import base_app

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def client() -> FlaskClient:
    app = base_app("test", {}, Drain())

    @app.get("/context")
    def context() -> dict[str, str]:
        found = {"traceparent": current_traceparent(), **get_contextvars()}
        bind_contextvars(left_over="x")
        return found

    return app.test_client()


def test_a_request_continues_its_callers_trace(client: FlaskClient) -> None:
    context = client.get("/context", headers={"traceparent": TRACEPARENT}).get_json()
    assert context["traceparent"].startswith(f"00-{'a' * 32}-")
    assert context["traceparent"] != TRACEPARENT


def test_one_requests_context_is_not_anothers(client: FlaskClient) -> None:
    first = client.get("/context").get_json()
    second = client.get("/context").get_json()
    assert set(second) == {"traceparent"}
    assert first["traceparent"][3:35] != second["traceparent"][3:35]
    assert current_traceparent() == ""


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("//context", 404), ("/context/", 404), ("/%2e%2e%2fx", 404)]
)
def test_wrong_paths_are_problems_and_never_redirects(client: FlaskClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


def test_health_is_part_of_every_service(client: FlaskClient) -> None:
    assert client.get("/health").get_json()["service"] == "test"
    assert client.get("/health/ready").status_code == 200
    assert client.get("/health/version").status_code == 200
