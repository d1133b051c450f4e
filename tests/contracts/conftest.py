"""Which adapters the contract suites run over. Another adapter is one more entry in a table here, and no test of its own."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from _pytest.mark import ParameterSet
from google.cloud import firestore, storage

from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.folder_objects import FolderObjects, file_uri
from common.adapters.embedded.push_dispatcher import PushDispatcher
from common.adapters.embedded.queue_publisher import QueuePublisher
from common.adapters.embedded.sqlite_deliveries import SqliteDeliveryStore
from common.adapters.embedded.sqlite_meetings import SqliteMeetingStore
from common.adapters.embedded.sqlite_queue import SqliteQueue, Subscription
from common.adapters.embedded.sqlite_streams import SqliteStreamRegistry
from common.adapters.embedded.sqlite_tokens import SqliteTokenStore
from common.adapters.embedded.sqlite_transcripts import SqliteTranscriptStore
from common.adapters.embedded.sqlite_webhooks import SqliteWebhookStore
from common.adapters.embedded.sqlite_work import SqliteWorkStore
from common.adapters.google.firestore_deliveries import FirestoreDeliveryStore
from common.adapters.google.firestore_meetings import FirestoreMeetingStore
from common.adapters.google.firestore_streams import FirestoreStreamRegistry
from common.adapters.google.firestore_tokens import FirestoreTokenStore
from common.adapters.google.firestore_transcripts import FirestoreTranscriptStore
from common.adapters.google.firestore_webhooks import FirestoreWebhookStore
from common.adapters.google.firestore_work import FirestoreWorkStore
from common.adapters.google.gcs_blob_store import GcsBlobStore
from common.adapters.google.gcs_source_objects import GcsSourceObjects
from common.adapters.google.pubsub_publisher import PubSubPublisher
from common.clock import SystemClock
from common.ports.blob_store import BlobStore
from common.ports.delivery_store import DeliveryStore
from common.ports.meeting_store import MeetingStore
from common.ports.publisher import Publisher
from common.ports.source_objects import SourceObjects
from common.ports.stream_registry import StreamRegistry
from common.ports.token_store import TokenStore
from common.ports.transcript_store import TranscriptStore
from common.ports.webhook_store import WebhookStore
from common.ports.work_store import WorkStore
from common.settings import Secret
from common.topology import PushSubscription, topology
from local_cloud.emulators import PROJECT
from local_cloud.pubsub_bootstrap import create_subscription, create_topics
from tests.push_receiver import PushReceiver

PUSH_TOKEN = "contract-push-token"


@dataclass(frozen=True)
class Ground:
    """What an adapter may stand on: a folder, and the fixtures that start servers, for those that ask."""

    folder: Path
    request: pytest.FixtureRequest


def _embedded_blobs(ground: Ground) -> AbstractContextManager[BlobStore]:
    return closing(FileBlobStore(ground.folder / "objects"))


def _cloud_storage(ground: Ground) -> AbstractContextManager[BlobStore]:
    return closing(GcsBlobStore(PROJECT, ground.request.getfixturevalue("bucket")))


@dataclass(frozen=True)
class Source:
    """Objects of others, and how they get there."""

    objects: SourceObjects
    uri: Callable[[str], str]
    put: Callable[[str, bytes], None]
    """By name below the place; a second one takes the first one's place."""
    delete: Callable[[str], None]


@contextmanager
def _embedded_sources(ground: Ground) -> Iterator[Source]:
    root = ground.folder / "sources"

    def put(name: str, data: bytes) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)

    yield Source(FolderObjects(root), file_uri, put, lambda name: (root / name).unlink())


@contextmanager
def _cloud_storage_sources(ground: Ground) -> Iterator[Source]:
    name_of_bucket = ground.request.getfixturevalue("bucket")
    with closing(GcsSourceObjects(PROJECT)) as objects, closing(storage.Client(project=PROJECT)) as client:
        bucket = client.bucket(name_of_bucket)
        yield Source(
            objects,
            lambda name: f"gs://{name_of_bucket}/{name}",
            lambda name, data: bucket.blob(name).upload_from_string(data, content_type="audio/mpeg"),
            lambda name: bucket.blob(name).delete(),
        )


@contextmanager
def _embedded_streams(ground: Ground) -> Iterator[StreamRegistry]:
    registry = SqliteStreamRegistry(ground.folder / "streams.sqlite3")
    yield registry
    registry.close_file()


