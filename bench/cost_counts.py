"""A service that counts what Google would bill: `gunicorn 'bench.cost_counts:application("ingest")'`, for `bench.cost`.

The service is the one that its image runs. Around it, and around the calls below the vendors' client libraries where there are any,
wrappers count and change nothing. `GET /bench/counts` answers what was counted since the start, as one JSON object of numbers.
"""

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, Final

import msgspec
import requests
from flask import Flask
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.types import BatchGetDocumentsResponse, Write
from werkzeug.wsgi import ClosingIterator

from common.adapters.google.pubsub_publisher import PubSubPublisher
from common.events import Event, Message, SegmentReady

COUNTS_PATH: Final = "/bench/counts"
BILLED_STEP_S: Final = 0.1
"""Cloud Run rounds a request up to it."""
PUBSUB_OVERHEAD_BYTES: Final = 20 + 17
"""What Pub/Sub counts besides data and attributes: a timestamp, and the message's id as production makes them."""
PUBSUB_LEAST_BYTES: Final = 1_000
"""Of each publish and each push."""

_READS: Final = ("batch_get_documents", "run_query")


class Counts:
    """Numbers by name. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: defaultdict[str, float] = defaultdict(float)

    def add(self, **numbers: float) -> None:
        """Add to several at once."""
        with self._lock:
            for name, number in numbers.items():
                self._numbers[name] += number

    def json(self) -> bytes:
        """All of them, as one object."""
        with self._lock:
            return msgspec.json.encode(dict(self._numbers))


def application(service: str) -> Flask:
    """The application of `service`, counted. Whose process this is has to be its own: the wrappers stay."""
    counts = Counts()
    count_storage(counts)
    count_firestore(counts)
    count_pubsub(counts)
    package = "transcribe" if service == "api" else service  # one image in two roles
    app: Flask = import_module(f"{package}_service.bootstrap").application()
    app.wsgi_app = CountedRequests(app.wsgi_app, counts)  # type: ignore[method-assign]
    return app


class CountedRequests:
    """A WSGI application around another: requests, and how long they took, by what they are for."""

    def __init__(self, app: Callable[..., Iterable[bytes]], counts: Counts) -> None:
        self._app = app
        self._counts = counts

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer the request, or say what was counted."""
        path = environ["PATH_INFO"]
        if path == COUNTS_PATH:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [self._counts.json()]
        kind = request_kind(environ["REQUEST_METHOD"], path)
        began_s = time.monotonic()
        answered = self._app(environ, start_response)
        return ClosingIterator(answered, [lambda: self._count(kind, time.monotonic() - began_s)])

    def _count(self, kind: str, took_s: float) -> None:
        billed_s = math.ceil(took_s / BILLED_STEP_S) * BILLED_STEP_S
        self._counts.add(
            **{f"requests:{kind}": 1, f"request_seconds:{kind}": took_s, f"billed_seconds:{kind}": billed_s}
        )


def request_kind(method: str, path: str) -> str:
    """What a request is for: `push segmenter`, `sweep`, `chunks`, `speakers`, `end`, `health`, or `other`. Pure."""
    parts = path.strip("/").split("/")
    match parts:
        case ["push", subscription]:
            return f"push {subscription}"
        case ["sweep", *_]:
            return "sweep"
        case ["health", *_]:
            return "health"
        case ["v1", "streams", _, ("chunks" | "speakers" | "end") as what, *_] if method in {"PUT", "POST"}:
            return what
        case _:
            return "other"


