"""A durable queue in one SQLite file with the semantics of Pub/Sub: topics, subscriptions, at-least-once, dead letters.

Who delivers is `push_dispatcher`'s business. A message is one row for each subscription of its topic, so an acknowledgement is
one DELETE. Publishing is fsynced; leases and acknowledgements are not, because losing one in a power cut only means to deliver
a message again. The death of a process loses neither.
"""

import random
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

import msgspec

from common.adapters.embedded import queue_rows
from common.adapters.embedded.queue_news import NewsSender
from common.adapters.embedded.sqlite_database import SqliteDatabase
from common.adapters.embedded.subscriptions import Backlog, Delivery, Nack, Subscription
from common.clock import Clock
from common.events import Message
from common.logs import get_logger

__all__ = ["Leased", "SqliteQueue", "Subscription"]

log = get_logger(__name__)


class Leased(msgspec.Struct, frozen=True):
    """What an exchange gave."""

    deliveries: list[Delivery]
    """Oldest first within each subscription."""
    next_due_ms: int | None
    """Epoch milliseconds when a subscription that gave all it could will have more to give; None when it is empty."""


class SqliteQueue:
    """The queue in the file `path`. Usable from any number of threads and processes; build one in each process."""

    def __init__(self, path: Path, clock: Clock, chance: random.Random | None = None) -> None:
        self.path = path
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 -- jitter
        self._ids = random.Random()  # noqa: S311 -- need to be different, and nothing else
        self._database = SqliteDatabase(path, queue_rows.SCHEMA)
        self._listeners: list[Callable[[], None]] = []
        with ExitStack() as on_failure:
            on_failure.callback(self._database.close)
            self._elsewhere = NewsSender(path)
            on_failure.callback(self._elsewhere.close)
            self._adopt_earlier_dead_letters()
            on_failure.pop_all()

    def _adopt_earlier_dead_letters(self) -> None:
        with self._database.reading() as connection:
            if not queue_rows.has_earlier_dead_letters(connection):
                return
        now_ms = self._clock.now_ms()
        adopted = self._database.write(lambda connection: queue_rows.adopt_earlier_dead_letters(connection, now_ms))
        log.info("dead_letters_adopted", messages=adopted)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every commit of this process that may give a dispatcher something to do. It must not block."""
        self._listeners.append(listener)

    def changed_elsewhere(self) -> bool:
        """Whether another process has committed anything since the last call. Cheap enough to ask ten times a second."""
        return self._database.changed_elsewhere()

    def subscribe(self, subscription: Subscription) -> None:
        """Create a subscription, or give it new options. It receives what is published from now on."""
        row = (subscription.name, subscription.topic, msgspec.json.encode(subscription))
        self._database.write(
            lambda connection: connection.execute("INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?)", row)
        )
        self._tell_listeners()

    def subscriptions(self) -> list[Subscription]:
        """All subscriptions, by name."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT options FROM subscriptions ORDER BY name").fetchall()
        return [queue_rows.SUBSCRIPTION.decode(options) for (options,) in rows]

    def publish(self, topic: str, message: Message) -> str:
        """Store `message` for every subscription of `topic`; none means that nobody gets it, as in Pub/Sub.

        Durable on return. Returns the message id. Raises `Retryable`.
        """
        message_id = f"{self._ids.getrandbits(64):016x}"
        now_ms = self._clock.now_ms()
        self._database.write(lambda connection: queue_rows.insert(connection, topic, message_id, message, now_ms))
        self._tell_listeners()
        return message_id

    def lease(self, subscription: str, limit: int) -> list[Delivery]:
        """The oldest visible messages, at most `limit`; invisible to others until acked, nacked or the ack deadline has passed."""
        return self.exchange(wanted={subscription: limit}).deliveries

    def ack(self, deliveries: Iterable[Delivery]) -> None:
        """The messages are done with. Also counts when the lease has expired: the work was done."""
        self.exchange(acks=list(deliveries))

    def nack(self, nacks: Iterable[Nack]) -> None:
        """The deliveries failed: try again after a backoff, or move messages that were tried often enough to the dead-letter topic.

        The nack of an attempt whose lease has expired and that was leased again changes nothing.
        """
        self.exchange(nacks=list(nacks))

    def exchange(
        self,
        *,
        acks: Collection[Delivery] = (),
        nacks: Collection[Nack] = (),
        wanted: Mapping[str, int] | None = None,
    ) -> Leased:
        """Settle deliveries and lease others, `wanted[subscription]` at most, in one transaction. Raises `Retryable`."""
        now_ms = self._clock.now_ms()

        def run(connection: sqlite3.Connection) -> queue_rows.Exchanged:
            exchanged = queue_rows.Exchanged()
            connection.executemany("DELETE FROM deliveries WHERE delivery_id = ?", [(ack.delivery_id,) for ack in acks])
            for nack in nacks:
                exchanged.died += queue_rows.settle_nack(connection, nack, now_ms, self._chance)
            for name, limit in (wanted or {}).items():
                queue_rows.lease(connection, name, limit, now_ms, exchanged)
            return exchanged

        exchanged = self._database.write(run, durable=False)
        for subscription, message_id, attempts, reason in exchanged.died:
            log.warning(
                "dead_lettered", subscription=subscription, message_id=message_id, attempts=attempts, reason=reason
            )
        if exchanged.died:
            self._tell_listeners()
        return Leased(exchanged.deliveries, min(exchanged.due_ms, default=None))

    def release_leases(self) -> int:
        """Make every leased message visible at once: for the one dispatcher, when it knows that its predecessor is dead. Returns their number."""
        now_ms = self._clock.now_ms()

        def run(connection: sqlite3.Connection) -> int:
            return connection.execute(
                "UPDATE deliveries SET visible_at_ms = ?, leased = 0 WHERE leased AND visible_at_ms > ?",
                (now_ms, now_ms),
            ).rowcount

        return self._database.write(run, durable=False)

    def backlogs(self) -> list[Backlog]:
        """The state of every subscription, by name: for health and for waiting until all work is done."""
        now_ms = self._clock.now_ms()
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT name,"
                " (SELECT count(*) FROM deliveries WHERE subscription = name),"
                " (SELECT min(published_at_ms) FROM deliveries WHERE subscription = name)"
                " FROM subscriptions ORDER BY name"
            ).fetchall()
        return [
            Backlog(
                subscription=name,
                messages=messages,
                oldest_age_ms=max(0, now_ms - oldest_ms) if messages else 0,
            )
            for name, messages, oldest_ms in rows
        ]

    def check(self) -> None:
        """Raise `Retryable` when the queue's file can't be used."""
        self._database.check()

    def close(self) -> None:
        """Close the file. Later calls raise `Retryable`."""
        self._database.close()
        self._elsewhere.close()

    def _tell_listeners(self) -> None:
        if not self._listeners:  # whoever dispatches does so in another process
            self._elsewhere.tell()
        for listener in self._listeners:
            listener()