@contextmanager
def _firestore_streams(ground: Ground) -> Iterator[StreamRegistry]:
    ground.request.getfixturevalue("empty_emulators")
    with closing(firestore.Client(project=PROJECT)) as client:
        yield FirestoreStreamRegistry(client)


def _embedded_transcripts(ground: Ground) -> AbstractContextManager[TranscriptStore]:
    return closing(SqliteTranscriptStore(ground.folder / "transcripts.sqlite3"))


@contextmanager
def _firestore_transcripts(ground: Ground) -> Iterator[TranscriptStore]:
    ground.request.getfixturevalue("empty_emulators")
    with closing(firestore.Client(project=PROJECT)) as client:
        yield FirestoreTranscriptStore(client)


def _embedded_meetings(ground: Ground) -> AbstractContextManager[MeetingStore]:
    return closing(SqliteMeetingStore(ground.folder / "meetings.sqlite3"))


@contextmanager
def _firestore_meetings(ground: Ground) -> Iterator[MeetingStore]:
    ground.request.getfixturevalue("empty_emulators")
    with closing(firestore.Client(project=PROJECT)) as client:
        yield FirestoreMeetingStore(client)


def _embedded_works(ground: Ground) -> AbstractContextManager[WorkStore]:
    return closing(SqliteWorkStore(ground.folder / "work.sqlite3"))


@contextmanager
def _firestore_works(ground: Ground) -> Iterator[WorkStore]:
    ground.request.getfixturevalue("empty_emulators")
    with closing(firestore.Client(project=PROJECT)) as client:
        yield FirestoreWorkStore(client)


def _embedded_tokens(ground: Ground) -> AbstractContextManager[TokenStore]:
    return closing(SqliteTokenStore(ground.folder / "tokens.sqlite3"))


@contextmanager
def _firestore_tokens(ground: Ground) -> Iterator[TokenStore]:
    ground.request.getfixturevalue("empty_emulators")
    with closing(firestore.Client(project=PROJECT)) as client:
        yield FirestoreTokenStore(client)


def _embedded_webhooks(ground: Ground) -> AbstractContextManager[WebhookStore]:
    return closing(SqliteWebhookStore(ground.folder / "webhooks.sqlite3"))


@contextmanager
def _firestore_webhooks(ground: Ground) -> Iterator[WebhookStore]:
    ground.request.getfixturevalue("empty_emulators")
    with closing(firestore.Client(project=PROJECT)) as client:
        yield FirestoreWebhookStore(client)


def _embedded_deliveries(ground: Ground) -> AbstractContextManager[DeliveryStore]:
    return closing(SqliteDeliveryStore(ground.folder / "deliveries.sqlite3"))


@contextmanager
def _firestore_deliveries(ground: Ground) -> Iterator[DeliveryStore]:
    ground.request.getfixturevalue("empty_emulators")
    with closing(firestore.Client(project=PROJECT)) as client:
        yield FirestoreDeliveryStore(client)


class PushService(Protocol):
    """Topics with push subscriptions, and the receiver that they push to."""

    receiver: PushReceiver
    publisher: Publisher
    proves_itself: bool
    """Whether its pushes carry an Authorization header."""

    def subscribe(self, topic: str, path: str) -> None:
        """Push everything that is published to `topic` from now on to `path` of the receiver."""


class EmbeddedPushService:
    proves_itself = True

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


class EmulatedPushService:
    """Pub/Sub's emulator, with the options that the topology's subscriptions get there."""

    proves_itself = False

    def __init__(self, receiver: PushReceiver) -> None:
        self.receiver = receiver
        self._publisher = PubSubPublisher(PROJECT, "", "/turnscribe/contract", SystemClock())
        self.publisher = self._publisher
        create_topics(PROJECT, "", topology().topics)

    def subscribe(self, topic: str, path: str) -> None:
        spec = PushSubscription(topic, "any", path, ack_deadline_sec=10, min_backoff_sec=1, max_backoff_sec=1)
        name = path.rpartition("/")[2]
        create_subscription(PROJECT, "", f"of-{name}", spec, self.receiver.url(path))

    def close(self) -> None:
        self._publisher.close()


@contextmanager
def _embedded_push(ground: Ground) -> Iterator[PushService]:
    with PushReceiver() as receiver, closing(EmbeddedPushService(ground.folder, receiver)) as service:
        yield service


