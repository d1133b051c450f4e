import pytest

from common.settings import Secret
from ingest_service.settings import IngestSettings
from tests.ingest_service.fakes import AUTHORIZED, TOKEN, Ingest
from tests.ingest_service.tus import create

PAGE = "https://meet.example"
CHUNK = "/v1/streams/c1/chunks/0?meeting_id=m1"
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}


def allowing(origins: str) -> Ingest:
    return Ingest(IngestSettings(api_token=Secret(TOKEN), cors_allowed_origins=origins))


@pytest.mark.parametrize("origins", [PAGE, f"http://localhost:3000, {PAGE}", "*"])
def test_a_page_that_is_allowed_may_upload(origins: str) -> None:
    ingest = allowing(origins)
    preflight = ingest.client.options(CHUNK, headers={"Origin": PAGE, **PREFLIGHT})
    assert preflight.status_code == 204
    assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    answer = ingest.client.put(CHUNK, headers={"Origin": PAGE, **AUTHORIZED}, data=b"x")
    assert answer.status_code == 201
    for each in (preflight, answer):
        assert each.headers["Access-Control-Allow-Origin"] == PAGE
        assert "Origin" in each.headers["Vary"]


def test_a_page_that_is_allowed_can_read_problems() -> None:
    answer = allowing(PAGE).client.put(CHUNK, headers={"Origin": PAGE}, data=b"x")
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize("origins", ["", "https://other.example", "https://meet.example.evil"])
def test_any_other_page_is_told_nothing(origins: str) -> None:
    ingest = allowing(origins)
    preflight = ingest.client.options(CHUNK, headers={"Origin": PAGE, **PREFLIGHT})
    answer = ingest.client.put(CHUNK, headers={"Origin": PAGE, **AUTHORIZED}, data=b"x")
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_page_may_upload_by_tus() -> None:
    ingest = allowing(PAGE)
    preflight = ingest.client.options(
        "/v1/uploads/c1",
        headers={
            "Origin": PAGE,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization,content-type,tus-resumable,upload-offset",
        },
    )
    assert preflight.status_code == 204
    assert {"GET", "HEAD", "PUT", "POST", "PATCH", "OPTIONS"} == set(
        preflight.headers["Access-Control-Allow-Methods"].split(", ")
    )
    allowed = preflight.headers["Access-Control-Allow-Headers"].split(", ")
    assert {"Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Metadata", "Idempotency-Key"} <= set(allowed)
    assert {"Authorization", "Content-Type", "X-Session-ID", "traceparent"} <= set(allowed)
    answer = create(ingest, 20, headers={"Origin": PAGE})
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Location", "Upload-Offset", "Upload-Length", "Tus-Version", "Tus-Max-Size", "Retry-After"} <= set(exposed)


def test_options_that_are_no_preflight_say_what_the_server_is_capable_of() -> None:
    answer = allowing(PAGE).client.options("/v1/uploads", headers={"Origin": PAGE})
    assert (answer.status_code, answer.headers["Tus-Version"]) == (204, "1.0.0")
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
