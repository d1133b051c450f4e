"""`TranscriptUpdated`: a segment's new version becomes a delivery for each receiver, and a meeting may have become complete by it."""

from dataclasses import dataclass

from common.clock import Clock
from common.events import TranscriptUpdated
from common.ports.delivery_store import Delivery
from common.ports.meeting_store import MeetingStore
from common.ports.transcript_store import rank
from common.push import event_time_ms
from transcribe_service.delivery.completion import Completion
from transcribe_service.delivery.orders import Orders
from transcribe_service.delivery.receivers import SEGMENT


@dataclass(frozen=True)
class Updates:
    """Handles the event."""

    orders: Orders
    completion: Completion
    meetings: MeetingStore
    clock: Clock

    def handle(self, event: TranscriptUpdated) -> None:
        """Returns once every receiver's delivery is durable and announced. Raises the three errors."""
        if self.orders.has_receivers(event.tenant, SEGMENT, final=event.final) and self._is_shown(event):
            self.orders.order(self._about(event))
        if event.final:
            self.completion.look(event.tenant, event.meeting_id, event.connection_id)

    def _is_shown(self, event: TranscriptUpdated) -> bool:
        """Whether it is of the transcription that readers see: nobody is told of another one while it is being made."""
        meeting = self.meetings.get(event.tenant, event.meeting_id)
        return event.take == (meeting.take if meeting else "")

    def _about(self, event: TranscriptUpdated) -> Delivery:
        now_ms = self.clock.now_ms()
        return Delivery(
            tenant=event.tenant,
            receiver="",
            subject=f"{SEGMENT} {event.segment_id}",
            type=SEGMENT,
            meeting_id=event.meeting_id,
            connection_id=event.connection_id,
            segment_id=event.segment_id,
            take=event.take,
            rank=rank(generation=event.generation, final=event.final, revision=event.revision, labels=event.labels),
            final=event.final,
            message_id=f"msg_{event.event_id}",
            happened_at_ms=event_time_ms() or now_ms,
            since_ms=now_ms,
            due_ms=now_ms,
        )
