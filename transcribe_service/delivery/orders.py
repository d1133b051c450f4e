"""From something that happened to one delivery for each receiver that wants to know of it, each announced.

Ordered twice, it is one delivery still: its id follows from what happened. Where the process dies after storing, the event that led
here comes again, or the sweep finds what is due.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from common.clock import Clock
from common.events import DeliveriesDue
from common.logs import get_logger
from common.ports.delivery_store import Delivery, DeliveryStore
from common.ports.publisher import Publisher
from transcribe_service.delivery.progress import replaced, wanted
from transcribe_service.delivery.receivers import Receivers

log = get_logger(__name__)


@dataclass(frozen=True)
class Orders:
    """Makes deliveries."""

    deliveries: DeliveryStore
    receivers: Receivers
    publisher: Publisher
    clock: Clock

    def has_receivers(self, tenant: str, message_type: str, *, final: bool = True) -> bool:
        """Whether anybody wants to know. Raises `Retryable`."""
        return any(each.wants(message_type, final=final) for each in self.receivers.of(tenant))

    def order(self, about: Delivery) -> None:
        """Have everybody told who wants to know; `about` says what, its receiver is filled in. Raises the three errors."""
        for receiver in self.receivers.of(about.tenant):
            if receiver.wants(about.type, final=about.final):
                self._order_for(replaced(about, receiver=receiver.receiver_id))

    def _order_for(self, new: Delivery) -> None:
        stored = self.deliveries.change(new.tenant, new.receiver, new.subject, lambda found: wanted(found, new))
        if stored is not None and stored.due_ms is not None and stored.due_ms <= self.clock.now_ms():
            self.publisher.publish(due_event(stored))


def due_event(delivery: Delivery) -> DeliveriesDue:
    """Tells that the delivery's receiver has something due."""
    return DeliveriesDue(
        tenant=delivery.tenant,
        meeting_id=delivery.meeting_id,
        connection_id=delivery.connection_id,
        receiver=delivery.receiver,
        subject=delivery.subject,
        rank=delivery.rank,
        attempt=delivery.attempts,
    )


def announce(publisher: Publisher, due: Iterable[Delivery]) -> int:
    """Publish that the receivers of `due` have something to be told; returns how many."""
    count = 0
    for each in due:
        publisher.publish(due_event(each))
        count += 1
    return count
