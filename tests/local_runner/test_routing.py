from collections.abc import Iterable
from typing import Any

import pytest
from werkzeug.test import Client

from local_runner.routing import Mount, by_path


def _app(name: str) -> Any:
    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [f"{name} {environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()]

    return answer


@pytest.fixture
def client() -> Client:
    mounts = (
        Mount("/v1/streams", _app("ingest")),
        Mount("/internal/ingest", _app("ingest"), strip=True),
        Mount("/internal", _app("own"), strip=True),
    )
    return Client(by_path(mounts, otherwise=_app("transcribe")))


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/streams", "ingest  /v1/streams"),
        ("/v1/streams/c/chunks/0", "ingest  /v1/streams/c/chunks/0"),
        ("/v1/streamsx", "transcribe  /v1/streamsx"),
        ("/v1/meetings/m", "transcribe  /v1/meetings/m"),
        ("/internal/ingest/health", "ingest /internal/ingest /health"),
        ("/internal/ingestx", "own /internal /ingestx"),
        ("/internal/stats", "own /internal /stats"),
        ("/", "transcribe  /"),
    ],
)
def test_the_path_decides(client: Client, path: str, answer: str) -> None:
    assert client.get(path).text == answer
