"""The sweep's part: publishes that receivers have something due, sees completions that no event told of, and forgets what is long over."""

from dataclasses import dataclass
from typing import Final

import msgspec

from common.clock import Clock
from common.ports.delivery_store import DeliveryStore
from common.ports.publisher import Publisher
from transcribe_service.delivery.completion import Completion
from transcribe_service.delivery.orders import announce

RECEIVERS_A_SWEEP: Final = 1_000
FORGOTTEN_A_SWEEP: Final = 300


class DeliveriesSwept(msgspec.Struct, frozen=True):
    """What one sweep did."""

    receivers: int
    """Receivers that something is due to."""
    completed: int
    """Meetings that were found to be complete."""
    forgotten: int
    """Deliveries that ended so long ago that nobody asks for them."""


@dataclass(frozen=True)
class DeliverySweep:
    """What is due is looked for first: it is all that a receiver waits for."""

    deliveries: DeliveryStore
    completion: Completion
    publisher: Publisher
    clock: Clock

    def run(self) -> DeliveriesSwept:
        """Do it. Raises the three errors."""
        now_ms = self.clock.now_ms()
        due = self.deliveries.receivers_due(now_ms, limit=RECEIVERS_A_SWEEP)
        receivers = announce(self.publisher, due)
        completed = self.completion.sweep()
        return DeliveriesSwept(receivers, completed, self.deliveries.forget_expired(now_ms, limit=FORGOTTEN_A_SWEEP))
