"""What was wrong with a request that was accepted all the same: kept beside the stream, where its status shows it.

For uploaders that stop for good when they are refused, so that the fault must not cost them the recording.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from common.logs import get_logger
from ingest_service.intake.intake import Intake
from ingest_service.intake.recent import Recent
from ingest_service.intake.requests import Stream

REASON: Final = "reason"
DETAIL: Final = "detail"
SEQ: Final = "seq"
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault (a stable slug) and what was done about it, for a person. Without the uploader's content."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of all connections, through one process. Both methods return once the fault is durable; they raise `Retryable`."""

    intake: Intake
    _noted: Recent[tuple[str, str, str], bool] = field(default_factory=Recent)

    def note(self, stream: Stream, fault: Fault) -> None:
        """Remember that it happened: once for each connection and kind, however often it happens. The connection is claimed already."""
        key = (stream.tenant, stream.connection_id, fault.kind)
        if self._noted.get(key):
            return
        self._create(stream, fault.kind, fault, b"")
        self._noted.remember(key, value=True)

    def keep(self, stream: Stream, fault: Fault, data: bytes, *, seq: int | None = None) -> None:
        """Keep what could not be used, each content once. The connection is claimed already."""
        digest = hashlib.sha256(data).hexdigest()[:16]
        item = f"{fault.kind}-{digest}" if seq is None else f"{fault.kind}-{seq:08d}-{digest}"
        self._create(stream, item, fault, data, seq)

    def _create(self, stream: Stream, item: str, fault: Fault, data: bytes, seq: int | None = None) -> None:
        metadata = {REASON: fault.kind, DETAIL: fault.detail, **({} if seq is None else {SEQ: str(seq)})}
        self.intake.blobs.create(self.intake.objects(stream.tenant, stream.connection_id).fault(item), data, metadata)
        log.warning("fault_accepted", reason=fault.kind, size_bytes=len(data))
