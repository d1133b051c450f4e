import gzip
from collections.abc import Iterator

import pytest
from flask import Flask, Response, request

from common.compression import LEAST_BYTES, compress_answers

TEXT = b"so it was said " * 200
KINDS = ["application/json", "application/x-subrip", "text/plain; charset=utf-8", "text/vtt", "text/html"]


def app_that_answers(body: bytes = TEXT, content_type: str = "application/json") -> Flask:
    app = Flask(__name__)

    @app.get("/")
    def answer() -> Response:
        response = Response(body, content_type=content_type)
        response.set_etag("abc")
        response.headers["Vary"] = "Accept"
        response.make_conditional(request, accept_ranges=True, complete_length=len(body))
        return response

    @app.get("/stream")
    def stream() -> Response:
        def pieces() -> Iterator[bytes]:
            yield TEXT

        return Response(pieces(), content_type="text/event-stream")

    compress_answers(app)
    return app


@pytest.mark.parametrize("content_type", KINDS)
def test_text_is_compressed_for_who_takes_it(content_type: str) -> None:
    client = app_that_answers(content_type=content_type).test_client()
    small = client.get("/", headers={"Accept-Encoding": "gzip, deflate, br"})
    assert gzip.decompress(small.data) == TEXT
    assert small.headers["Content-Encoding"] == "gzip"
    assert small.headers["Content-Length"] == str(len(small.data))
    assert small.headers["Content-Type"] == content_type
    assert small.headers["ETag"] == 'W/"abc"'
    assert {each.strip() for each in small.headers["Vary"].split(",")} == {"Accept", "Accept-Encoding"}


@pytest.mark.parametrize("accepted", [None, "", "br", "gzip;q=0", "identity", "identity;q=1, gzip;q=0.5", "*;q=0"])
def test_who_does_not_take_it_gets_it_as_it_is(accepted: str | None) -> None:
    client = app_that_answers().test_client()
    plain = client.get("/", headers={} if accepted is None else {"Accept-Encoding": accepted})
    assert plain.data == TEXT
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["ETag"] == '"abc"'
    assert "Accept-Encoding" in plain.headers["Vary"], "a cache must not give it to others"


@pytest.mark.parametrize("tag", ['"abc"', 'W/"abc"'])
@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_who_has_either_of_the_two_has_what_is_new(tag: str, accepted: str) -> None:
    client = app_that_answers().test_client()
    answer = client.get("/", headers={"Accept-Encoding": accepted, "If-None-Match": tag})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == ('W/"abc"' if accepted == "gzip" else '"abc"')
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_short_answers_parts_audio_and_streams_stay_as_they_are() -> None:
    wanted = {"Accept-Encoding": "gzip"}
    short = app_that_answers(b"x" * (LEAST_BYTES - 1)).test_client().get("/", headers=wanted)
    part = app_that_answers().test_client().get("/", headers=wanted | {"Range": "bytes=0-1999"})
    audio = app_that_answers(content_type="audio/flac").test_client().get("/", headers=wanted)
    stream = app_that_answers().test_client().get("/stream", headers=wanted)
    for answer in (short, part, audio, stream):
        assert "Content-Encoding" not in answer.headers
    assert part.status_code == 206
    assert audio.headers["ETag"] == '"abc"'
    assert audio.headers["Vary"] == "Accept"
    assert stream.data == TEXT


def test_the_same_answer_is_the_same_bytes() -> None:
    client = app_that_answers().test_client()
    assert (
        client.get("/", headers={"Accept-Encoding": "gzip"}).data
        == client.get("/", headers={"Accept-Encoding": "gzip"}).data
    )


def test_a_head_says_what_a_get_would() -> None:
    client = app_that_answers().test_client()
    wanted = {"Accept-Encoding": "gzip"}
    head, whole = client.head("/", headers=wanted), client.get("/", headers=wanted)
    assert head.data == b""
    for name in ("Content-Length", "Content-Encoding", "ETag", "Vary"):
        assert head.headers[name] == whole.headers[name]
