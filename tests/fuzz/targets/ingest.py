"""What clients send to ingest: read, or refused by a problem or `Permanent`; nothing else leaves a parser."""

import io
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec
from flask import Request
from werkzeug.datastructures import Headers, MultiDict

from common.errors import Permanent
from common.events import Message
from common.problems import Problem
from ingest_service.earlier.readings import read_masks, read_source, read_time
from ingest_service.http.multipart import FORM_BYTES, MAX_PARTS, form_data
from ingest_service.http.tus_headers import refuse_other_types, upload_length, upload_metadata, upload_offset
from ingest_service.intake.observations import MAX_WINDOW_MS, observation
from ingest_service.intake.requests import checked_epoch_ms, chunk_upload, end_of_stream, parameters, stream
from ingest_service.pubsub.attributes import HEADER_NAMES
from ingest_service.pubsub.cloud_events import UPLOADED
from ingest_service.pubsub.trust import UploadTrust, split_uri
from ingest_service.pubsub.upload_messages import UploadMessage, parse_upload
from ingest_service.websocket.messages import Unreadable, client_message
from tests.fuzz.target import Target
from tests.fuzz.targets.messages import JSON_TOKENS

NOW_MS: Final = 1_700_000_000_000
LIMIT_BYTES: Final = 1_000


def _refused(*calls: Callable[[], object]) -> None:
    """Each of `calls` returns, or refuses as a client is told."""
    for call in calls:
        refusal: Problem | None = None
        try:
            call()
        except Problem as problem:
            refusal = problem
        except Permanent:
            continue
        assert refusal is None or 400 <= refusal.status < 500


def _multipart(data: bytes) -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": "multipart/form-data; boundary=b",
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.input": io.BytesIO(data),
    }
    with suppress(Problem), form_data(Request(environ), LIMIT_BYTES) as form:
        parts = len(list(form.fields.items(multi=True))) + len(list(form.files.items(multi=True)))
        assert parts <= MAX_PARTS
        assert sum(len(value) for _, value in form.fields.items(multi=True)) <= FORM_BYTES + LIMIT_BYTES
        files = [file.stream.read() for _, file in form.files.items(multi=True)]
        assert sum(map(len, files)) <= len(data)


def _tus(data: bytes) -> None:
    lines = [line.partition(":") for line in data.decode("latin-1").split("\n")]
    headers = Headers([(name, value.strip()) for name, _, value in lines if name and "\r" not in value])
    _refused(
        lambda: upload_length(headers, 1 << 40),
        lambda: upload_offset(headers),
        lambda: upload_metadata(headers.get("Upload-Metadata", "")),
        lambda: refuse_other_types(headers.get("Content-Type", "")),
    )


def _websocket(data: bytes) -> None:
    with suppress(Unreadable):
        message = client_message(data)
        at_ms = getattr(message, "captured_at_ms", None)
        if at_ms is not None:
            _refused(lambda: checked_epoch_ms(at_ms, "captured_at_ms"))
        else:
            msgspec.msgpack.encode(message)
        body = getattr(message, "body", None)
        if body is not None:
            _refused(lambda: observation(body))


def _observation(data: bytes) -> None:
    def read() -> None:
        found = observation(data)
        msgspec.msgpack.encode(found)
        assert 0 <= found.covered_to_ms - found.covered_from_ms <= MAX_WINDOW_MS
        inside = (found.covered_from_ms <= a.start_ms < a.end_ms <= found.covered_to_ms for a in found.activities)
        assert all(inside)
        assert len(found.observation_id) == 32

    _refused(read, lambda: msgspec.msgpack.encode(end_of_stream(data)))


def _query(data: bytes) -> None:
    pairs = [line.partition("=")[::2] for line in data.decode("utf-8", "replace").split("\n")]
    query = MultiDict(pairs)

    def read() -> None:
        known = parameters(query, {"meeting_id", "seq", "captured_at_ms", "language", "channels", *query})
        upload = chunk_upload(
            stream("default", "call-1", known), known.get("seq", "0"), known, known.get("content_type", ""), NOW_MS
        )
        msgspec.msgpack.encode(upload.options)
        assert 0 < upload.captured_at_ms < 1 << 53

    _refused(read)


def _message(data: bytes) -> None:
    """Attributes a line, an empty line, the data."""
    head, _, body = data.partition(b"\n\n")
    pairs = (line.partition("=")[::2] for line in head.decode("utf-8", "replace").split("\n"))
    trust = UploadTrust(frozenset({"acme"}), frozenset({"bucket-1"}), "own-bucket", "dropbox/")

    def read() -> None:
        found = parse_upload(Message(body, dict(pairs)), trust, published_ms=NOW_MS)
        assert isinstance(found, UploadMessage)
        tenant = found.upload.stream.tenant if hasattr(found, "upload") else found.stream.tenant
        assert tenant in {"default", "acme"}

    with suppress(Permanent):
        read()
    with suppress(Permanent):
        split_uri(head.decode("utf-8", "replace"))


