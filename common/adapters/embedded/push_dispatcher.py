"""Delivers what is in the embedded queue: leases messages, posts them to their subscriptions' endpoints, settles the answers.

One coordinating thread owns all decisions. A round is one transaction that settles what was answered meanwhile and leases as
much as every subscription has room for, so the more there is to do the less it costs per message. An answer alone is no reason
for a round while its subscription has room: it waits for the next one, at most POLL_INTERVAL_S. So a dispatcher that dies has
messages delivered again that were acknowledged a moment before. Each subscription has threads of its own: a slow receiver
delays nobody else.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from common.adapters.embedded.process_lock import ProcessLock
from common.adapters.embedded.push_endpoint import PushEndpoint
from common.adapters.embedded.queue_news import NewsListener
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.subscriptions import Delivery, Nack, Subscription
from common.clock import Clock
from common.errors import Retryable
from common.logs import get_logger
from common.settings import Secret

log = get_logger(__name__)

POLL_INTERVAL_S: Final = 0.1
"""How soon it is noticed that another process has published whose hint was not heard, or that a test has moved the clock. A look costs
about 0.2 ms of CPU."""
_AFTER_FAILURE_S: Final = 1.0


class _Lane:
    """The deliveries of one subscription: its endpoint, and at most `max_in_flight` threads, started when first needed."""

    def __init__(self, subscription: Subscription, push_token: Secret, clock: Clock, settle: "_Settle") -> None:
        self.subscription = subscription
        self.in_flight = 0
        """Kept by the coordinator alone."""
        self._endpoint = PushEndpoint(subscription, push_token)
        self._clock = clock
        self._settle = settle
        self._work: SimpleQueue[Delivery | None] = SimpleQueue()
        self._threads = 0

    @property
    def room(self) -> int:
        return self.subscription.max_in_flight - self.in_flight

    def deliver(self, delivery: Delivery) -> None:
        self.in_flight += 1
        if self.in_flight > self._threads:
            self._threads += 1
            name = f"push-{self.subscription.name}-{self._threads}"
            threading.Thread(target=self._run, name=name, daemon=True).start()
        self._work.put(delivery)

    def close(self) -> None:
        """Ends the threads after what they have in hand."""
        for _ in range(self._threads):
            self._work.put(None)
        self._endpoint.close()

    def _run(self) -> None:
        while (delivery := self._work.get()) is not None:
            self._settle(self, delivery, self._endpoint.push(delivery, self._clock.now_ms()))


_Settle = Callable[[_Lane, Delivery, Nack | None], None]


class PushDispatcher:
    """Pushes with `Authorization: Bearer <push_token>`.

    One dispatcher works on a queue at a time, across processes; a second one stands by until the first is gone. That is how a
    dispatcher knows at its start that all leases are those of the dead, and need not wait for their deadlines.
    """

    def __init__(self, queue: SqliteQueue, push_token: Secret, clock: Clock) -> None:
        self._queue = queue
        self._push_token = push_token
        self._clock = clock
        self._lock = ProcessLock(queue.path.with_name(f"{queue.path.name}.dispatching"))
        self._thread = threading.Thread(target=self._run, name="push-dispatcher", daemon=True)

        # Between all threads, guarded by the condition.
        self._news = threading.Condition()
        self._published = True
        self._settled: list[tuple[_Lane, Delivery, Nack | None]] = []
        self._stopping = False

        # The coordinator's own.
        self._lanes: dict[str, _Lane] = {}
        self._in_flight = 0
        self._acks: list[Delivery] = []
        self._nacks: list[Nack] = []
        self._stale = True
        """There may be messages or subscriptions that no round has seen."""
        self._next_due_ms: int | None = None

    def start(self) -> None:
        """Begin to deliver. A dispatcher starts once."""
        self._queue.listen(self._tell_published)
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Lease nothing more, wait for the deliveries in flight. False when some did not end in time: they will be made again."""
        with self._news:
            self._stopping = True
            self._news.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def check(self) -> None:
        """Raise `Retryable` when nothing is being delivered (readiness)."""
        if not self._thread.is_alive():
            raise Retryable("the push dispatcher is not running", reason="dispatcher_stopped")
        self._queue.check()

    def _tell_published(self) -> None:
        with self._news:
            self._published = True
            self._news.notify()

    def _tell_settled(self, lane: _Lane, delivery: Delivery, nack: Nack | None) -> None:
        with self._news:
            self._settled.append((lane, delivery, nack))
            if self._stopping or lane.room <= 0:
                self._news.notify()

    def _run(self) -> None:
        try:
            if self._take_over():
                news = NewsListener(self._queue.path, self._tell_published)
                try:
                    self._dispatch()
                finally:
                    news.close()
        finally:
            for lane in self._lanes.values():
                lane.close()
            self._lock.release()

    def _take_over(self) -> bool:
        """Become the queue's only dispatcher and free the leases of the one before. False when asked to stop first."""
        while not self._lock.try_acquire():
            if self._stops_within(POLL_INTERVAL_S):
                return False
        while not self._attempt(self._queue.release_leases):
            if self._stops_within(_AFTER_FAILURE_S):
                return False
        return True

    def _dispatch(self) -> None:
        while not self._stopping or self._in_flight or self._acks or self._nacks:
            self._await_news()
            if not self._attempt(self._round) and self._stops_within(_AFTER_FAILURE_S):
                return  # what was not settled will be delivered again

    def _attempt(self, step: Callable[[], object]) -> bool:
        """Run a step that can be run again. False when the queue's file is out of order."""
        try:
            step()
        except Retryable as error:
            log.warning("queue_unavailable", reason=error.reason, detail=str(error))
            return False
        return True

    def _stops_within(self, seconds: float) -> bool:
        with self._news:
            return self._news.wait_for(lambda: self._stopping, seconds)

    def _await_news(self) -> None:
        """Wait for a publication of this process, an answer that makes room, the next message that is due, or the time to look around."""

        def any_news() -> bool:
            if self._stopping:
                return bool(self._settled) or not self._in_flight
            return self._published or any(lane.room <= 0 for lane, _, _ in self._settled)

        pause_s = POLL_INTERVAL_S
        if self._next_due_ms is not None:
            pause_s = min(pause_s, max(0.001, (self._next_due_ms - self._clock.now_ms()) / 1000))
        with self._news:
            self._news.wait_for(any_news, pause_s)

    def _round(self) -> None:
        """One transaction: settle what was answered, lease what there is room for. Nothing when there is nothing to do."""
        self._take_news()
        due = self._next_due_ms is not None and self._next_due_ms <= self._clock.now_ms()
        if self._queue.changed_elsewhere():
            self._stale = True
        if not (self._stale or due or self._acks or self._nacks):
            return
        if self._stale:
            self._refresh_lanes()
        wanted = {} if self._stopping else {name: lane.room for name, lane in self._lanes.items() if lane.room > 0}
        leased = self._queue.exchange(acks=self._acks, nacks=self._nacks, wanted=wanted)
        self._acks, self._nacks = [], []
        self._stale = False
        self._next_due_ms = leased.next_due_ms
        for delivery in leased.deliveries:
            self._in_flight += 1
            self._lanes[delivery.subscription].deliver(delivery)

    def _take_news(self) -> None:
        with self._news:
            settled, self._settled = self._settled, []
            self._stale = self._stale or self._published
            self._published = False
        for lane, delivery, nack in settled:
            lane.in_flight -= 1
            self._in_flight -= 1
            if nack is None:
                self._acks.append(delivery)
            else:
                self._nacks.append(nack)

    def _refresh_lanes(self) -> None:
        for subscription in self._queue.subscriptions():
            lane = self._lanes.get(subscription.name)
            if lane is None or lane.subscription != subscription:
                self._lanes[subscription.name] = _Lane(subscription, self._push_token, self._clock, self._tell_settled)
                if lane is not None:
                    lane.close()
