"""Bodies up to a limit: what is beyond is not read, whether or not its length was said."""

import io

import pytest
from flask import Flask, Response, request

from common.limited_body import limited_body
from common.problems import install_problem_handlers

LIMIT = 1_000


class Endless:
    """What `wsgi.input` needs to be."""

    read_bytes = 0

    def read(self, size: int) -> bytes:
        self.read_bytes += size
        return b"x" * size


@pytest.fixture
def app() -> Flask:
    app = Flask("limited")
    install_problem_handlers(app)

    @app.post("/")
    def take() -> Response:
        return Response(str(len(limited_body(request, LIMIT))))

    return app


@pytest.mark.parametrize(("size", "status"), [(0, 200), (LIMIT, 200), (LIMIT + 1, 413), (LIMIT + 2, 413), (10**7, 413)])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_up_to_the_limit_is_taken_whole(app: Flask, size: int, status: int, declared: bool) -> None:
    length = {"content_length": size} if declared else {"environ_overrides": {"wsgi.input_terminated": True}}
    answer = app.test_client().post("/", input_stream=io.BytesIO(b"x" * size), **length)
    assert answer.status_code == status
    assert (str(size) if status == 200 else "urn:turnscribe:problem:body-too-large") in answer.text


def test_of_an_endless_body_little_is_read(app: Flask) -> None:
    body = Endless()
    environ = {"wsgi.input": body, "wsgi.input_terminated": True}
    assert app.test_client().post("/", environ_overrides=environ).status_code == 413
    assert body.read_bytes <= 64 * 1024 + LIMIT


def test_of_a_body_that_breaks_off_nothing_is_made(app: Flask) -> None:
    environ = {"wsgi.input": io.BytesIO(b"x" * 10), "wsgi.input_terminated": True, "CONTENT_LENGTH": "20"}
    answer = app.test_client().post("/", environ_overrides=environ)
    assert answer.status_code == 400
    assert "urn:turnscribe:problem:incomplete-body" in answer.text


def test_a_connection_that_breaks_under_the_reader_is_said_to(app: Flask) -> None:
    class Broken:
        def read(self, _size: int) -> bytes:
            raise ConnectionResetError

    environ = {"wsgi.input": Broken(), "wsgi.input_terminated": True, "CONTENT_LENGTH": "20"}
    assert app.test_client().post("/", environ_overrides=environ).status_code == 400
