import socket
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests
from google.cloud.storage import Client

from common.adapters.google import gcs_blob_store
from common.adapters.google.gcs_blob_store import LARGE_BYTES, SLOW_BYTES, GcsBlobStore
from common.adapters.google.gcs_source_objects import GcsSourceObjects
from common.adapters.google.storage_session import CONNECTIONS, prepare
from common.errors import Backpressure, Permanent, Retryable
from common.ports.blob_store import BlobNotFound, Created
from local_cloud.emulators import PROJECT, Emulators
from tests.breaking_off import breaking_off, parts_of
from tests.certificates import issued
from tests.common.adapters.storage_server import Answer, Proxy, StorageServer
from tests.emulators import frozen
from tests.transcribe_service.delivery.receiving_server import answering as answering_with
from tests.transcribe_service.delivery.receiving_server import receiving

OBJECT_HEAD = (
    b"ETag: CMju",
    b"x-goog-generation: 1360887697105000",
    b"x-goog-stored-content-encoding: identity",
    b"x-goog-stored-content-length: 9",
    b"x-goog-hash: crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==",
    b"Content-Type: application/octet-stream",
)
JSON_HEAD = (b"Content-Type: application/json; charset=UTF-8", b"Vary: Origin")
JSON_BODY = b'{"name":"a","size":"9","crc32c":"4waSgw==","metadata":{"k":"v"},"items":[{"name":"a","size":"9"}]}'


@pytest.fixture
def store(bucket: str) -> Iterator[GcsBlobStore]:
    with closing(GcsBlobStore(PROJECT, bucket, connect_timeout_s=1, answer_timeout_s=1)) as store:
        yield store


@contextmanager
def store_at(url: str, *, connect_timeout_s: float = 5, answer_timeout_s: float = 5) -> Iterator[GcsBlobStore]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", url)
        store = GcsBlobStore(PROJECT, "bucket", connect_timeout_s=connect_timeout_s, answer_timeout_s=answer_timeout_s)
    with closing(store):
        yield store


@contextmanager
def answering(answer: Answer) -> Iterator[tuple[GcsBlobStore, StorageServer]]:
    with StorageServer(lambda *_request: answer) as server, store_at(server.url) as store:
        yield store, server


@pytest.fixture
def passed_on(emulators: Emulators) -> Iterator[tuple[GcsBlobStore, Proxy]]:
    """A store on an empty bucket of the emulator, and what stands between the two."""
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    emulators.create_bucket(bucket)
    with Proxy(emulators.environ["STORAGE_EMULATOR_HOST"]) as proxy, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", proxy.url)
        with closing(GcsBlobStore(PROJECT, bucket)) as store:
            yield store, proxy


def calls(store: GcsBlobStore, name: str, other: str = "") -> tuple[Callable[[], object], ...]:
    """Everything that a store does, with the object of that name, or where it creates one with the other."""
    return (
        lambda: store.create(other or name, b"2"),
        lambda: store.read(name),
        lambda: store.info(name),
        lambda: list(store.list(name)),
        lambda: store.delete(name),
        store.check,
    )


@pytest.mark.parametrize(
    "last",
    [
        b"",
        b"Content-Ty",
        b"Content-Length: ",
        b"Transfer-Encoding: chunk",
        b"X-Goog-Hash: crc32c=AAA",
        b"Content-Length: 9\r\nX-Goog-Hash: crc32c",
        b"Content-Length: 9\r\nX-Goog-Hash: crc32c=AAA",
        b"Content-Length: 9\r\nX-Goog-Hash: ",
        b"Content-Length: 9\r\nX-Goog-Ha",
    ],
)
def test_an_answer_that_breaks_off_in_its_head_is_none(last: bytes) -> None:
    with breaking_off(lambda: b"HTTP/1.1 200 OK\r\nServer: storage\r\n" + last) as url, store_at(url) as store:
        for call in calls(store, "a"):
            with pytest.raises(Retryable):
                call()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("STORAGE_EMULATOR_HOST", url)
            with closing(GcsSourceObjects(PROJECT)) as sources, pytest.raises(Retryable):
                sources.stat("gs://bucket/object")


@pytest.mark.parametrize(
    ("head", "body", "call"),
    [
        pytest.param(OBJECT_HEAD, b"123456789", lambda store: store.read("a"), id="read"),
        pytest.param(JSON_HEAD, JSON_BODY, lambda store: store.info("a"), id="info"),
        pytest.param(JSON_HEAD, JSON_BODY, lambda store: list(store.list("a")), id="list"),
        pytest.param(JSON_HEAD, JSON_BODY, lambda store: store.create("a", b"123456789"), id="create"),
    ],
)
def test_wherever_an_answer_breaks_off_it_is_a_fault_that_passes(
    head: tuple[bytes, ...], body: bytes, call: Callable[[GcsBlobStore], object]
) -> None:
    sent = b""
    with breaking_off(lambda: sent) as url, store_at(url) as store:
        for sent in parts_of(head, body):  # noqa: B007 -- the server says it
            with pytest.raises(Retryable):
                call(store)
        sent = b"\r\n".join([b"HTTP/1.1 200 OK", *head, b"Content-Length: %d" % len(body), b"", body])
        call(store)


