"""A connection in the hands of the holder of its lease: what the steps of a drain pass to one another."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from common.clock import Clock
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobStore
from common.ports.meeting_store import MeetingStore
from common.ports.publisher import Publisher
from common.ports.stream_registry import StreamRegistry
from segmenter_service.lane import FrameScorer
from segmenter_service.mailbox import Lease
from segmenter_service.pcm_window import PcmWindow
from segmenter_service.settings import SegmenterSettings
from segmenter_service.state import ConnectionState

_RENEW_AFTER_S: Final = 5.0


@dataclass(frozen=True)
class Surroundings:
    """What every connection shares in one instance."""

    settings: SegmenterSettings
    blobs: BlobStore
    publisher: Publisher
    streams: StreamRegistry
    meetings: MeetingStore
    scorer: FrameScorer
    clock: Clock


@dataclass
class Holding:
    """One connection, while its lease is held. `state` and `window` change; nothing counts before it is committed."""

    tenant: str
    connection_id: str
    objects: ConnectionObjects
    lease: Lease
    state: ConnectionState
    window: PcmWindow
    around: Surroundings
    looked: bool = False
    """The bucket was just asked for what no event told of: only then may time alone end a segment or the stream."""
    waits_for_speakers: bool = False
    """When cuts were looked for last, there was audio for one and it was not known who spoke up to it."""
    renewed_s: float = field(default=0.0)

    def __post_init__(self) -> None:
        self.renewed_s = self.around.clock.monotonic_s()

    @property
    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return self.around.clock.now_ms()

    def still_mine(self) -> None:
        """Renew the lease if it is time to. Long work calls this now and then. Raises `LeaseLost`."""
        now_s = self.around.clock.monotonic_s()
        if now_s - self.renewed_s > _RENEW_AFTER_S:
            self.lease.renew()
            self.renewed_s = now_s

    def uploaded(self) -> Iterator[bytes]:
        """The bytes of all chunks up to the last one drained, without those that never came."""
        for seq in range(self.state.next_seq):
            gap = self.state.gap_with(seq)
            if gap is None or seq in gap.late:
                self.still_mine()
                yield self.around.blobs.read(self.objects.chunk(seq))
