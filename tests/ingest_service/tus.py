"""Requests as a tus client makes them, over ingest with ports in memory."""

import base64
import io
from collections.abc import Mapping

from werkzeug.test import TestResponse

from common.object_names import ConnectionObjects
from tests.ingest_service.fakes import AUTHORIZED, Ingest

TUS = AUTHORIZED | {"Tus-Resumable": "1.0.0"}
PART = {"Content-Type": "application/offset+octet-stream"}


def metadata(said: Mapping[str, str]) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())


def create(
    ingest: Ingest,
    length: int | str,
    said: Mapping[str, str] | None = None,
    *,
    key: str | None = "k",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> TestResponse:
    sent = {**TUS, "Upload-Length": str(length), **({"Idempotency-Key": key} if key else {}), **(headers or {})}
    if said:
        sent["Upload-Metadata"] = metadata(said)
    if body is None:
        return ingest.client.post("/v1/uploads", headers=sent)
    return ingest.client.post("/v1/uploads", headers=PART | sent, data=body)


def head(ingest: Ingest, url: str) -> TestResponse:
    return ingest.client.head(url, headers=TUS)


def offset(ingest: Ingest, url: str) -> int:
    return int(head(ingest, url).headers["Upload-Offset"])


def patch(
    ingest: Ingest, url: str, at: int | str, data: bytes, *, breaks_after: int | None = None, **headers: str
) -> TestResponse:
    """Send a part; where `breaks_after` says so, the connection breaks after so many bytes."""
    sent = {**TUS, **PART, "Upload-Offset": str(at), **headers}
    if breaks_after is None:
        return ingest.client.patch(url, headers=sent, data=data)
    environ = {
        "wsgi.input": io.BytesIO(data[:breaks_after]),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": str(len(data)),
    }
    return ingest.client.patch(url, headers=sent, environ_overrides=environ)


def connection_of(url: str) -> str:
    return url.rpartition("/")[2]


def stored_pieces(ingest: Ingest, url: str) -> list[bytes]:
    """The chunks, which must be there without a hole."""
    chunks = list(ingest.blobs.list(ConnectionObjects("default", connection_of(url)).chunks_prefix))
    assert [int(chunk.name[-8:]) for chunk in chunks] == list(range(len(chunks)))
    return [ingest.blobs.objects[chunk.name].data for chunk in chunks]
