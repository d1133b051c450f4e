import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import pytest

from common.adapters.google.gcs_blob_store import LARGE_BYTES, GcsBlobStore
from common.errors import Backpressure, Permanent, Retryable
from common.ports.blob_store import BlobNotFound, Created
from local_cloud.emulators import PROJECT, Emulators
from tests.emulators import frozen


@pytest.fixture
def store(bucket: str) -> Iterator[GcsBlobStore]:
    with closing(GcsBlobStore(PROJECT, bucket, connect_timeout_s=1, answer_timeout_s=1)) as store:
        yield store


class Answering:
    """A server that answers everything with `status` and counts."""

    def __init__(self, status: int) -> None:
        self.requests = 0
        answering = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                answering.requests += 1
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = do_DELETE = _answer  # noqa: N815

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.mark.component("emulators")
def test_while_nothing_is_answered_nothing_is_decided(store: GcsBlobStore, emulators: Emulators) -> None:
    store.create("raw/one", b"1")
    with frozen(emulators.gcs):
        for call in (
            lambda: store.create("raw/two", b"2"),
            lambda: store.read("raw/one"),
            lambda: store.info("raw/one"),
            lambda: list(store.list("raw/")),
            lambda: store.delete("raw/one"),
            store.check,
        ):
            with pytest.raises(Retryable):
                call()
    # What was asked for may have been done by now, or not: saying it again is all that a caller must do.
    assert store.create("raw/two", b"2") in {Created.CREATED, Created.ALREADY_SAME}
    assert store.read("raw/two") == b"2"


@pytest.mark.component("emulators")
def test_large_objects_are_created_once_too(store: GcsBlobStore) -> None:
    large = bytes(LARGE_BYTES + 1)
    assert store.create("raw/large", large) is Created.CREATED
    assert store.create("raw/large", large) is Created.ALREADY_SAME
    assert store.create("raw/large", large[1:] + b"x") is Created.ALREADY_DIFFERENT
    assert store.read("raw/large") == large


@pytest.mark.component("emulators")
def test_a_bucket_that_is_not_there_can_still_be_made(emulators: Emulators) -> None:
    with closing(GcsBlobStore(PROJECT, "nobody-made-this")) as store:
        with pytest.raises(Retryable):
            store.create("raw/one", b"1")
        with pytest.raises(Retryable):
            store.check()


@pytest.mark.component("emulators")
@pytest.mark.parametrize("name", ["", "/", "a//b", "a/../b", "./a", "a\nb", "x" * 1025, "\ud800"])
def test_names_that_would_be_misread_are_refused(store: GcsBlobStore, name: str) -> None:
    for call in (lambda: store.create(name, b""), lambda: store.read(name), lambda: store.info(name)):
        with pytest.raises(Permanent) as refused:
            call()
        assert refused.value.reason == "invalid_object_name"


@pytest.mark.parametrize(
    ("status", "error"), [(500, Retryable), (503, Retryable), (429, Backpressure), (400, Permanent)]
)
def test_nothing_is_tried_twice_behind_the_callers_back(
    monkeypatch: pytest.MonkeyPatch, status: int, error: type[Exception]
) -> None:
    with Answering(status) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        with closing(GcsBlobStore(PROJECT, "bucket")) as store:
            for number, call in enumerate((lambda: store.create("a", b"1"), lambda: store.read("a"), store.check), 1):
                with pytest.raises(error):
                    call()
                assert server.requests == number


def test_no_server_at_all_is_a_passing_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    with closing(GcsBlobStore(PROJECT, "bucket")) as store, pytest.raises(Retryable):
        store.read("a")


def test_bytes_that_were_damaged_on_their_way_are_not_taken(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Damaging(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("x-goog-hash", "crc32c=AAAAAA==")
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"bytes")

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Damaging)
    request.addfinalizer(server.server_close)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
    with closing(GcsBlobStore(PROJECT, "bucket")) as store, pytest.raises(Retryable) as refused:
        store.read("a")
    server.shutdown()
    thread.join()
    assert refused.value.reason == "corrupt_transfer"


@pytest.mark.component("emulators")
def test_a_deleted_object_is_named(store: GcsBlobStore) -> None:
    store.create("raw/one", b"1")
    store.delete("raw/one")
    with pytest.raises(BlobNotFound, match="raw/one"):
        store.read("raw/one")
