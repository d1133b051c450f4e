"""Segments that are not transcribed, because another connection of their meeting covers the same time: they stand by.

Their place in the transcript is stored without words. As long as it is not certain that their time is covered, an object in the bucket
says so; the sweep finds it when it is due, and has the segment transcribed after all where nobody covered it (`take_over_sweep`).
That object is there before the place is stored, and goes only after the place has its words or is covered for good.
"""

from dataclasses import dataclass
from typing import Final

from common.clock import Clock
from common.errors import Permanent
from common.events import SegmentReady
from common.ids import checked_id
from common.object_names import standing_by, standing_by_due_ms
from common.ports.blob_store import BlobInfo, BlobStore
from transcribe_service.connections.coverage import span_of
from transcribe_service.connections.other_connections import OtherConnections
from transcribe_service.connections.standing import Standing, standing
from transcribe_service.settings import TranscribeSettings

_TENANT: Final = "tenant"
_MEETING: Final = "meeting_id"
_CONNECTION: Final = "connection_id"
_CHANNEL: Final = "channel"
_START: Final = "start_ms"
_SINCE: Final = "since_ms"
_TAKE: Final = "take"
_MODEL: Final = "model"
_GENERATION: Final = "generation"


@dataclass(frozen=True)
class StandingBy:
    """A segment that stands by: what its object in the bucket says of it. The event itself lies with the segment's audio."""

    name: str
    """The object's own."""
    due_ms: int
    """Epoch milliseconds from which it is to be looked at."""
    since_ms: int
    tenant: str
    meeting_id: str
    connection_id: str
    channel: int
    start_ms: int
    take: str
    model: str
    generation: int


@dataclass(frozen=True)
class Standby:
    """Decides which segments stand by, and keeps note of those that may have to take over."""

    settings: TranscribeSettings
    blobs: BlobStore
    connections: OtherConnections
    clock: Clock

    def standing(self, event: SegmentReady, *, patience_ms: int | None = None) -> Standing:
        """How a segment stands now. One that is to take over is needed, and so is every participant's. Raises `Retryable`.

        `patience_ms` is how far those before it may be behind; TAKE_OVER_SEC, where it is not given.
        """
        if event.take_over or event.options.connections == "per_participant":
            return Standing.NEEDED
        before = self.connections.before(event.tenant, event.meeting_id, event.connection_id)
        if not before:
            return Standing.NEEDED
        return standing(span_of(event), before, patience_ms=self.take_over_ms if patience_ms is None else patience_ms)

    def note(self, event: SegmentReady) -> None:
        """Have the sweep look at it in TAKE_OVER_SEC. Durable on return."""
        now_ms = self.clock.now_ms()
        metadata = {
            _TENANT: event.tenant,
            _MEETING: event.meeting_id,
            _CONNECTION: event.connection_id,
            _CHANNEL: str(event.channel),
            _START: str(event.start_ms),
            _SINCE: str(now_ms),
            _TAKE: event.take,
            _MODEL: event.model,
            _GENERATION: str(event.generation),
        }
        self._create(now_ms + self.take_over_ms, metadata)

    def put_off(self, info: BlobInfo, *, pause_ms: int) -> None:
        """Look at it again later. Whatever dies in between leaves one object too many, never none."""
        self._create(self.clock.now_ms() + max(1, pause_ms), dict(info.metadata))
        self.blobs.delete(info.name)

    @property
    def take_over_ms(self) -> int:
        """TAKE_OVER_SEC in milliseconds."""
        return round(self.settings.take_over_sec * 1000)

    def _create(self, due_ms: int, metadata: dict[str, str]) -> None:
        identity = "|".join(metadata[key] for key in (_TENANT, _CONNECTION, _CHANNEL, _START, _TAKE))
        self.blobs.create(standing_by(self.settings.segments_path, due_ms, identity), b"", metadata)


def standing_by_of(info: BlobInfo) -> StandingBy:
    """What an object below `standing_by_prefix` says. Raises `Permanent` when it is none."""
    said = info.metadata
    try:
        return StandingBy(
            name=info.name,
            due_ms=standing_by_due_ms(info.name),
            since_ms=int(said[_SINCE]),
            tenant=checked_id(said[_TENANT], _TENANT),
            meeting_id=checked_id(said[_MEETING], _MEETING),
            connection_id=checked_id(said[_CONNECTION], _CONNECTION),
            channel=int(said[_CHANNEL]),
            start_ms=int(said[_START]),
            take=said.get(_TAKE, ""),
            model=said.get(_MODEL, ""),
            generation=int(said.get(_GENERATION, "0")),
        )
    except (KeyError, ValueError) as error:
        raise Permanent("metadata of a segment that stands by is damaged", reason="invalid_standby_metadata") from error
