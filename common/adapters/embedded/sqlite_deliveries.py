"""The `DeliveryStore` port over SQLite."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from common.adapters.embedded.sqlite_database import SqliteDatabase
from common.ports.delivery_store import Change, Delivery

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    tenant     TEXT NOT NULL,
    receiver   TEXT NOT NULL,
    subject    TEXT NOT NULL,
    due_ms     INTEGER,
    expires_ms INTEGER,
    delivery   BLOB NOT NULL, -- Delivery as JSON
    PRIMARY KEY (tenant, receiver, subject)
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (tenant, receiver, due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS deliveries_expired ON deliveries (expires_ms) WHERE expires_ms IS NOT NULL;
"""
_ONE = "SELECT delivery FROM deliveries WHERE tenant = ? AND receiver = ? AND subject = ?"
_DUE = """
SELECT delivery FROM deliveries WHERE tenant = ? AND receiver = ? AND due_ms <= ? ORDER BY due_ms, subject LIMIT ?
"""
# Goes from receiver to receiver, and not through what each waits for.
_NEXT_RECEIVER = """
SELECT tenant, receiver, due_ms, delivery FROM deliveries
WHERE due_ms IS NOT NULL AND (tenant, receiver) > (?, ?) ORDER BY tenant, receiver, due_ms LIMIT 1
"""
_DECODER = msgspec.json.Decoder(Delivery)


class SqliteDeliveryStore:
    """Deliveries in the file `path`, which other adapters may share. Usable from any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, _SCHEMA)

    def change(self, tenant: str, receiver: str, subject: str, change: Change) -> Delivery | None:
        """Replace a delivery by what `change` makes of it, in one transaction. Raises `Retryable`."""

        def run(connection: sqlite3.Connection) -> Delivery | None:
            row = connection.execute(_ONE, (tenant, receiver, subject)).fetchone()
            found = _DECODER.decode(row[0]) if row else None
            changed = change(found)
            if changed is None or changed == found:
                return found
            connection.execute(
                "INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?, ?)",
                (tenant, receiver, subject, changed.due_ms, changed.expires_ms, msgspec.json.encode(changed)),
            )
            return changed

        return self._database.write(run)

    def get(self, tenant: str, receiver: str, subject: str) -> Delivery | None:
        """One delivery, or None."""
        found = self._select(_ONE, tenant, receiver, subject)
        return found[0] if found else None

    def due(self, tenant: str, receiver: str, now_ms: int, *, limit: int) -> list[Delivery]:
        """A receiver's deliveries that are due, the one due longest first."""
        return self._select(_DUE, tenant, receiver, now_ms, limit)

    def receivers_due(self, now_ms: int, *, limit: int) -> list[Delivery]:
        """Of each receiver that has something due: what is due longest."""
        found: list[Delivery] = []
        after = ("", "")
        with self._database.reading() as connection:
            while len(found) < limit and (row := connection.execute(_NEXT_RECEIVER, after).fetchone()):
                tenant, receiver, due_ms, delivery = row
                after = (tenant, receiver)
                if due_ms <= now_ms:
                    found.append(_DECODER.decode(delivery))
        return found

    def forget_expired(self, now_ms: int, *, limit: int) -> int:
        """Remove deliveries whose time has come, at most `limit`. Raises `Retryable`."""

        def run(connection: sqlite3.Connection) -> int:
            return connection.execute(
                "DELETE FROM deliveries WHERE rowid IN (SELECT rowid FROM deliveries WHERE expires_ms <= ? LIMIT ?)",
                (now_ms, limit),
            ).rowcount

        return self._database.write(run)

    def forget_receiver(self, tenant: str, receiver: str) -> None:
        """Remove all deliveries of a receiver. Raises `Retryable`."""

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM deliveries WHERE tenant = ? AND receiver = ?", (tenant, receiver))

        self._database.write(run)

    def check(self) -> None:
        """Raise `Retryable` when the store can't be used."""
        self._database.check()

    def close(self) -> None:
        """Close the file. Later calls raise `Retryable`."""
        self._database.close()

    def _select(self, query: str, *values: Any) -> list[Delivery]:
        with self._database.reading() as connection:
            rows = connection.execute(query, values).fetchall()
        return [_DECODER.decode(delivery) for (delivery,) in rows]
