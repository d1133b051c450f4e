"""Deliveries that were given up, as dead letters: people see them with their reason at `/v1/deadletters`, and have them sent again.

What is kept says which message it was, and holds nothing of what was said.
"""

from dataclasses import dataclass
from typing import Final

from common.clock import Clock
from common.dead_letters import DeadLetters, as_dead_letter
from common.errors import Permanent
from common.events import DeliveryWanted, to_message
from common.ports.delivery_store import Delivery

SOURCE: Final = "/turnscribe/transcribe"
SUBSCRIPTION: Final = "deliveries"


@dataclass(frozen=True)
class GivenUp:
    """Keeps them."""

    dead_letters: DeadLetters
    clock: Clock

    def keep(self, delivery: Delivery, reason: str) -> None:
        """Durable on return; the same delivery is kept once. Raises `Retryable`."""
        event = wanted_event(delivery)
        letter = as_dead_letter(
            to_message(event, source=SOURCE, now_ms=delivery.happened_at_ms),
            message_id=delivery.message_id,
            subscription=SUBSCRIPTION,
            died_at_ms=self.clock.now_ms(),
        )
        why = Permanent(f"{delivery.receiver} did not take it in {delivery.attempts} attempts", reason=reason)
        self.dead_letters.keep(event, letter, why, published_ms=delivery.happened_at_ms)


def wanted_event(delivery: Delivery) -> DeliveryWanted:
    """What makes the delivery again. Pure."""
    return DeliveryWanted(
        tenant=delivery.tenant,
        meeting_id=delivery.meeting_id,
        connection_id=delivery.connection_id,
        receiver=delivery.receiver,
        subject=delivery.subject,
        message_type=delivery.type,
        segment_id=delivery.segment_id,
        take=delivery.take,
        rank=delivery.rank,
        message_id=delivery.message_id,
        happened_at_ms=delivery.happened_at_ms,
    )


def delivery_of(event: DeliveryWanted, now_ms: int) -> Delivery:
    """The delivery that the event wants, as if new. Pure."""
    return Delivery(
        tenant=event.tenant,
        receiver=event.receiver,
        subject=event.subject,
        type=event.message_type,
        meeting_id=event.meeting_id,
        connection_id=event.connection_id,
        segment_id=event.segment_id,
        take=event.take,
        rank=event.rank,
        message_id=event.message_id,
        happened_at_ms=event.happened_at_ms,
        since_ms=now_ms,
        due_ms=now_ms,
    )
