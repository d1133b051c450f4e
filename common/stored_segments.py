"""What the segmenter writes beside the audio of a final segment, so that its event can be published again, the same to the byte.

The event is decided when the audio's object is created: it lies in that object's metadata, or, where it is long (many turns), in
an object of its own that the metadata names.
"""

from typing import Final

from common.errors import Permanent
from common.events import SegmentReady
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobInfo, BlobNotFound, BlobStore
from common.stored_chunks import event_content, event_of_content

EVENT: Final = "event"
EVENT_OBJECT: Final = "event-object"
MAX_EVENT_BYTES: Final = 7_000
"""In metadata. Cloud Storage takes 8 KiB of it for an object, names of fields included."""


def store_event(blobs: BlobStore, objects: ConnectionObjects, event: SegmentReady) -> dict[str, str]:
    """Metadata that leads `event_of_segment` to `event`. Writes an object where the event is long; durable on return."""
    content = event_content(event)
    if len(content) <= MAX_EVENT_BYTES:
        return {EVENT: content.decode()}
    name = objects.segment_event(event.channel, event.start_ms, content)
    blobs.create(name, content)
    return {EVENT_OBJECT: name}


def event_of_segment(blobs: BlobStore, final: BlobInfo) -> SegmentReady | None:
    """The event of a final segment's object; None where another release wrote it, without an event or with one unlike ours."""
    try:
        if EVENT in final.metadata:
            return event_of_content(final.metadata[EVENT].encode(), SegmentReady)
        if EVENT_OBJECT in final.metadata:
            return event_of_content(blobs.read(final.metadata[EVENT_OBJECT]), SegmentReady)
    except (Permanent, BlobNotFound):
        return None
    return None
