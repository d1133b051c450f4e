"""Takes to a receiver what is due to it: `DeliveriesDue`, and `DeliveryWanted` for what had been given up.

A push works off whatever the receiver waits for, not only what it was pushed for: so one that finds others at work can go, and what
was held up while the receiver rested needs no event of its own. See `places` for how many work at a time, `progress` for why two never
send the same thing, and one that dies loses nothing.
"""

import random
from dataclasses import dataclass, field
from typing import Final

from common.clock import Clock
from common.errors import Backpressure
from common.events import DeliveriesDue, DeliveryWanted
from common.health import Drain
from common.logs import get_logger
from common.ports.delivery_store import Delivery, DeliveryStore
from common.ports.publisher import Publisher
from transcribe_service.delivery.content import NothingToSay
from transcribe_service.delivery.given_up import GivenUp, delivery_of
from transcribe_service.delivery.orders import announce
from transcribe_service.delivery.outcomes import Outcome
from transcribe_service.delivery.places import Entry, Receiver, ReceiverPlaces
from transcribe_service.delivery.progress import due_again, ended, given_back, taken, wanted_again
from transcribe_service.delivery.receivers import ENGINE
from transcribe_service.delivery.schedule import is_too_late, next_attempt_ms
from transcribe_service.delivery.senders import DISABLED, Sender
from transcribe_service.delivery.webhook_health import WebhookHealth

log = get_logger(__name__)
BUDGET_S: Final = 25.0
"""A push begins no other attempt after this: one takes 15 s at most, and the push may take 60."""
AT_ONCE: Final = 10
"""Deliveries that are read at a time."""
RETRY_S: Final = 1.0
TOO_LATE: Final = "too_late"


@dataclass(frozen=True)
class Courier:
    """Handles the events."""

    deliveries: DeliveryStore
    engine: Sender
    webhook: Sender
    health: WebhookHealth
    given_up: GivenUp
    places: ReceiverPlaces
    publisher: Publisher
    clock: Clock
    drain: Drain
    chance: random.Random = field(default_factory=random.SystemRandom)

    def handle(self, event: DeliveriesDue) -> None:
        """Returns once nothing is due to the receiver, somebody else is at it, or the sweep is bound to come back. Raises the three errors."""
        receiver = event.tenant, event.receiver
        match self.places.enter(receiver):
            case Entry.FULL:
                raise Backpressure("all places are taken", reason="deliveries_busy", retry_after_s=RETRY_S)
            case Entry.IN_HAND | Entry.RESTING:
                return
        until_s = self.clock.monotonic_s() + BUDGET_S
        try:
            while self._work(receiver, until_s):
                if self.places.leave(receiver):
                    return
        except BaseException:
            self.places.leave_anyway(receiver)
            raise
        self.places.leave_anyway(receiver)

    def want_again(self, event: DeliveryWanted) -> None:
        """Have it tried anew, unless it was delivered meanwhile, or something newer has its place. Raises the three errors."""
        now_ms = self.clock.now_ms()
        new = delivery_of(event, now_ms)
        stored = self.deliveries.change(new.tenant, new.receiver, new.subject, lambda found: wanted_again(found, new))
        if stored is not None and stored.due_ms is not None and stored.due_ms <= now_ms:
            announce(self.publisher, [stored])

    def _work(self, receiver: Receiver, until_s: float) -> bool:
        """Deliver what is due. True when no more is due, False when no more is to be done now. The place stays taken."""
        while due := self.deliveries.due(*receiver, self.clock.now_ms(), limit=AT_ONCE):
            for delivery in due:
                if self.places.rests(receiver):
                    return False  # the sweep comes back to it
                if self.drain.started or self.clock.monotonic_s() >= until_s:
                    announce(self.publisher, [delivery])  # somebody else goes on
                    return False
                self._deliver(receiver, delivery)
        return True

    def _deliver(self, receiver: Receiver, delivery: Delivery) -> None:
        if is_too_late(delivery, self.clock.now_ms()):
            self._say_nothing(delivery, TOO_LATE)
            return
        sender = self.engine if delivery.receiver == ENGINE else self.webhook
        try:
            send = sender.prepare(delivery)
        except NothingToSay as nothing:
            self._say_nothing(delivery, str(nothing))
            return
        mine = self._take(delivery)
        if mine is not None:
            began_s = self.clock.monotonic_s()
            outcome = send()
            self._log(mine, outcome, self.clock.monotonic_s() - began_s)
            self._note(receiver, outcome)
            self._settle(mine, outcome)

    def _take(self, seen: Delivery) -> Delivery | None:
        now_ms = self.clock.now_ms()
        mine: Delivery | None = None

        def take(found: Delivery | None) -> Delivery | None:
            nonlocal mine
            mine = taken(found, seen, now_ms)
            return mine

        self.deliveries.change(seen.tenant, seen.receiver, seen.subject, take)
        return mine

    def _note(self, receiver: Receiver, outcome: Outcome) -> None:
        if outcome.rests:
            self.places.did_not_answer(receiver, outcome.retry_after_s)
        else:
            self.places.answered(receiver)

    def _settle(self, mine: Delivery, outcome: Outcome) -> None:
        now_ms = self.clock.now_ms()
        is_webhook = mine.receiver != ENGINE
        match outcome.kind:
            case "delivered":
                self._give_back(mine, ended(mine, "delivered", "", now_ms))
                if is_webhook:
                    self.health.took(mine.tenant, mine.receiver)
            case "gone":
                self.health.gone(mine.tenant, mine.receiver)
                self._give_back(mine, ended(mine, "dropped", outcome.reason, now_ms))
            case "refused":
                self._give_up(mine, outcome.reason)
            case "failed":
                due_ms = next_attempt_ms(mine, now_ms, outcome.retry_after_s, self.chance)
                if due_ms is not None:
                    self._give_back(mine, due_again(mine, due_ms, outcome.reason))
                else:
                    self._give_up(mine, outcome.reason)
                if is_webhook:
                    (self.health.gave_up if due_ms is None else self.health.failed)(mine.tenant, mine.receiver)

    def _give_up(self, mine: Delivery, reason: str) -> None:
        if mine.final:
            self.given_up.keep(mine, reason)
        self._give_back(mine, ended(mine, "dead" if mine.final else "dropped", reason, self.clock.now_ms()))

    def _say_nothing(self, seen: Delivery, why: str) -> None:
        if why == DISABLED:
            self._give_up(seen, why)
        else:
            self._give_back(seen, ended(seen, "dropped", why, self.clock.now_ms()))

    def _give_back(self, mine: Delivery, settled: Delivery) -> None:
        now_ms = self.clock.now_ms()
        key = mine.tenant, mine.receiver, mine.subject
        self.deliveries.change(*key, lambda found: given_back(found, mine, settled, now_ms))

    def _log(self, mine: Delivery, outcome: Outcome, took_s: float) -> None:
        log.info(
            "delivery_attempted",
            receiver=mine.receiver,
            message_id=mine.message_id,
            message_type=mine.type,
            attempt=mine.attempts,
            outcome=outcome.kind,
            reason=outcome.reason,
            took_ms=round(took_s * 1000),
            age_ms=self.clock.now_ms() - mine.happened_at_ms,
        )
