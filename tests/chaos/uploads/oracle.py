"""What must be in the bucket and in the queue once everything was uploaded, and nothing else. Reads files; asks no server."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.subscriptions import Subscription
from common.clock import SystemClock
from common.events import STREAM_EVENTS_TOPIC, StreamEnded, from_message
from common.ids import DEFAULT_TENANT
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobNotFound
from common.stored_chunks import event_content, stream_description

LISTENER = "chaos"


@dataclass(frozen=True)
class Expected:
    """What one file must have become."""

    meeting_id: str
    connection_id: str
    data: bytes


def listen(data_dir: Path) -> None:
    """Keep what is published from now on."""
    queue = SqliteQueue(DataDir(data_dir).queue, SystemClock())
    queue.subscribe(Subscription(name=LISTENER, topic=STREAM_EVENTS_TOPIC, endpoint="http://127.0.0.1:9/never"))
    queue.close()


def object_names(data_dir: Path) -> list[str]:
    """All objects there are, straight from the folder: cheap enough to look a thousand times a second."""
    root = DataDir(data_dir).objects / "blobs"
    return [os.path.join(folder, name)[len(str(root)) + 1 :] for folder, _, names in os.walk(root) for name in names]  # noqa: PTH118 -- as above


def differences(data_dir: Path, expected: Sequence[Expected]) -> list[str]:
    """What is not as it must be, in words; empty when each file arrived once, byte for byte. The server has been stopped."""
    found = [f"a temporary file remains: {name}" for name in _temporaries(data_dir)]
    blobs = FileBlobStore(DataDir(data_dir).objects)
    try:
        owned = {each.connection_id: set(_of_recording(blobs, each, found)) for each in expected}
    finally:
        blobs.close()
    others = set(object_names(data_dir)).difference(*owned.values())
    found += [f"an object too many: {name}" for name in sorted(others)]
    ends = [_end_of(each, sum("/chunks/" in name for name in owned[each.connection_id])) for each in expected]
    return found + _event_differences(data_dir, ends)


def _of_recording(blobs: FileBlobStore, expected: Expected, found: list[str]) -> Iterator[str]:
    """Compare one recording's objects; gives the names of all that it should have.

    Where the bytes are cut into chunks is nobody's business; that they follow one another is.
    """
    objects = ConnectionObjects(DEFAULT_TENANT, expected.connection_id)
    chunks = [info.name for info in blobs.list(objects.chunks_prefix)]
    if chunks != [objects.chunk(seq) for seq in range(len(chunks))]:
        found.append(f"{objects.chunks_prefix}: a chunk is missing among {len(chunks)}")
    if b"".join(blobs.read(name) for name in chunks) != expected.data:
        found.append(f"{objects.chunks_prefix}: other bytes than the file's {len(expected.data)}")
    yield from chunks
    wanted = {
        objects.unregistered: b"",
        objects.end: event_content(_end_of(expected, len(chunks))),
        objects.stream: None,
        objects.upload: None,
    }
    for name, content in wanted.items():
        try:
            stored = blobs.read(name)
        except BlobNotFound:
            found.append(f"{name}: is missing")
            continue
        if content is not None and stored != content:
            found.append(f"{name}: differs")
        if name == objects.stream and stream_description(stored).meeting_id != expected.meeting_id:
            found.append(f"{name}: is of another meeting than {expected.meeting_id}")
        yield name


def _end_of(expected: Expected, chunks: int) -> StreamEnded:
    return StreamEnded(
        tenant=DEFAULT_TENANT,
        meeting_id=expected.meeting_id,
        connection_id=expected.connection_id,
        last_seq=chunks - 1,
        observations=None,
        object_name=ConnectionObjects(DEFAULT_TENANT, expected.connection_id).end,
    )


def _event_differences(data_dir: Path, ends: Sequence[StreamEnded]) -> list[str]:
    """Each end published, always as the same event, and nothing else."""
    queue = SqliteQueue(DataDir(data_dir).queue, SystemClock())
    try:
        messages = [delivery.message for delivery in queue.lease(LISTENER, 1_000_000)]
    finally:
        queue.close()
    published = {from_message(message) for message in messages}
    ids = {(message.attributes["ce-id"], message.attributes["ce-subject"]) for message in messages}
    found = [f"never published: {event}" for event in ends if event not in published]
    found += [f"published too: {event}" for event in published - set(ends)]
    if len(ids) != len(published):
        found.append(f"{len(ids)} identities of {len(published)} events")
    return found


def _temporaries(data_dir: Path) -> list[str]:
    """What killed processes left half written: each start removes it. The last process's own folder stays, and is empty."""
    incoming = DataDir(data_dir).objects / "incoming"
    folders = sorted(path for path in incoming.iterdir() if path.is_dir())
    files = [path for folder in folders for path in folder.rglob("*")]
    return [str(path.relative_to(incoming)) for path in [*folders[1:], *files]]
