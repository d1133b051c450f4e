"""The sweep of take-overs: segments that stand by for another connection, and are transcribed after all where it did not cover them.

What stands by and is not certain to be covered lies in the bucket by when it is due (`recognition.standby`). An object there goes only
once its segment has words or is covered for good; a sweep that dies at any point has published too often at worst.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

import msgspec

from common.clock import Clock
from common.errors import Permanent, TurnscribeError
from common.events import SegmentReady
from common.ids import segment_id
from common.logs import get_logger
from common.object_names import ConnectionObjects, standing_by_due_ms, standing_by_prefix
from common.ports.blob_store import BlobInfo, BlobNotFound, BlobStore
from common.ports.meeting_store import take_of
from common.ports.publisher import Publisher
from common.ports.transcript_store import TranscriptStore
from common.stored_segments import event_of_segment
from transcribe_service.connections.standby import Standby, StandingBy, standing_by_of
from transcribe_service.connections.standing import Standing
from transcribe_service.settings import TranscribeSettings
from transcribe_service.sweep import LONGEST_PAUSE_MS, Sweep, Swept

log = get_logger(__name__)
SEGMENTS_A_SWEEP: Final = 500
BUDGET_S: Final = 15.0
"""No segment is looked at after this."""
LONGEST_EXPECTED: Final = 10
"""So many times TAKE_OVER_SEC is a connection waited for that is there and has no segment: then it is perhaps not heard at all."""


class TookOver(msgspec.Struct, frozen=True):
    """What one sweep did."""

    segments: int
    """Segments looked at that stand by."""
    settled: int
    """Of those: the ones that are covered, or have their words."""
    taken_over: int
    """Of those: the ones whose events were published, to be transcribed after all."""
    failed: int
    """Those that could not be looked at; they are looked at again."""


class SweptBoth(Swept, frozen=True, kw_only=True):
    """What was done about missing transcripts, and about take-overs."""

    take_overs: TookOver


class _Outcome(Enum):
    SETTLED = "settled"
    WAITS = "waits"
    TAKEN_OVER = "taken_over"


@dataclass(frozen=True)
class TakeOverSweep:
    """Each call looks at the segments that are due, those due longest first."""

    settings: TranscribeSettings
    blobs: BlobStore
    publisher: Publisher
    transcripts: TranscriptStore
    standby: Standby
    clock: Clock

    def run(self) -> TookOver:
        """Look at what is due. One segment's failure keeps no other waiting. Raises `Retryable` where the listing fails."""
        until_s, now_ms = self.clock.monotonic_s() + BUDGET_S, self.clock.now_ms()
        done = dict.fromkeys(_Outcome, 0)
        failed = 0
        for info in self._due(now_ms):
            if self.clock.monotonic_s() >= until_s:
                break
            try:
                done[self._look_at(info)] += 1
            except TurnscribeError as error:
                log.warning("take_over_failed", reason=error.reason)
                failed += 1
        return TookOver(sum(done.values()) + failed, done[_Outcome.SETTLED], done[_Outcome.TAKEN_OVER], failed)

    def _due(self, now_ms: int) -> list[BlobInfo]:
        """The objects that are due. All of them at once, because looking at them changes the listing."""
        found: list[BlobInfo] = []
        for info in self.blobs.list(standing_by_prefix(self.settings.segments_path)):
            if standing_by_due_ms(info.name) > now_ms or len(found) == SEGMENTS_A_SWEEP:
                break
            found.append(info)
        return found

    def _look_at(self, info: BlobInfo) -> _Outcome:
        try:
            segment = standing_by_of(info)
        except Permanent:
            log.exception("standby_unreadable", name=info.name)
            self.blobs.delete(info.name)
            return _Outcome.SETTLED
        event = None if self._has_words(segment) else self._event(segment)
        if event is None or (stands := self.standby.standing(event, patience_ms=0)) is Standing.COVERED:
            self.blobs.delete(info.name)
            return _Outcome.SETTLED
        age_ms = self.clock.now_ms() - segment.since_ms
        if stands is Standing.EXPECTED and age_ms < LONGEST_EXPECTED * self.standby.take_over_ms:
            self.standby.put_off(info, pause_ms=self.standby.take_over_ms)
            return _Outcome.WAITS
        self.publisher.publish(event := _taking_over(event, segment))
        log.info("segment_takes_over", segment_id=event.segment_id, age_ms=age_ms)
        again_ms = max(round(self.settings.republish_after_sec * 1000), min(age_ms, LONGEST_PAUSE_MS))
        self.standby.put_off(info, pause_ms=again_ms)
        return _Outcome.TAKEN_OVER

    def _has_words(self, segment: StandingBy) -> bool:
        name = segment_id(segment.connection_id, segment.channel, segment.start_ms)
        stored = self.transcripts.get(segment.tenant, take_of(segment.meeting_id, segment.take), name)
        return stored is not None and stored.final and not stored.standby

    def _event(self, segment: StandingBy) -> SegmentReady | None:
        """The segment's own event; None where its audio was erased since."""
        roots = self.settings.raw_audio_path, self.settings.segments_path
        objects = ConnectionObjects(segment.tenant, segment.connection_id, *roots, segment.generation)
        try:
            final = self.blobs.info(objects.final_segment(segment.channel, segment.start_ms))
        except BlobNotFound:
            return None
        event = event_of_segment(self.blobs, final)
        if event is None:
            log.error("segment_without_event", connection=segment.connection_id, start_ms=segment.start_ms)
        return event


def swept_both(sweep: Sweep, take_overs: TakeOverSweep) -> SweptBoth:
    """Run both. Raises `Retryable`."""
    took_over = take_overs.run()
    return SweptBoth(**msgspec.structs.asdict(sweep.run()), take_overs=took_over)


def _taking_over(event: SegmentReady, segment: StandingBy) -> SegmentReady:
    return msgspec.structs.replace(event, take_over=True, take=segment.take, model=segment.model)