@contextmanager
def _emulated_push(ground: Ground) -> Iterator[PushService]:
    ground.request.getfixturevalue("empty_emulators")
    with PushReceiver() as receiver, closing(EmulatedPushService(receiver)) as service:
        yield service


BLOB_STORES: dict[str, Callable[[Ground], AbstractContextManager[BlobStore]]] = {
    "embedded": _embedded_blobs,
    "cloud storage": _cloud_storage,
}
SOURCES: dict[str, Callable[[Ground], AbstractContextManager[Source]]] = {
    "embedded": _embedded_sources,
    "cloud storage": _cloud_storage_sources,
}
STREAM_REGISTRIES: dict[str, Callable[[Ground], AbstractContextManager[StreamRegistry]]] = {
    "embedded": _embedded_streams,
    "firestore": _firestore_streams,
}
TRANSCRIPT_STORES: dict[str, Callable[[Ground], AbstractContextManager[TranscriptStore]]] = {
    "embedded": _embedded_transcripts,
    "firestore": _firestore_transcripts,
}
MEETING_STORES: dict[str, Callable[[Ground], AbstractContextManager[MeetingStore]]] = {
    "embedded": _embedded_meetings,
    "firestore": _firestore_meetings,
}
TOKEN_STORES: dict[str, Callable[[Ground], AbstractContextManager[TokenStore]]] = {
    "embedded": _embedded_tokens,
    "firestore": _firestore_tokens,
}
WORK_STORES: dict[str, Callable[[Ground], AbstractContextManager[WorkStore]]] = {
    "embedded": _embedded_works,
    "firestore": _firestore_works,
}
WEBHOOK_STORES: dict[str, Callable[[Ground], AbstractContextManager[WebhookStore]]] = {
    "embedded": _embedded_webhooks,
    "firestore": _firestore_webhooks,
}
DELIVERY_STORES: dict[str, Callable[[Ground], AbstractContextManager[DeliveryStore]]] = {
    "embedded": _embedded_deliveries,
    "firestore": _firestore_deliveries,
}
PUSH_SERVICES: dict[str, Callable[[Ground], AbstractContextManager[PushService]]] = {
    "embedded": _embedded_push,
    "pub/sub": _emulated_push,
}


def _adapters(table: Iterable[str]) -> list[ParameterSet]:
    """The names in a table; those of the cloud need the emulators."""
    emulators = pytest.mark.component("emulators")
    return [pytest.param(name, marks=() if name == "embedded" else emulators) for name in table]


@pytest.fixture(params=_adapters(BLOB_STORES))
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    with BLOB_STORES[request.param](Ground(tmp_path, request)) as store:
        yield store


@pytest.fixture(params=_adapters(SOURCES))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    with SOURCES[request.param](Ground(tmp_path, request)) as there:
        yield there


@pytest.fixture(params=_adapters(STREAM_REGISTRIES))
def streams(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StreamRegistry]:
    with STREAM_REGISTRIES[request.param](Ground(tmp_path, request)) as registry:
        yield registry


@pytest.fixture(params=_adapters(TRANSCRIPT_STORES))
def transcripts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TranscriptStore]:
    with TRANSCRIPT_STORES[request.param](Ground(tmp_path, request)) as store:
        yield store


@pytest.fixture(params=_adapters(MEETING_STORES))
def meetings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MeetingStore]:
    with MEETING_STORES[request.param](Ground(tmp_path, request)) as store:
        yield store


@pytest.fixture(params=_adapters(WORK_STORES))
def works(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WorkStore]:
    with WORK_STORES[request.param](Ground(tmp_path, request)) as store:
        yield store


@pytest.fixture(params=_adapters(TOKEN_STORES))
def tokens(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TokenStore]:
    with TOKEN_STORES[request.param](Ground(tmp_path, request)) as store:
        yield store


@pytest.fixture(params=_adapters(WEBHOOK_STORES))
def webhooks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WebhookStore]:
    with WEBHOOK_STORES[request.param](Ground(tmp_path, request)) as store:
        yield store


@pytest.fixture(params=_adapters(DELIVERY_STORES))
def deliveries(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DeliveryStore]:
    with DELIVERY_STORES[request.param](Ground(tmp_path, request)) as store:
        yield store


@pytest.fixture(params=_adapters(PUSH_SERVICES))
def push_service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PushService]:
    with PUSH_SERVICES[request.param](Ground(tmp_path, request)) as service:
        yield service
