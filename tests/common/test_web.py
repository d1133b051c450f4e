import pytest
from flask.testing import FlaskClient
from opentelemetry.trace import SpanKind, StatusCode
from structlog.contextvars import bind_contextvars, get_contextvars

from common.errors import Retryable
from common.health import Drain
from common.trace import current_traceparent
from common.web import base_app
from tests.recorded_spans import RecordedSpans

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


@pytest.fixture
def failing() -> FlaskClient:
    """A client of routes that fail, each in a way of its own."""
    app = base_app("test", {}, Drain())

    @app.get("/retryable/<name>")
    def retryable(name: str) -> None:
        bind_contextvars(connection_id="c1", words="words")
        raise Retryable("words", reason="redis_unavailable")

    @app.get("/bug")
    def bug() -> None:
        raise ValueError("words")

    return app.test_client()


def test_a_request_is_a_span_named_by_its_route(client: FlaskClient, spans: RecordedSpans) -> None:
    client.get("/context?token=words", headers={"traceparent": TRACEPARENT})
    (one,) = spans.ended
    assert (one.name, one.kind) == ("GET /context", SpanKind.SERVER)
    assert one.parent is not None
    assert f"{one.parent.span_id:016x}" == "b" * 16
    assert one.status.status_code is StatusCode.UNSET
    assert one.attributes == {
        "service": "test",
        "http.method": "GET",
        "http.route": "/context",
        "http.status_code": 200,
    }


def test_a_path_that_is_no_route_gives_a_span_no_name_of_its_own(client: FlaskClient, spans: RecordedSpans) -> None:
    client.get("/words/and/words")
    (one,) = spans.ended
    assert (one.name, one.status.status_code) == ("GET (none)", StatusCode.UNSET)


def test_health_checks_are_no_spans(client: FlaskClient, spans: RecordedSpans) -> None:
    for path in ("/health", "/health/ready", "/health/version"):
        client.get(path)
    assert spans.names == []


@pytest.mark.parametrize(
    ("path", "error", "ids"),
    [("/retryable/words", "redis_unavailable", {"connection_id": "c1"}), ("/bug", "ValueError", {})],
)
def test_a_failed_request_is_a_failed_span_with_the_errors_type_only(
    failing: FlaskClient, spans: RecordedSpans, path: str, error: str, ids: dict[str, str]
) -> None:
    status = failing.get(path).status_code
    (one,) = spans.ended
    assert status >= 500
    assert one.status.status_code is StatusCode.ERROR
    assert one.attributes is not None
    assert {"error.type": error, "http.status_code": status, **ids}.items() <= one.attributes.items()
    assert one.events == ()
    assert "words" not in one.to_json()
