import io

import pytest
from flask import Request
from gunicorn.http.errors import InvalidChunkSize, NoMoreData
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from common.problems import Problem
from ingest_service.http.body import read_body
from tests.ingest_service.fakes import AUTHORIZED, Ingest, problem

LIMIT = 1_024


class Endless(io.RawIOBase):
    """A body that never ends, and fails the test when it is read past `allowed` bytes."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        assert 0 <= size <= self.allowed - self.given, "read past the limit"
        self.given += size
        return b"x" * size


def request_with(stream: io.IOBase, declared: int | None, *, chunked: bool = False) -> Request:
    environ = EnvironBuilder(method="PUT").get_environ()
    environ["wsgi.input"] = stream
    environ["wsgi.input_terminated"] = True  # as gunicorn does: the length is then nobody's business but ours
    environ.pop("CONTENT_LENGTH", None)
    if declared is not None:
        environ["CONTENT_LENGTH"] = str(declared)
    if chunked:
        environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    return Request(environ)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 7), st.booleans())
def test_the_whole_body_or_a_refusal(length: int, limit: int, piece: int, declared: bool) -> None:
    class Dribble(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(piece, size or 0))

    body = bytes(range(length))
    req = request_with(Dribble(body), length if declared else None, chunked=not declared)
    if length <= limit:
        assert read_body(req, limit) == body
    else:
        with pytest.raises(Problem, match="larger than") as caught:
            read_body(req, limit)
        assert caught.value.status == 413


def test_a_declared_length_above_the_limit_is_refused_unread() -> None:
    with pytest.raises(Problem) as caught:
        read_body(request_with(Endless(0), LIMIT + 1), LIMIT)
    assert (caught.value.status, caught.value.extra) == (413, {"limit_bytes": LIMIT})


def test_without_a_length_reading_stops_one_byte_past_the_limit() -> None:
    endless = Endless(LIMIT + 1)
    with pytest.raises(Problem) as caught:
        read_body(request_with(endless, None, chunked=True), LIMIT)
    assert caught.value.status == 413
    assert endless.given == LIMIT + 1


def test_a_body_that_breaks_off_is_no_chunk() -> None:
    with pytest.raises(Problem, match="broke off") as caught:
        read_body(request_with(io.BytesIO(b"half"), 8), LIMIT)
    assert caught.value.status == 400


@pytest.mark.parametrize("error", [OSError("connection reset"), NoMoreData(), InvalidChunkSize(b"zz")])
def test_a_broken_transfer_is_no_chunk(error: Exception) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise error

    with pytest.raises(Problem, match="broke off"):
        read_body(request_with(Broken(), None, chunked=True), LIMIT)


def test_a_length_that_nobody_can_know_is_411() -> None:
    req = request_with(io.BytesIO(b"bytes"), None, chunked=True)
    del req.environ["wsgi.input_terminated"]
    with pytest.raises(Problem) as caught:
        read_body(req, LIMIT)
    assert caught.value.status == 411


def test_the_route_stops_reading_too(ingest: Ingest) -> None:
    limit = ingest.settings.max_chunk_bytes
    answer = ingest.client.put(
        "/v1/streams/c1/chunks/0?meeting_id=m1",
        headers=AUTHORIZED,
        environ_overrides={
            "wsgi.input": Endless(limit + 1),
            "wsgi.input_terminated": True,
            "HTTP_TRANSFER_ENCODING": "chunked",
        },
    )
    assert problem(answer)[:2] == (413, "body-too-large")
    assert ingest.blobs.objects == {}
    assert ingest.put(1, b"x" * limit).status_code == 201
    assert problem(ingest.put(2, b"x" * (limit + 1)))[0] == 413


def test_half_a_chunk_is_never_stored(ingest: Ingest) -> None:
    answer = ingest.client.put(
        "/v1/streams/c1/chunks/0?meeting_id=m1",
        headers=AUTHORIZED,
        environ_overrides={
            "wsgi.input": io.BytesIO(b"half"),
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": "10",
        },
    )
    assert problem(answer)[:2] == (400, "incomplete-body")
    assert (ingest.blobs.objects, ingest.events) == ({}, [])


def test_json_bodies_have_a_limit_of_their_own(ingest: Ingest) -> None:
    assert problem(ingest.post("speakers", b" " * (256 * 1024 + 1)))[0] == 413
    assert problem(ingest.post("end", b" " * (256 * 1024 + 1)))[0] == 413
