"""Which adapters the contract suites run over. Another adapter is one more entry in a table here, and no test of its own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.push_dispatcher import PushDispatcher
from common.adapters.embedded.queue_publisher import QueuePublisher
from common.adapters.embedded.sqlite_queue import SqliteQueue, Subscription
from common.adapters.embedded.sqlite_streams import SqliteStreamRegistry
from common.adapters.embedded.sqlite_transcripts import SqliteTranscriptStore
from common.clock import SystemClock
from common.ports.blob_store import BlobStore
from common.ports.publisher import Publisher
from common.ports.stream_registry import StreamRegistry
from common.ports.transcript_store import TranscriptStore
from common.settings import Secret
from tests.push_receiver import PushReceiver

PUSH_TOKEN = "contract-push-token"


def _embedded_blobs(folder: Path) -> AbstractContextManager[BlobStore]:
    return closing(FileBlobStore(folder / "objects"))


@contextmanager
def _embedded_streams(folder: Path) -> Iterator[StreamRegistry]:
    registry = SqliteStreamRegistry(folder / "streams.sqlite3")
    yield registry
    registry.close_file()


def _embedded_transcripts(folder: Path) -> AbstractContextManager[TranscriptStore]:
    return closing(SqliteTranscriptStore(folder / "transcripts.sqlite3"))


class PushService(Protocol):
    """Topics with push subscriptions, and the receiver that they push to."""

    receiver: PushReceiver
    publisher: Publisher

    def subscribe(self, topic: str, path: str) -> None:
        """Push everything that is published to `topic` from now on to `path` of the receiver."""


class EmbeddedPushService:
    def __init__(self, folder: Path, receiver: PushReceiver) -> None:
        self.receiver = receiver
        self.queue = SqliteQueue(folder / "queue.sqlite3", SystemClock())
        self.publisher = QueuePublisher(self.queue, "/turnscribe/contract", SystemClock())
        self.dispatcher = PushDispatcher(self.queue, Secret(PUSH_TOKEN), SystemClock())
        self.dispatcher.start()

    def subscribe(self, topic: str, path: str) -> None:
        self.queue.subscribe(
            Subscription(
                name=path.rpartition("/")[2],
                topic=topic,
                endpoint=self.receiver.url(path),
                min_backoff_s=0.01,
                max_backoff_s=0.05,
            )
        )

    def close(self) -> None:
        self.dispatcher.stop(10)
        self.queue.close()


@contextmanager
def _embedded_push(folder: Path) -> Iterator[PushService]:
    with PushReceiver() as receiver, closing(EmbeddedPushService(folder, receiver)) as service:
        yield service


BLOB_STORES: dict[str, Callable[[Path], AbstractContextManager[BlobStore]]] = {
    "embedded": _embedded_blobs,
}
STREAM_REGISTRIES: dict[str, Callable[[Path], AbstractContextManager[StreamRegistry]]] = {
    "embedded": _embedded_streams,
}
TRANSCRIPT_STORES: dict[str, Callable[[Path], AbstractContextManager[TranscriptStore]]] = {
    "embedded": _embedded_transcripts,
}
PUSH_SERVICES: dict[str, Callable[[Path], AbstractContextManager[PushService]]] = {
    "embedded": _embedded_push,
}


@pytest.fixture(params=BLOB_STORES)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    with BLOB_STORES[request.param](tmp_path) as store:
        yield store


@pytest.fixture(params=STREAM_REGISTRIES)
def streams(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StreamRegistry]:
    with STREAM_REGISTRIES[request.param](tmp_path) as registry:
        yield registry


@pytest.fixture(params=TRANSCRIPT_STORES)
def transcripts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TranscriptStore]:
    with TRANSCRIPT_STORES[request.param](tmp_path) as store:
        yield store


@pytest.fixture(params=PUSH_SERVICES)
def push_service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PushService]:
    with PUSH_SERVICES[request.param](tmp_path) as service:
        yield service
