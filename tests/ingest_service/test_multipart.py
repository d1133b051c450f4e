import io
from contextlib import suppress

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from common.problems import Problem
from ingest_service.http.multipart import FORM_BYTES, MAX_PARTS, form_data

LIMIT = 3 * 1024**2
BOUNDARY = "b0undary"


def request_of(body: bytes, content_type: str = f"multipart/form-data; boundary={BOUNDARY}") -> Request:
    environ = EnvironBuilder(method="POST", input_stream=io.BytesIO(body), content_type=content_type).get_environ()
    environ["CONTENT_LENGTH"] = str(len(body))
    return Request(environ)


def form_request(**parts: object) -> Request:
    environ = EnvironBuilder(method="POST", data=parts).get_environ()
    with environ["wsgi.input"] as body:
        return request_of(body.read(), environ["CONTENT_TYPE"])


def refusal(req: Request, limit_bytes: int = LIMIT) -> tuple[int, str, str]:
    with pytest.raises(Problem) as caught, form_data(req, limit_bytes):
        pass
    return caught.value.status, caught.value.kind, caught.value.detail


@given(st.binary(max_size=2000), st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_files_and_fields_come_as_they_were_sent(data: bytes, text: str) -> None:
    with form_data(form_request(said=text, file=(io.BytesIO(data), "a.webm", "audio/webm")), LIMIT) as form:
        assert form.fields.to_dict() == {"said": text}
        assert form.files["file"].read() == data
        assert form.files["file"].headers["Content-Type"] == "audio/webm"


def test_a_large_file_is_whole_and_closed_in_the_end() -> None:
    data = bytes(range(256)) * 10_000
    with form_data(form_request(file=(io.BytesIO(data), "a.wav")), LIMIT) as form:
        file = form.files["file"]
        assert file.read() == data
    assert file.stream.closed


def test_a_file_above_the_limit_is_refused() -> None:
    status, kind, _ = refusal(form_request(file=(io.BytesIO(b"x" * (LIMIT + FORM_BYTES + 1)), "a.wav")))
    assert (status, kind) == (413, "body-too-large")


def test_fields_have_a_limit_of_their_own() -> None:
    status, kind, detail = refusal(form_request(prompt="x" * 1024**2, file=(io.BytesIO(b"x"), "a.wav")))
    assert (status, kind) == (413, "form-too-large")
    assert str(FORM_BYTES) in detail


def test_parts_are_counted() -> None:
    many = {f"field{n}": "x" for n in range(MAX_PARTS + 1)}
    assert refusal(form_request(**many, file=(io.BytesIO(b"x"), "a.wav")))[:2] == (413, "form-too-large")


@pytest.mark.parametrize("content_type", ["", "application/json", "application/x-www-form-urlencoded", "audio/webm"])
def test_what_is_no_form_is_refused(content_type: str) -> None:
    assert refusal(request_of(b"file=x", content_type)) == (
        415,
        "not-a-form",
        "The body must be multipart/form-data.",
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing of a form",
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nbroken o".encode(),
        f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode(),
        f"--{BOUNDARY}\r\nContent-Type: audio/webm\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode(),
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\xff\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode("latin-1"),
    ],
)
def test_a_form_that_can_not_be_read_is_named_so(body: bytes) -> None:
    status, kind, detail = refusal(request_of(body))
    assert (status, kind) == (400, "invalid-body")
    assert detail.startswith("The form can't be read")


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=\xe9"])
def test_a_boundary_must_be_there_and_plain(boundary: str) -> None:
    assert refusal(request_of(b"x", f"multipart/form-data{boundary}"))[:2] == (400, "invalid-body")


@given(st.lists(st.sampled_from([b"--", BOUNDARY.encode(), b"\r\n", b"\n", b": ", b"name=", b'"', b"filename=", b"x", b"\x00",
       b"Content-Disposition: form-data; name=a", b"Content-Length: -1", b"Content-Type: text/plain; charset=x"]), max_size=30))  # fmt: skip
def test_whatever_is_sent_is_read_or_refused(parts: list[bytes]) -> None:
    with suppress(Problem), form_data(request_of(b"".join(parts)), LIMIT) as form:
        assert all(isinstance(value, str) for item in form.fields.items() for value in item)