def _earlier(data: bytes) -> None:
    text, _, body = data.partition(b"\n")
    at_ms, _ = read_time(text.decode("latin-1"), NOW_MS)
    assert 0 < at_ms < 1 << 53
    read_source(text.decode("utf-8", "replace"))
    masks, fault = read_masks(body)
    assert len(masks) <= 100
    assert len({name for name, _ in masks}) == len(masks)
    assert fault is None or len(fault.detail) < 10_000


_FORM: Final = (
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\nID3\r\n--b--\r\n'
)
_EVENT: Final = (
    b'{"specversion":"1.0","type":"turnscribe.audio.uploaded.v1","id":"1","source":"/x","time":"2024-01-01T00:00:00Z",'
    b'"connectionid":"c","meetingid":"m","seq":0,"data_base64":"AAAA"}'
)
assert UPLOADED.encode() in _EVENT
TARGETS: Final = (
    Target(
        "multipart",
        _multipart,
        lambda: [
            _FORM,
            _FORM.replace(b"name=", b"name*=utf-8''"),
            b"preamble\r\n" + _FORM.replace(b"audio/mpeg", b"text/plain; charset=utf-16") + b"epilogue",
            _FORM.replace(b"\r\n", b"\n"),
            _FORM.replace(b"--b--", b"--b  \r\n"),
        ],
        tokens=(
            b"\r\n--b\r\n",
            b"--b--",
            b"Content-Disposition: form-data; name*=utf-16''%ff",
            b"filename*0=x",
            b"; charset=utf-7",
            b"\r\n\r\n",
        ),
    ),
    Target(
        "tus headers",
        _tus,
        lambda: [
            b"Upload-Length: 10\nUpload-Offset: 3\nUpload-Metadata: meeting_id bTE=,filetype YXVkaW8=\nContent-Type: x"
        ],
        tokens=("²".encode("latin-1"), b"9" * 30, b"meeting_id ", b"Upload-Defer-Length: 1"),
    ),
    Target(
        "websocket messages",
        _websocket,
        lambda: [
            b'{"type":"chunk","seq":1,"captured_at_ms":1700000000000}',
            b'{"type":"end","last_seq":1,"observations":2}',
            b'{"type":"speakers","ts_ms":1700000000000,"masks":[["Ada","01"]]}',
        ],
        tokens=JSON_TOKENS,
    ),
    Target(
        "speaker activity",
        _observation,
        lambda: [
            b'{"ts_ms":1700000000000,"bit_ms":100,"masks":[["Ada","0110001111"]]}',
            b'{"clock":"stream","covered_from_ms":0,"covered_to_ms":9,"intervals":[{"speaker":"A","start_ms":1,"end_ms":5}]}',
            b'{"last_seq":1,"observations":2}',
        ],
        tokens=JSON_TOKENS,
    ),
    Target(
        "query",
        _query,
        lambda: [
            b"meeting_id=m\nseq=1\ncaptured_at_ms=1700000000000\nlanguage=pt-BR\nchannels=separate\nchannel_speakers=A,B\nparticipant=A"
        ],
        tokens=("٣".encode(), b"9" * 20, b"\nstarted_at_ms="),
    ),
    Target(
        "upload messages",
        _message,
        lambda: [
            b"connection_id=c\nmeeting_id=m\nseq=0\ncontent_type=audio/webm\ncaptured_at=2024-01-01T00:00:00Z\n\nbytes",
            b'kind=recording\ntenant=acme\n\n{"uri":"gs://bucket-1/x.mp3","generation":3}',
            b"content-type=application/cloudevents+json\n\n" + _EVENT,
            b"ce-specversion=1.0\nce-type=turnscribe.audio.uploaded.v1\nce-connectionid=c\nce-meetingid=m\nce-seq=1\n\nabc",
            b'kind=end\nconnection_id=c\nmeeting_id=m\n\n{"last_seq":3}',
            b"gs://bucket-1/a/b",
        ],
        tokens=(*JSON_TOKENS, *(name.encode() + b"=" for name in sorted(HEADER_NAMES))),
    ),
    Target(
        "earlier clients",
        _earlier,
        lambda: [
            b'1700000000.5\n[["Ada","0110"],["Ada","1"],["B","x"]]',
            b"inf\n[]",
            b"1700000000000000\n" + b"[" * 70,
        ],
        tokens=JSON_TOKENS,
    ),
)
