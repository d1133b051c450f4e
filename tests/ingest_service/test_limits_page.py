"""docs/limits.md says what is answered beyond each limit, and nothing else is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from common.settings import Secret
from ingest_service.settings import IngestSettings
from tests.ingest_service.fakes import AUTHORIZED, NOW_MS, TOKEN, Ingest, problem
from tests.ingest_service.tus import create, patch

PAGE = Path(__file__).parents[2] / "docs" / "limits.md"
MIB = 1024**2
SETTINGS = IngestSettings(
    api_token=Secret(TOKEN),
    audio_chunk_duration_sec=1,
    max_chunk_bytes=200_000,
    max_recording_bytes=MIB,
    max_chunks_per_connection=3,
    max_connection_age_sec=60,
    tenant_requests_per_sec=1_000,
)


def masks(*pairs: tuple[str, str]) -> dict[str, object]:
    return {"ts_ms": NOW_MS, "masks": [list(pair) for pair in pairs]}


def recording(ingest: Ingest, size_bytes: int, query: str = "", **headers: str) -> TestResponse:
    return ingest.client.post(f"/v1/recordings?{query}", data=b"OggS" + b"x" * size_bytes, headers=AUTHORIZED | headers)


def long_part(ingest: Ingest) -> TestResponse:
    url = create(ingest, 20).headers["Location"]
    return patch(ingest, url, 0, b"OggS" + b"x" * 20)


def old_connection(ingest: Ingest) -> TestResponse:
    assert ingest.put(0, b"x").status_code == 201
    ingest.clock.ms += 60_001
    return ingest.put(1, b"x")


def window(ingest: Ingest) -> TestResponse:
    body = {"clock": "stream", "covered_from_ms": 0, "covered_to_ms": 3_600_001, "intervals": []}
    return ingest.post("speakers", body)


def too_often(ingest: Ingest) -> TestResponse:
    answers = [ingest.status() for _ in range(2_001)]
    assert {answer.status_code for answer in answers[:-1]} == {404}
    return answers[-1]


def names(count: int) -> str:
    return "&channels=separate&channel_speakers=" + ",".join(f"s{n}" for n in range(count))


BEYOND: dict[str, Callable[[Ingest], TestResponse]] = {
    "bytes of a chunk": lambda ingest: ingest.put(0, b"x" * 200_001),
    "bytes of speaker activity, or of an end": lambda ingest: ingest.post("end", b" " * (256 * 1024 + 1)),
    "bytes of a recording in one request": lambda ingest: recording(ingest, MIB),
    "announced bytes of a resumable upload": lambda ingest: create(ingest, MIB + 1),
    "bytes of a part of an upload": long_part,
    "chunks of a connection": lambda ingest: ingest.put(3, b"x"),
    "age of a connection": old_connection,
    "characters of an id": lambda ingest: ingest.put(0, b"x", connection="c" * 129),
    "characters of an Idempotency-Key": lambda ingest: recording(ingest, 20, **{"Idempotency-Key": "k" * 256}),
    "characters of a Content-Type": lambda ingest: recording(ingest, 20, **{"Content-Type": "audio/" + "x" * 195}),
    "names in channel_speakers": lambda ingest: ingest.put(0, b"x", names(17)),
    "characters of a participant's name": lambda ingest: ingest.put(0, b"x", "&participant=" + "A" * 201),
    "speakers in one window": lambda ingest: ingest.post("speakers", masks(*((f"s{n}", "1") for n in range(101)))),
    "bits of a mask": lambda ingest: ingest.post("speakers", masks(("Ann", "1" * 601))),
    "characters of a speaker's name": lambda ingest: ingest.post("speakers", masks(("A" * 201, "1"))),
    "length of a window": window,
    "nesting of JSON": lambda ingest: ingest.post("speakers", b"[" * 65 + b"]" * 65),
    "bytes of a query": lambda ingest: ingest.put(0, b"x", "&language=" + "x" * 7_168),
    "bytes of a header": lambda ingest: recording(ingest, 20, **{"X-Any": "x" * 7_169}),
    "requests a second of a tenant": too_often,
}
SHOWN_ELSEWHERE = {"requests in work of a tenant"}
"""It needs two requests at once: see test_limits.py."""


def rows() -> dict[str, tuple[str, int, str]]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]
    return {limit: (value, int(status), kind) for limit, value, status, kind in cells}


def test_the_page_has_every_limit() -> None:
    assert rows().keys() == BEYOND.keys() | SHOWN_ELSEWHERE


@pytest.mark.parametrize("limit", BEYOND)
def test_beyond_the_limit_the_answer_is_what_the_page_says(limit: str) -> None:
    ingest = Ingest(SETTINGS)
    _, status, kind = rows()[limit]
    assert problem(BEYOND[limit](ingest))[:2] == (status, kind)


def test_the_settings_are_there() -> None:
    named = {value for value, _, _ in rows().values() if value.isupper() and "_" in value}
    assert {name.lower() for name in named} <= set(IngestSettings.__struct_fields__)


def test_up_to_the_limit_all_is_taken() -> None:
    ingest = Ingest(SETTINGS)
    assert ingest.put(2, b"x" * 200_000, connection="c" * 128).status_code == 201
    assert ingest.put(0, b"x", names(16), connection="named").status_code == 201
    assert recording(ingest, MIB - 4, **{"Idempotency-Key": "k" * 255, "X-Any": "x" * 7_168}).status_code == 201
    assert create(ingest, MIB).status_code == 201
    answer = ingest.post("speakers", masks(*((f"{n:0200}", "1" * 600) for n in range(100))))
    assert answer.status_code == 201
    ingest.clock.ms += 60_000
    assert ingest.put(1, b"x", connection="named").status_code == 201
