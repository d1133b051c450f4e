"""The sweep: looks whether closed streams have all their transcripts, and publishes the events of the segments that have none.

The event of a final segment lies with its audio (`common.stored_segments`). The segmenter publishes it once; where a broker
forgot it, or gave it up, this publishes it again as it was. A stream is settled once everything is there, and looked at no more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from common.clock import Clock
from common.errors import TurnscribeError
from common.ids import segment_id
from common.logs import get_logger
from common.object_names import ConnectionObjects, channel_and_start_of
from common.ports.blob_store import BlobInfo, BlobStore
from common.ports.meeting_store import MeetingStore
from common.ports.publisher import Publisher
from common.ports.stream_registry import StreamRecord, StreamRegistry
from common.ports.transcript_store import SegmentTranscript, TranscriptStore
from common.stored_segments import event_of_segment
from transcribe_service.recognition.relabelling import unapplied
from transcribe_service.settings import TranscribeSettings

log = get_logger(__name__)
STREAMS_A_SWEEP: Final = 100
BUDGET_S: Final = 30.0
"""A sweep begins no other stream after this; the scheduler's request may take a minute, as a push may."""
LONGEST_PAUSE_MS: Final = 6 * 3_600_000


class Swept(msgspec.Struct, frozen=True):
    """What one sweep did."""

    streams: int
    """Closed streams looked at."""
    settled: int
    """Of those: the ones that have all their transcripts, and are looked at no more."""
    republished: int
    """Events of segments that have no transcript, or not the speakers that are known by now."""
    failed: int
    """Streams that could not be looked at; they are looked at again."""


@dataclass(frozen=True)
class Sweep:
    """Each call looks at the streams that are due, those due longest first."""

    settings: TranscribeSettings
    blobs: BlobStore
    publisher: Publisher
    transcripts: TranscriptStore
    streams: StreamRegistry
    clock: Clock
    meetings: MeetingStore

    def run(self) -> Swept:
        """Look at what is due. One stream's failure keeps no other waiting. Raises `Retryable` where the registry fails."""
        until_s = self.clock.monotonic_s() + BUDGET_S
        due_ms = self.clock.now_ms() - self._republish_after_ms
        settled = republished = failed = looked_at = 0
        for record in self.streams.unsettled(due_ms=due_ms, limit=STREAMS_A_SWEEP):
            if self.clock.monotonic_s() >= until_s:
                break
            looked_at += 1
            try:
                again = self._republish_missing(record)
            except TurnscribeError as error:
                log.warning("sweep_failed", connection=record.connection_id, reason=error.reason)
                failed += 1
                self.streams.look_again(record, self._next_look_ms(record))
                continue
            settled += again is None
            republished += again or 0
            self.streams.look_again(record, None if again is None else self._next_look_ms(record))
        return Swept(looked_at, settled, republished, failed)

    @property
    def _republish_after_ms(self) -> int:
        return round(self.settings.republish_after_sec * 1000)

    def _next_look_ms(self, record: StreamRecord) -> int:
        """When the stream becomes due: looks come at twice the age of the last one, so that a long outage is not amplified.

        Whatever is due at a time is looked at REPUBLISH_AFTER_SEC later.
        """
        now_ms = self.clock.now_ms()
        age_ms = now_ms - (record.summary.closed_at_ms if record.summary else now_ms)
        pause_ms = max(self._republish_after_ms, min(age_ms, LONGEST_PAUSE_MS))
        return now_ms + pause_ms - self._republish_after_ms

    def _republish_missing(self, record: StreamRecord) -> int | None:
        """How many events were published; None when the stream has all its transcripts."""
        stored = {
            each.segment_id: each
            for each in self.transcripts.segments(record.tenant, self._stored_as(record))
            if each.final and (each.connection_id, each.generation) == (record.connection_id, record.generation)
        }
        expected = record.summary.segments if record.summary else 0
        finals = list(self._finals(record))
        missing = [(segment, info) for segment, info in finals if segment not in stored]
        if not missing and len(stored) >= expected:
            return self._republish_speakers(record, stored) or None
        if len(stored) + len(missing) < expected:
            log.error(
                "segments_lost", connection=record.connection_id, expected=expected, found=len(stored) + len(missing)
            )
        return sum(self._republish(segment, info) for segment, info in missing)

    def _republish_speakers(self, record: StreamRecord, stored: Mapping[str, SegmentTranscript]) -> int:
        lost = list(unapplied(self.blobs, self._objects(record), stored))
        for event in lost:
            self.publisher.publish(event)
            log.warning("relabelling_republished", segment_id=event.segment_id, labels=event.labels)
        return len(lost)

    def _objects(self, record: StreamRecord) -> ConnectionObjects:
        return ConnectionObjects(
            record.tenant,
            record.connection_id,
            raw_root=self.settings.raw_audio_path,
            segments_root=self.settings.segments_path,
            generation=record.generation,
        )

    def _stored_as(self, record: StreamRecord) -> str:
        meeting = self.meetings.get(record.tenant, record.meeting_id)
        return meeting.stored_as if meeting else record.meeting_id

    def _finals(self, record: StreamRecord) -> Iterator[tuple[str, BlobInfo]]:
        for info in self.blobs.list(self._objects(record).finals_prefix):
            yield segment_id(record.connection_id, *channel_and_start_of(info.name)), info

    def _republish(self, segment: str, info: BlobInfo) -> bool:
        event = event_of_segment(self.blobs, info)
        if event is None:
            log.error("segment_without_event", segment_id=segment)
            return False
        self.publisher.publish(event)
        log.warning("segment_republished", segment_id=segment, revision=event.revision)
        return True
