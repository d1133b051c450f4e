"""Events of streams that were erased or replayed meanwhile lead to nothing; what they led to a moment too early goes again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from common.events import SegmentReady, SegmentRelabelled
from common.logs import get_logger
from common.ports.meeting_store import MeetingStore, take_of
from common.ports.stream_registry import StreamRecord, StreamRegistry
from common.ports.transcript_store import TranscriptStore

log = get_logger(__name__)
SegmentEvent = SegmentReady | SegmentRelabelled
E = TypeVar("E", bound=SegmentEvent)


@dataclass(frozen=True)
class Gate:
    """Stands before the handlers of segments' events. Raises `Retryable` where nobody can say what became of a stream."""

    streams: StreamRegistry
    transcripts: TranscriptStore
    meetings: MeetingStore
    """Asked anew each time: what goes to a take that was just replaced would be seen by nobody."""

    def guarding(self, handle: Callable[[E], None]) -> Callable[[E], None]:
        """`handle`, for streams that are still there: asked before, and once more after it has stored something.

        A deletion makes its tombstone before it removes a word. So either it finds what `handle` stored, or this finds the tombstone; who
        dies in between gets the event again.
        """

        def guarded(event: E) -> None:
            record = self._record(event)
            if record is not None and (record.without_audio or event.generation < record.generation):
                log.info("event_of_the_past", segment_id=event.segment_id, generation=event.generation)
                self._forget_erased(event, record)
                return
            wanted = self._for_shown_take(event)
            try:
                handle(wanted)
            finally:
                self._forget_erased(wanted, self._record(event))

        return guarded

    def _record(self, event: SegmentEvent) -> StreamRecord | None:
        return self.streams.get(event.tenant, event.connection_id)

    def _for_shown_take(self, event: E) -> E:
        """What is cut late belongs to the transcription that readers see."""
        if not isinstance(event, SegmentReady) or event.take:
            return event
        take = self._shown_take(event)
        return msgspec.structs.replace(event, take=take) if take else event

    def _shown_take(self, event: SegmentEvent) -> str:
        meeting = self.meetings.get(event.tenant, event.meeting_id)
        return meeting.take if meeting else ""

    def _forget_erased(self, event: SegmentEvent, record: StreamRecord | None) -> None:
        if record is None or record.erased_at_ms is None:
            return
        takes = {"", self._shown_take(event)}
        if isinstance(event, SegmentReady):
            takes.add(event.take)
        for take in sorted(takes):
            self.transcripts.delete_segment(event.tenant, take_of(event.meeting_id, take), event.segment_id)
