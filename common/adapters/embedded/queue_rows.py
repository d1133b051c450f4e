"""The tables of the embedded queue and the statements that move a message through them. Each function runs in its caller's transaction."""

import random
import sqlite3
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from common.adapters.embedded.subscriptions import Delivery, Nack, Subscription, backoff_s
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
CREATE TABLE IF NOT EXISTS dead_letters (
    delivery_id     INTEGER PRIMARY KEY,
    subscription    TEXT NOT NULL,
    message_id      TEXT NOT NULL,
    data            BLOB NOT NULL,
    attributes      BLOB NOT NULL,
    published_at_ms INTEGER NOT NULL,
    died_at_ms      INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    reason          TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS dead_letters_of ON dead_letters (subscription);
"""

_LEASE: Final = """
UPDATE deliveries SET visible_at_ms = ?, leased = 1, attempts = attempts + 1, reason = 'no_answer'
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
    """Make the message visible after its backoff, or a dead letter when that was its last attempt. Only the newest attempt may."""
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
        return _bury(connection, delivery.delivery_id, delivery.attempt, now_ms)
    return []


def lease(connection: sqlite3.Connection, name: str, limit: int, now_ms: int, exchanged: Exchanged) -> None:
    """Lease at most `limit` visible messages of the subscription `name` into `exchanged`; bury those whose attempts are spent."""
    subscription = _options(connection, name)
    if subscription is None:
        return
    until_ms = now_ms + round(subscription.ack_deadline_s * 1000) + LEASE_GRACE_MS
    rows: list[tuple[Any, ...]] = connection.execute(_LEASE, (until_ms, name, now_ms, limit)).fetchall()
    for delivery_id, data, attributes, message_id, published_at_ms, attempt in sorted(rows):
        if attempt > subscription.max_attempts:  # the last attempt ended without any answer
            exchanged.died += _bury(connection, delivery_id, subscription.max_attempts, now_ms)
            continue
        exchanged.deliveries.append(
            Delivery(
                delivery_id=delivery_id,
                subscription=name,
                message=Message(data, ATTRIBUTES.decode(attributes)),
                message_id=message_id,
                published_at_ms=published_at_ms,
                attempt=attempt,
            )
        )
    if len(rows) < limit:
        (due_ms,) = connection.execute(
            "SELECT min(visible_at_ms) FROM deliveries WHERE subscription = ?", (name,)
        ).fetchone()
        exchanged.due_ms += [] if due_ms is None else [due_ms]


def _bury(connection: sqlite3.Connection, delivery_id: int, attempts: int, now_ms: int) -> list[Died]:
    died: list[Died] = connection.execute(
        "INSERT OR REPLACE INTO dead_letters SELECT delivery_id, subscription, message_id, data, attributes,"
        " published_at_ms, ?, ?, reason FROM deliveries WHERE delivery_id = ?"
        " RETURNING subscription, message_id, attempts, reason",
        (now_ms, attempts, delivery_id),
    ).fetchall()
    connection.execute("DELETE FROM deliveries WHERE delivery_id = ?", (delivery_id,))
    return died
