"""The tables of the embedded queue and the statements that move a message through them. Each function runs in its caller's transaction."""

import random
import secrets
import sqlite3
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from common.adapters.embedded.subscriptions import Delivery, Nack, Subscription, backoff_s
from common.clock import iso_utc
from common.dead_letters import SOURCE_COUNT, SOURCE_PUBLISH_TIME, SOURCE_SUBSCRIPTION
from common.events import Message

LEASE_GRACE_MS: Final = 1_000
"""A lease outlives the ack deadline by this, so that a push's own time-out comes first and its nack sets the backoff."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS subscriptions (
    name    TEXT PRIMARY KEY,
    topic   TEXT NOT NULL,
    options BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    delivery_id     INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription    TEXT NOT NULL,
    message_id      TEXT NOT NULL,
    data            BLOB NOT NULL,
    attributes      BLOB NOT NULL,
    published_at_ms INTEGER NOT NULL,
    visible_at_ms   INTEGER NOT NULL,
    leased          INTEGER NOT NULL DEFAULT 0,
    attempts        INTEGER NOT NULL DEFAULT 0,
    reason          TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (subscription, visible_at_ms, published_at_ms);
"""

NO_ANSWER: Final = "no_answer"

_LEASE: Final = """
UPDATE deliveries SET visible_at_ms = ?, leased = 1, attempts = attempts + 1, reason = ?
WHERE delivery_id IN (
    SELECT delivery_id FROM deliveries WHERE subscription = ? AND visible_at_ms <= ?
    ORDER BY visible_at_ms, delivery_id LIMIT ?
)
RETURNING delivery_id, data, attributes, message_id, published_at_ms, attempts
"""

ATTRIBUTES: Final = msgspec.json.Decoder(dict[str, str])
SUBSCRIPTION: Final = msgspec.json.Decoder(Subscription)

Died = tuple[str, str, int, str]
"""Subscription, message id, attempts, reason."""


@dataclass(slots=True)
class Exchanged:
    """What a transaction found; logged and returned once it is committed."""

    deliveries: list[Delivery] = field(default_factory=list)
    due_ms: list[int] = field(default_factory=list)
    died: list[Died] = field(default_factory=list)


def _options(connection: sqlite3.Connection, name: str) -> Subscription | None:
    row = connection.execute("SELECT options FROM subscriptions WHERE name = ?", (name,)).fetchone()
    return SUBSCRIPTION.decode(row[0]) if row else None


def settle_nack(connection: sqlite3.Connection, nack: Nack, now_ms: int, chance: random.Random) -> list[Died]:
    """Make the message visible after its backoff, or a dead letter when its attempts are spent. Only the newest attempt may."""
    delivery = nack.delivery
    subscription = _options(connection, delivery.subscription)
    if subscription is None:
        return []  # the lease expires by itself
    wait_s = max(backoff_s(subscription, delivery.attempt, chance), nack.not_before_s)
    still_leased = connection.execute(
        "UPDATE deliveries SET visible_at_ms = ?, leased = 0, reason = ? WHERE delivery_id = ? AND attempts = ?",
        (now_ms + round(wait_s * 1000), nack.reason, delivery.delivery_id, delivery.attempt),
    ).rowcount
    if still_leased and delivery.attempt >= subscription.max_attempts:
        return _bury(connection, subscription, delivery, now_ms, nack.reason)
    return []


def lease(connection: sqlite3.Connection, name: str, limit: int, now_ms: int, exchanged: Exchanged) -> None:
    """Lease at most `limit` visible messages of the subscription `name` into `exchanged`; bury those whose attempts are spent."""
    subscription = _options(connection, name)
    if subscription is None:
        return
    until_ms = now_ms + round(subscription.ack_deadline_s * 1000) + LEASE_GRACE_MS
    rows: list[tuple[Any, ...]] = connection.execute(_LEASE, (until_ms, NO_ANSWER, name, now_ms, limit)).fetchall()
    for delivery_id, data, attributes, message_id, published_at_ms, attempt in sorted(rows):
        delivery = Delivery(
            delivery_id=delivery_id,
            subscription=name,
            message=Message(data, ATTRIBUTES.decode(attributes)),
            message_id=message_id,
            published_at_ms=published_at_ms,
            attempt=attempt,
        )
        spent = attempt > subscription.max_attempts  # the last attempt ended without any answer
        died = _bury(connection, subscription, delivery, now_ms, NO_ANSWER) if spent else []
        exchanged.died += died
        exchanged.deliveries += [] if died else [delivery]
    if len(rows) < limit:
        (due_ms,) = connection.execute(
            "SELECT min(visible_at_ms) FROM deliveries WHERE subscription = ?", (name,)
        ).fetchone()
        exchanged.due_ms += [] if due_ms is None else [due_ms]


def _bury(
    connection: sqlite3.Connection, subscription: Subscription, delivery: Delivery, now_ms: int, reason: str
) -> list[Died]:
    """Move the message to the dead-letter topic. Empty where nobody listens to it: then the message is tried on."""
    attempts = min(delivery.attempt, subscription.max_attempts)
    attributes = {
        **delivery.message.attributes,
        SOURCE_COUNT: str(attempts),
        SOURCE_SUBSCRIPTION: subscription.name,
        SOURCE_PUBLISH_TIME: iso_utc(delivery.published_at_ms),
    }
    moved = Message(delivery.message.data, attributes)
    if not insert(connection, subscription.dead_letter_topic, secrets.token_hex(8), moved, now_ms):
        return []
    connection.execute("DELETE FROM deliveries WHERE delivery_id = ?", (delivery.delivery_id,))
    return [(subscription.name, delivery.message_id, attempts, reason)]


def insert(connection: sqlite3.Connection, topic: str, message_id: str, message: Message, now_ms: int) -> int:
    """Give a message to every subscription of the topic; returns their number."""
    return connection.execute(
        "INSERT INTO deliveries (subscription, message_id, data, attributes, published_at_ms, visible_at_ms)"
        " SELECT name, ?, ?, ?, ?, ? FROM subscriptions WHERE topic = ?",
        (message_id, message.data, msgspec.json.encode(message.attributes), now_ms, now_ms, topic),
    ).rowcount


def has_earlier_dead_letters(connection: sqlite3.Connection) -> bool:
    """Whether the file is one of release 0.1.0, which kept dead letters in a table of their own."""
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'dead_letters'")
    return found.fetchone() is not None


def adopt_earlier_dead_letters(connection: sqlite3.Connection, now_ms: int) -> int:
    """Put them back into their subscriptions, as if never tried, and drop the table. Returns their number."""
    if not has_earlier_dead_letters(connection):
        return 0  # another process was first
    adopted = connection.execute(
        "INSERT INTO deliveries (subscription, message_id, data, attributes, published_at_ms, visible_at_ms)"
        " SELECT subscription, message_id, data, attributes, published_at_ms, ? FROM dead_letters ORDER BY delivery_id",
        (now_ms,),
    ).rowcount
    connection.execute("DROP TABLE dead_letters")
    return adopted
