import pytest

from common.settings import Secret
from ingest_service.settings import IngestSettings
from tests.ingest_service.fakes import AUTHORIZED, TOKEN, Ingest

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