def count_storage(counts: Counts) -> None:
    """Count requests to Cloud Storage, by its classes of operations."""
    original = requests.Session.send

    def send(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        operation = storage_operation(request.method or "", request.url or "")
        if operation:
            counts.add(**{f"storage:{operation}": 1})
        return original(self, request, **options)

    requests.Session.send = send  # type: ignore[method-assign]


def storage_operation(method: str, url: str) -> str:
    """`insert`, `list` (class A), `read`, `metadata` (class B) or `delete` (free); empty for what is no request for objects. Pure."""
    path, _, query = url.partition("?")
    if "/storage/v1/b/" not in path:
        return ""
    name = path.partition("/storage/v1/b/")[2].partition("/o")[2]
    match method:
        case "POST" | "PUT" | "PATCH":
            return "insert"
        case "DELETE":
            return "delete"
        case "GET" if not name.strip("/"):
            return "list"
        case "GET":
            return "read" if "alt=media" in query or "/download/" in path else "metadata"
        case _:
            return "metadata"


def count_firestore(counts: Counts) -> None:
    """Count documents that are read, written and deleted, as Firestore bills them: a query without a result is one read."""
    for name in _READS:
        _wrap(FirestoreClient, name, lambda answer: _counted_documents(answer, counts))
    commit = FirestoreClient.commit

    def counted_commit(self: FirestoreClient, request: Any = None, **options: Any) -> Any:
        writes = request["writes"] if isinstance(request, dict) else request.writes
        deletes = sum(1 for write in writes if "delete" in write)
        size_bytes = sum(Write.pb(write).ByteSize() for write in writes)
        counts.add(
            **{
                "firestore:writes": len(writes) - deletes,
                "firestore:deletes": deletes,
                "firestore:written_bytes": size_bytes,
            }
        )
        return commit(self, request, **options)

    FirestoreClient.commit = counted_commit  # type: ignore[method-assign]
    list_documents = FirestoreClient.list_documents

    def counted_list(self: FirestoreClient, request: Any = None, **options: Any) -> Any:
        pages = list_documents(self, request, **options)
        counts.add(**{"firestore:reads": max(1, len(pages.documents))})
        return pages

    FirestoreClient.list_documents = counted_list  # type: ignore[method-assign]


def _wrap(cls: type[Any], name: str, around: Callable[[Any], Any]) -> None:
    original = getattr(cls, name)

    def counted(self: Any, request: Any = None, **options: Any) -> Any:
        return around(original(self, request, **options))

    setattr(cls, name, counted)


def _counted_documents(answers: Iterable[Any], counts: Counts) -> Iterator[Any]:
    documents = 0
    try:
        for answer in answers:
            documents += isinstance(answer, BatchGetDocumentsResponse) or "document" in answer
            yield answer
    finally:
        counts.add(**{"firestore:reads": max(1, documents)})


def count_pubsub(counts: Counts) -> None:
    """Count messages and their billed bytes by topic, and of segments how much audio they announce."""
    publish, publish_below = PubSubPublisher.publish, PubSubPublisher._publish  # noqa: SLF001 -- below both ways to publish

    def counted_publish(self: PubSubPublisher, event: Event) -> None:
        if isinstance(event, SegmentReady):
            kind = "final" if event.final else "provisional"
            seconds = (event.end_ms - event.start_ms + 2 * event.padding_ms) / 1000
            counts.add(**{f"segments:{kind}": 1, f"segment_seconds:{kind}": seconds})
        publish(self, event)

    def counted_message(self: PubSubPublisher, topic: str, message: Message, what: str) -> None:
        size_bytes = message_bytes(message)
        billed_bytes = max(PUBSUB_LEAST_BYTES, size_bytes)
        counts.add(
            **{f"messages:{topic}": 1, f"message_bytes:{topic}": size_bytes, f"billed_bytes:{topic}": billed_bytes}
        )
        publish_below(self, topic, message, what)

    PubSubPublisher.publish = counted_publish  # type: ignore[method-assign]
    PubSubPublisher._publish = counted_message  # type: ignore[method-assign]  # noqa: SLF001


def message_bytes(message: Message) -> int:
    """What Pub/Sub counts a message as. Pure."""
    attributes = sum(len(name.encode()) + len(value.encode()) for name, value in message.attributes.items())
    return len(message.data) + attributes + PUBSUB_OVERHEAD_BYTES
