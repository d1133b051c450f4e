"""What the segmenter writes beside a final segment whose speakers became known late: its event, under a number that grows."""

from collections.abc import Iterator
from typing import Final

from common.events import SegmentReady, SegmentRelabelled
from common.ids import segment_id
from common.object_names import ConnectionObjects, relabelling_of
from common.ports.blob_store import BlobNotFound, BlobStore, Created
from common.stored_chunks import event_content, event_of_content

MAX_LABELS: Final = 65_535
"""No segment gets speakers anew more often: see `common.ports.transcript_store.rank`."""


def store_relabelling(blobs: BlobStore, objects: ConnectionObjects, event: SegmentRelabelled) -> Created:
    """Make `event` durable. `ALREADY_DIFFERENT`: its number is taken."""
    return blobs.create(objects.relabelling(event.channel, event.start_ms, event.labels), event_content(event))


def newest_relabelling(blobs: BlobStore, objects: ConnectionObjects, of: SegmentReady) -> SegmentRelabelled | None:
    """The last time that this final revision got speakers anew; None where it never did."""
    names = [info.name for info in blobs.list(objects.relabellings_of(of.channel, of.start_ms))]
    for name in reversed(names):
        try:
            event = event_of_content(blobs.read(name), SegmentRelabelled)
        except BlobNotFound:  # erased meanwhile
            continue
        if (event.revision, event.generation) == (of.revision, of.generation):
            return event
    return None


def newest_relabellings(blobs: BlobStore, objects: ConnectionObjects) -> Iterator[tuple[str, int, str]]:
    """`(segment_id, labels, object name)` of the last relabelling of each segment of a connection. One listing."""
    newest: dict[str, tuple[int, str]] = {}
    for info in blobs.list(objects.relabellings_prefix):
        channel, start_ms, labels = relabelling_of(info.name)
        newest[segment_id(objects.connection_id, channel, start_ms)] = labels, info.name
    for segment, (labels, name) in newest.items():
        yield segment, labels, name