def test_behind_a_proxy_too_a_head_must_be_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Field: va"
    with breaking_off(lambda: head) as url, closing(Client(project=PROJECT, _http=requests.Session())) as client:
        prepare(client)
        with pytest.raises(requests.exceptions.ConnectionError):
            client._http.get("http://storage.test/", proxies={"http": url}, timeout=10)


@pytest.mark.parametrize("trusted", [True, False])
def test_over_tls_too_a_head_must_be_whole_and_a_server_trusted(tmp_path: Path, *, trusted: bool) -> None:
    pem, key = issued("localhost").write(tmp_path, "server")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem, key)
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Field: value\r\n\r\nok"
    with requests.Session() as session, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
        with closing(Client(project=PROJECT, _http=session)) as client:
            prepare(client)
            asked = {"verify": str(pem) if trusted else True, "timeout": 10}
            for answer in (whole, whole[:-5]):
                with receiving(answering_with(answer), tls) as server:
                    url = f"https://localhost:{server.port}/"
                    if trusted and answer is whole:
                        assert session.get(url, **asked).content == b"ok"
                    else:
                        with pytest.raises(requests.exceptions.ConnectionError):
                            session.get(url, **asked)


@pytest.mark.component("emulators")
def test_while_nothing_is_answered_nothing_is_decided(store: GcsBlobStore, emulators: Emulators) -> None:
    store.create("raw/one", b"1")
    with frozen(emulators.gcs):
        for call in calls(store, "raw/one", other="raw/two"):
            with pytest.raises(Retryable):
                call()
    # What was asked for may have been done by now, or not: saying it again is all that a caller must do.
    assert store.create("raw/two", b"2") in {Created.CREATED, Created.ALREADY_SAME}
    assert store.read("raw/two") == b"2"


@pytest.mark.component("emulators")
def test_who_may_create_and_not_overwrite_is_told_that_a_name_is_taken(passed_on: tuple[GcsBlobStore, Proxy]) -> None:
    store, proxy = passed_on
    store.create("raw/one", b"1")
    proxy.forbids_uploads = True
    assert store.create("raw/one", b"1") is Created.ALREADY_SAME
    assert store.create("raw/one", b"2") is Created.ALREADY_DIFFERENT
    with pytest.raises(Retryable) as refused:  # nothing is there: it is the right to create that is missing
        store.create("raw/two", b"2")
    assert "403" in str(refused.value) or "forbidden" in str(refused.value).lower()


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
    ("status", "error"),
    [(500, Retryable), (503, Retryable), (408, Retryable), (403, Retryable), (429, Backpressure), (400, Permanent)],
)
def test_nothing_is_tried_twice_behind_the_callers_back(status: int, error: type[Exception]) -> None:
    with answering(Answer(status)) as (store, server):
        for call in (
            lambda: store.create("a", b"1"),
            lambda: store.create("a", bytes(LARGE_BYTES + 1)),
            lambda: store.read("a"),
            lambda: store.info("a"),
            lambda: list(store.list("a")),
            lambda: store.delete("a"),
            store.check,
        ):
            server.requests.clear()
            with pytest.raises(error):
                call()
            assert len({method for method, _ in server.requests}) == len(server.requests), "nothing is asked twice"
            # Who may not write looks whether the name is taken: that is another question.
            assert len(server.requests) == 1 or (
                status == 403 and [method for method, _ in server.requests] == ["POST", "GET"]
            )


def test_no_server_at_all_is_a_passing_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with store_at(f"http://127.0.0.1:{port}") as store:
        for call in (lambda: store.create("a", b"1"), lambda: store.read("a"), lambda: store.delete("a"), store.check):
            with pytest.raises(Retryable):
                call()


def test_bytes_that_were_damaged_on_their_way_are_not_taken() -> None:
    damaged = Answer(body=b"bytes", headers={"x-goog-hash": "crc32c=AAAAAA=="})
    with answering(damaged) as (store, _server), pytest.raises(Retryable) as refused:
        store.read("a")
    assert refused.value.reason == "corrupt_transfer"


def test_half_an_answer_is_a_passing_fault() -> None:
    with answering(Answer(body=b"bytes", length=50)) as (store, server):
        for number, call in enumerate(
            (lambda: store.read("a"), lambda: store.info("a"), lambda: list(store.list("a")), store.check), 1
        ):
            with pytest.raises(Retryable):
                call()
            assert len(server.requests) == number


