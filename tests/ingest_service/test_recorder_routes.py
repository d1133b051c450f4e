import pytest

from common.settings import Secret
from ingest_service.http.recorder_routes import SCRIPT
from ingest_service.settings import IngestSettings
from tests.ingest_service.fakes import TOKEN, Ingest

PATH = "/v1/recorder.js"
PAGE = "https://meet.example"


def test_it_is_a_script_that_needs_no_token(ingest: Ingest) -> None:
    answer = ingest.client.get(PATH)
    assert (answer.status_code, answer.data) == (200, SCRIPT.read_bytes())
    assert answer.content_type == "text/javascript; charset=utf-8"
    assert answer.cache_control.public
    assert answer.cache_control.max_age == 600


def test_who_has_it_is_told_so(ingest: Ingest) -> None:
    etag = ingest.client.get(PATH).headers["ETag"]
    ingest.restart()
    again = ingest.client.get(PATH, headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    assert ingest.client.get(PATH, headers={"If-None-Match": '"another"'}).status_code == 200


@pytest.mark.parametrize(("allowed", "told"), [(PAGE, PAGE), ("*", PAGE), ("https://other.example", None), ("", None)])
def test_pages_that_may_upload_may_import_it(allowed: str, told: str | None) -> None:
    ingest = Ingest(IngestSettings(api_token=Secret(TOKEN), cors_allowed_origins=allowed))
    answer = ingest.client.get(PATH, headers={"Origin": PAGE})
    assert answer.headers.get("Access-Control-Allow-Origin") == told
    if allowed:
        assert "Origin" in answer.headers["Vary"], "a cache must not give one page's answer to another"


def test_it_stays_short_and_depends_on_nothing() -> None:
    script = SCRIPT.read_text()
    assert len(script.splitlines()) < 150
    assert "import " not in script
