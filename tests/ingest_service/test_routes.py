"""What every route refuses, and how: problem details that name what is wrong, and nothing stored."""

import pytest

from common.clock import SystemClock
from tests.ingest_service.fakes import AUTHORIZED, TOKEN, Fault, Ingest, problem

CHUNK = "/v1/streams/c1/chunks/0?meeting_id=m1"


@pytest.fixture(autouse=True)
def _nothing_is_stored(ingest: Ingest) -> object:
    yield
    assert (ingest.blobs.objects, ingest.events) == ({}, [])


@pytest.mark.parametrize(
    ("headers", "query", "detail"),
    [
        ({}, "", "A bearer token is missing."),
        ({"Authorization": "Bearer "}, "", "A bearer token is missing."),
        ({"Authorization": "Bearer wrong"}, "", "The bearer token is not valid."),
        ({"Authorization": f"Basic {TOKEN}"}, "", "A bearer token is missing."),
        ({"Authorization": "Bearer \xff\xfe"}, "", "The bearer token is not valid."),
        ({}, "&token=wrong", "The bearer token is not valid."),
        ({}, "&token=%FF", "The bearer token is not valid."),
    ],
)
def test_who_has_no_token_gets_nothing(ingest: Ingest, headers: dict[str, str], query: str, detail: str) -> None:
    answer = ingest.client.put(CHUNK + query, headers=headers, data=b"x")
    assert problem(answer) == (401, "unauthorized", detail)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/v1/streams/%2E%2E%2Fx/chunks/0?meeting_id=m1", 400, "connection_id may only contain"),
        ("/v1/streams/..%2f..%2fetc/chunks/0?meeting_id=m1", 400, "connection_id may only contain"),
        ("/v1/streams/a:b/chunks/0?meeting_id=m1", 400, "connection_id may only contain"),
        ("/v1/streams/.a/chunks/0?meeting_id=m1", 400, "connection_id may only contain"),
        ("/v1/streams/a%00b/chunks/0?meeting_id=m1", 400, "connection_id may only contain"),
        ("/v1/streams/a%0A/chunks/0?meeting_id=m1", 404, ""),
        ("/v1/streams/%FF/chunks/0?meeting_id=m1", 400, "connection_id may only contain"),
        ("/v1/streams/__x__/chunks/0?meeting_id=m1", 400, "connection_id may not have the form"),
        (f"/v1/streams/{'a' * 200}/chunks/0?meeting_id=m1", 400, "connection_id has 200 characters"),
        ("/v1/streams/c1/chunks/0?meeting_id=..%2Fx", 400, "meeting_id may only contain"),
        ("/v1/streams/c1/chunks/0?meeting_id=a:b", 400, "meeting_id may only contain"),
        (f"/v1/streams/c1/chunks/0?meeting_id={'a' * 200}", 400, "meeting_id has 200 characters"),
        ("/v1/streams/c1/chunks/0?meeting_id=", 400, "meeting_id is empty"),
        ("/v1/streams/c1/chunks/0", 400, "meeting_id is missing"),
        ("/v1/streams/c1/chunks/abc?meeting_id=m1", 400, "seq must be a whole number"),
        ("/v1/streams/c1/chunks/-1?meeting_id=m1", 400, "seq must be a whole number"),
        ("/v1/streams/c1/chunks/1.5?meeting_id=m1", 400, "seq must be a whole number"),
        ("/v1/streams/c1/chunks/100000000?meeting_id=m1", 400, "seq is too large"),
        ("/v1/streams/c1/chunks/0?meeting_id=m1&captured_at_ms=1700000000", 400, "milliseconds"),
        ("/v1/streams/c1/chunks/0?meeting_id=m1&capture=1", 400, "capture is no parameter"),
        ("/v1/streams/c1/chunks/0/?meeting_id=m1", 404, ""),
        ("/v1/streams/c1/chunks/?meeting_id=m1", 404, ""),
        ("/v1/streams//chunks/0?meeting_id=m1", 404, ""),
        ("//v1/streams/c1/chunks/0?meeting_id=m1", 404, ""),
        ("/v2/streams/c1/chunks/0", 404, ""),
        ("/", 404, ""),
        ("/v1/streams/c1/speakers?meeting_id=m1", 405, ""),
        ("/health", 405, ""),
    ],
)
def test_a_bad_path_or_query_is_named(ingest: Ingest, path: str, status: int, named: str) -> None:
    answered, _, detail = problem(ingest.client.put(path, headers=AUTHORIZED, data=b"x"))
    assert answered == status
    assert named in detail


@pytest.mark.parametrize("what", ["speakers", "end"])
@pytest.mark.parametrize(
    ("connection", "meeting", "named"),
    [("a:b", "m1", "connection_id"), ("c1", "a:b", "meeting_id"), ("..%2Fx", "m1", "connection_id")],
)
def test_bad_ids_are_named_on_every_route(ingest: Ingest, what: str, connection: str, meeting: str, named: str) -> None:
    status, kind, detail = problem(ingest.post(what, {}, connection=connection, meeting=meeting))
    assert (status, kind) == (400, "invalid-id")
    assert detail.startswith(named)


@pytest.mark.parametrize(("connection", "status"), [("a:b", 400), ("..%2Fx", 404), ("a" * 200, 400)])
def test_a_status_of_a_bad_id_is_a_problem(ingest: Ingest, connection: str, status: int) -> None:
    assert problem(ingest.status(connection))[0] == status


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", CHUNK, "PUT"),
        ("GET", "/v1/streams/c1/speakers", "POST"),
        ("PUT", "/v1/streams/c1/end", "POST"),
        ("DELETE", "/v1/streams/c1", "GET"),
    ],
)
def test_a_wrong_method_is_405_and_says_which_are_right(ingest: Ingest, method: str, path: str, allowed: str) -> None:
    answer = ingest.client.open(path, method=method, headers=AUTHORIZED)
    assert problem(answer)[:2] == (405, "method-not-allowed")
    assert allowed in answer.headers["Allow"].split(", ")


def test_a_malformed_mask_is_named(ingest: Ingest) -> None:
    answer = ingest.post("speakers", {"ts_ms": 1_700_000_000_000, "masks": [["Ann", "01x"]]})
    assert problem(answer) == (400, "invalid-speaker-mask", "mask 0 has characters other than 0 and 1")


def test_readiness_asks_store_and_queue_and_ends_with_drain(ingest: Ingest) -> None:
    assert ingest.client.get("/health").get_json() == {"status": "ok", "service": "ingest"}
    assert ingest.client.get("/health/ready").status_code == 200
    ingest.publisher.faults.plan([Fault.BEFORE])
    assert ingest.client.get("/health/ready").get_json()["components"] == {"blobs": "ok", "publisher": "queue_down"}
    ingest.drain.start()
    assert ingest.client.get("/health/ready").status_code == 503


def test_the_systems_clock_is_in_the_range_that_routes_accept(ingest: Ingest) -> None:
    body = {"clock": "epoch", "covered_from_ms": SystemClock().now_ms(), "covered_to_ms": 0, "intervals": []}
    assert "covered_to_ms must be in milliseconds" in problem(ingest.post("speakers", body))[2]