def test_an_answer_that_stops_in_the_middle_is_given_up() -> None:
    hold = threading.Event()
    with StorageServer(lambda *_request: Answer(body=b"bytes", length=50, hold=hold)) as server:
        with store_at(server.url, answer_timeout_s=0.2) as store:
            for call in (lambda: store.read("a"), lambda: store.info("a"), lambda: list(store.list("a"))):
                with pytest.raises(Retryable):
                    call()
        hold.set()


def test_a_large_body_may_take_longer_to_send_than_connecting() -> None:
    arrived = threading.Event()

    def accept(listening: socket.socket) -> None:
        connection, _address = listening.accept()
        with connection:
            arrived.wait(0.5)  # set by nobody: half a second in which the buffers are full
            head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            received = len(body)
            while received < length and (more := len(connection.recv(65_536))):
                received += more
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as server:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        served = server.submit(accept, listening)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with store_at(url, connect_timeout_s=0.1, answer_timeout_s=30) as store:
            assert store.create("a", bytes(7 * SLOW_BYTES)) is Created.CREATED
        served.result(30)


def test_a_bucket_that_is_gone_does_not_pass_for_a_missing_object() -> None:
    with answering(Answer(404, b"The specified bucket does not exist.")) as (store, _server):
        for call in (lambda: store.read("a"), lambda: store.info("a"), lambda: store.delete("a")):
            with pytest.raises(Retryable):
                call()
    with answering(Answer(404, b"No such object: bucket/a")) as (store, _server):
        for call in (lambda: store.read("a"), lambda: store.info("a")):
            with pytest.raises(BlobNotFound):
                call()
        store.delete("a")


def test_what_was_deleted_while_it_was_created_is_not_called_durable() -> None:
    def answer(method: str, _path: str, _headers: Mapping[str, str], _body: bytes) -> Answer:
        return Answer(412 if method == "POST" else 404)

    with StorageServer(answer) as server, store_at(server.url) as store, pytest.raises(Retryable) as refused:
        store.create("a", b"1")
    assert refused.value.reason == "concurrent_delete"


@pytest.mark.component("emulators")
def test_an_object_whose_answer_was_lost_is_found_by_the_next_try(passed_on: tuple[GcsBlobStore, Proxy]) -> None:
    store, proxy = passed_on
    proxy.is_losing = True
    with pytest.raises(Retryable):
        store.create("raw/one", b"1", {"from": "first"})
    proxy.is_losing = False
    assert store.create("raw/one", b"1", {"from": "second"}) is Created.ALREADY_SAME
    assert store.create("raw/one", b"2") is Created.ALREADY_DIFFERENT
    assert store.info("raw/one").metadata == {"from": "first"}


@pytest.mark.component("emulators")
def test_a_listing_asks_for_a_page_when_it_gets_there(
    passed_on: tuple[GcsBlobStore, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, proxy = passed_on
    monkeypatch.setattr(gcs_blob_store, "PAGE", 2)
    names = [f"raw/{number}" for number in range(7)]
    for name in names:
        store.create(name, b"")
    proxy.requests.clear()
    listing = store.list("raw/", start_after="raw/0")
    assert len(proxy.requests) == 0
    assert [next(listing).name] == names[1:2]
    assert len(proxy.requests) == 1
    assert [info.name for info in listing] == names[2:]
    assert len(proxy.requests) == 4


@pytest.mark.component("emulators")
def test_a_listing_that_fails_between_two_pages_says_so(
    passed_on: tuple[GcsBlobStore, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, proxy = passed_on
    monkeypatch.setattr(gcs_blob_store, "PAGE", 2)
    for number in range(3):
        store.create(f"raw/{number}", b"")
    listing = store.list("raw/")
    next(listing)
    proxy.is_losing = True
    assert next(listing).name == "raw/1"
    with pytest.raises(Retryable):
        next(listing)


def test_as_many_threads_as_an_instance_has_keep_their_connections() -> None:
    together = threading.Barrier(CONNECTIONS, timeout=30)

    def answer(*_request: object) -> Answer:
        together.wait()
        return Answer(body=b"bytes")

    with StorageServer(answer) as server, store_at(server.url) as store:
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            for _ in range(2):
                assert list(threads.map(store.read, ["a"] * CONNECTIONS)) == [b"bytes"] * CONNECTIONS
        assert len(server.requests) == 2 * CONNECTIONS
        assert server.connections == CONNECTIONS


def test_listings_refuse_what_is_no_unicode() -> None:
    with answering(Answer()) as (store, server):
        for call in (lambda: list(store.list("\ud800")), lambda: list(store.list("a", start_after="\ud800"))):
            with pytest.raises(Permanent):
                call()
        assert server.requests == []


@pytest.mark.component("emulators")
def test_a_deleted_object_is_named(store: GcsBlobStore) -> None:
    store.create("raw/one", b"1")
    store.delete("raw/one")
    with pytest.raises(BlobNotFound, match="raw/one"):
        store.read("raw/one")
