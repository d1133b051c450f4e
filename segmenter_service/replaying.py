"""Replaying a connection: it is cut anew from its first chunk, as if it had just been uploaded.

The registry's generation is the decision. What the segmenter makes lies under a prefix of its own for each generation, so a rebuild
finds nothing there but what the same generation has decided, and a holder that knows of no replay disturbs nobody.
"""

from typing import Final

from common.logs import get_logger
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobStore
from segmenter_service.mailbox import Lease

log = get_logger(__name__)
NO_STATE: Final = b""
"""Makes the next pass rebuild everything from the bucket."""


def begin_anew(lease: Lease, known: int, generation: int) -> None:
    """Throw the hot state of generation `known` away: the next pass rebuilds it, with nothing decided. Raises `LeaseLost`."""
    lease.commit(NO_STATE, (), swept=False)
    log.info("stream_replayed", generation=generation, before=known)


def forget_what_was_put_aside(blobs: BlobStore, objects: ConnectionObjects) -> None:
    """Delete what earlier generations could not read: every chunk is read again, and what still cannot be is put aside again."""
    for info in list(blobs.list(objects.quarantine_prefix)):
        blobs.delete(info.name)
