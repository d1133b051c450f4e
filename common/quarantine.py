"""Where pushes that no retry can help are put: into the bucket, bytes and reason."""

from common.errors import Permanent
from common.object_names import quarantined_push
from common.ports.blob_store import BlobStore
from common.push import Quarantine


def push_quarantine(blobs: BlobStore, raw_root: str) -> Quarantine:
    """A `Quarantine` for `common.push.push_blueprint`. The same body is kept once."""

    def quarantine(body: bytes, error: Permanent) -> None:
        blobs.create(quarantined_push(raw_root, body), body, {"reason": error.reason, "detail": str(error)})

    return quarantine
