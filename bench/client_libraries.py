"""CPU time of single calls: of each adapter that a stored chunk goes through, and of what lies below it.

Each kind of adapter is called in a process of its own: Google's libraries read from the environment where the emulators are.
The time counts all threads of that process, so also those in which a client library waits.
"""

import multiprocessing
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from bench.chunk_load import CHUNK_BYTES
from bench.chunk_servers import UPLOAD_RECORD, subscribed_queue
from common.clock import SystemClock
from common.events import ChunkStored, StreamOptions
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobStore
from common.ports.publisher import Publisher
from common.ports.token_store import TokenStore
from common.stored_chunks import chunk_metadata
from common.topology import topology
from local_cloud import services
from local_cloud.emulators import PROJECT

CALLS: Final = 500
WARM_UP_CALLS: Final = 20
GIVE_UP_S: Final = 300.0
_SOURCE: Final = "/turnscribe/bench"
_OBJECTS: Final = ConnectionObjects("default", "bench-calls")
_DATA: Final = os.urandom(CHUNK_BYTES)


def embedded_calls(calls: int, folder: Path) -> dict[str, float]:
    """CPU milliseconds of each call of the embedded adapters, and of the bare calls that no way of storing durably goes without.

    Their files lie in `folder`, which is there and empty.
    """
    return _elsewhere(partial(_embedded, folder), calls, {})


def cloud_calls(calls: int, environ: Mapping[str, str]) -> dict[str, float]:
    """CPU milliseconds of each call of Google's client libraries. `environ` says where the emulators are; the bucket is there.

    Makes the topics, and leaves the token there that the bench uploads with.
    """
    return _elsewhere(_cloud, calls, environ)


def _elsewhere(measure: Callable[[int], dict[str, float]], calls: int, environ: Mapping[str, str]) -> dict[str, float]:
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawning, initializer=_set_environ, initargs=(dict(environ),)) as process:
        return process.submit(measure, calls).result(GIVE_UP_S)


def _set_environ(environ: Mapping[str, str]) -> None:
    os.environ.update(environ)


def _embedded(folder: Path, calls: int) -> dict[str, float]:
    from common.adapters.embedded.file_blob_store import FileBlobStore
    from common.adapters.embedded.queue_publisher import QueuePublisher
    from common.adapters.embedded.sqlite_tokens import SqliteTokenStore

    blobs = FileBlobStore(folder / "objects")
    queue = subscribed_queue(folder / "queue.db")
    tokens = SqliteTokenStore(folder / "tokens.db")
    publisher = QueuePublisher(queue, _SOURCE, SystemClock())
    try:
        return {
            "files alone (write, fsync, link, fsync of the folder)": _file_floor(folder, calls),
            "FileBlobStore.create": _create_ms(blobs, calls),
            "SQLite alone (insert, commit with fsync)": _sqlite_floor(folder, calls),
            "QueuePublisher.publish": _publish_ms(publisher, calls),
            "SqliteTokenStore.by_hash": _look_up_ms(tokens, calls),
        }
    finally:
        queue.close()
        blobs.close()
        tokens.close()


def _cloud(calls: int) -> dict[str, float]:
    from google.cloud import firestore

    from common.adapters.google.firestore_tokens import FirestoreTokenStore
    from common.adapters.google.gcs_blob_store import GcsBlobStore
    from common.adapters.google.pubsub_publisher import PubSubPublisher
    from local_cloud.pubsub_bootstrap import create_topics

    create_topics(PROJECT, "", topology().topics)
    blobs = GcsBlobStore(PROJECT, services.BUCKET)
    publisher = PubSubPublisher(PROJECT, "", _SOURCE, SystemClock())
    client = firestore.Client(project=PROJECT)
    try:
        return {
            "google-cloud-storage: create": _create_ms(blobs, calls),
            "google-cloud-pubsub: publish": _publish_ms(publisher, calls),
            "google-cloud-firestore: token look-up": _look_up_ms(FirestoreTokenStore(client), calls),
        }
    finally:
        blobs.close()
        publisher.close()
        client.close()  # type: ignore[no-untyped-call]


def _create_ms(blobs: BlobStore, calls: int) -> float:
    return _cpu_ms(lambda seq: blobs.create(_OBJECTS.chunk(seq), _DATA, chunk_metadata(_event(seq))), calls)


def _publish_ms(publisher: Publisher, calls: int) -> float:
    return _cpu_ms(lambda seq: publisher.publish(_event(seq)), calls)


def _look_up_ms(tokens: TokenStore, calls: int) -> float:
    tokens.put(UPLOAD_RECORD)
    return _cpu_ms(lambda _number: tokens.by_hash(UPLOAD_RECORD.token_hash), calls)


def _file_floor(folder: Path, calls: int) -> float:
    (folder / "floor").mkdir()
    directory = os.open(folder / "floor", os.O_RDONLY | os.O_DIRECTORY)

    def store(number: int) -> None:
        temporary, name = f"{number}.tmp", f"{number}"
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=directory)
        os.write(file, _DATA)
        os.fsync(file)
        os.close(file)
        os.link(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        os.unlink(temporary, dir_fd=directory)
        os.fsync(directory)

    try:
        return _cpu_ms(store, calls)
    finally:
        os.close(directory)


def _sqlite_floor(folder: Path, calls: int) -> float:
    database = sqlite3.connect(folder / "floor.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, data BLOB)")
    data = os.urandom(1_000)  # about what an event has with its attributes
    try:
        return _cpu_ms(lambda _number: database.execute("INSERT INTO events (data) VALUES (?)", (data,)), calls)
    finally:
        database.close()


def _event(seq: int) -> ChunkStored:
    return ChunkStored(
        tenant="default",
        meeting_id="bench-calls",
        connection_id="bench-calls",
        seq=seq,
        object_name=_OBJECTS.chunk(seq),
        size_bytes=len(_DATA),
        captured_at_ms=1_750_000_000_000 + seq,
        options=StreamOptions(content_type="audio/webm;codecs=opus"),
    )


def _cpu_ms(call: Callable[[int], object], calls: int) -> float:
    """Of one call, in this process with all its threads, once it is warm."""
    numbers = count()
    for _ in range(WARM_UP_CALLS):
        call(next(numbers))
    before_s = time.process_time()
    for _ in range(calls):
        call(next(numbers))
    return round((time.process_time() - before_s) * 1000 / calls, 3)
