"""The `WebhookStore` port over SQLite."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from common.adapters.embedded.sqlite_database import SqliteDatabase
from common.ports.webhook_store import Webhook

_SCHEMA = """
CREATE TABLE IF NOT EXISTS webhooks (
    tenant        TEXT NOT NULL,
    webhook_id    TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    webhook       BLOB NOT NULL, -- Webhook as JSON
    PRIMARY KEY (tenant, webhook_id)
);
"""
_SELECT = "SELECT webhook FROM webhooks WHERE tenant = ?"
_ONE = f"{_SELECT} AND webhook_id = ?"
_DECODER = msgspec.json.Decoder(Webhook)


class SqliteWebhookStore:
    """Webhooks in the file `path`, which other adapters may share. Usable from any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, _SCHEMA)

    def create(self, webhook: Webhook) -> None:
        """Store a webhook; one that is there already stays as it is. Raises `Retryable`."""
        row = (webhook.tenant, webhook.webhook_id, webhook.created_at_ms, msgspec.json.encode(webhook))

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO webhooks VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row)

        self._database.write(run)

    def get(self, tenant: str, webhook_id: str) -> Webhook | None:
        """A tenant's webhook, or None."""
        found = self._select(_ONE, tenant, webhook_id)
        return found[0] if found else None

    def of_tenant(self, tenant: str) -> list[Webhook]:
        """All webhooks of a tenant, in the order in which they were created, then by id."""
        return self._select(f"{_SELECT} ORDER BY created_at_ms, webhook_id", tenant)

    def change(self, tenant: str, webhook_id: str, change: Callable[[Webhook], Webhook]) -> Webhook | None:
        """Replace a webhook by what `change` makes of it, in one transaction. None when there is none. Raises `Retryable`."""

        def run(connection: sqlite3.Connection) -> Webhook | None:
            row = connection.execute(_ONE, (tenant, webhook_id)).fetchone()
            if row is None:
                return None
            changed = change(_DECODER.decode(row[0]))
            connection.execute(
                "UPDATE webhooks SET webhook = ? WHERE tenant = ? AND webhook_id = ?",
                (msgspec.json.encode(changed), tenant, webhook_id),
            )
            return changed

        return self._database.write(run)

    def delete(self, tenant: str, webhook_id: str) -> None:
        """Forget a webhook; forgetting what is not there is no error. Raises `Retryable`."""

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM webhooks WHERE tenant = ? AND webhook_id = ?", (tenant, webhook_id))

        self._database.write(run)

    def check(self) -> None:
        """Raise `Retryable` when the store can't be used."""
        self._database.check()

    def close(self) -> None:
        """Close the file. Later calls raise `Retryable`."""
        self._database.close()

    def _select(self, query: str, *values: Any) -> list[Webhook]:
        with self._database.reading() as connection:
            rows = connection.execute(query, values).fetchall()
        return [_DECODER.decode(webhook) for (webhook,) in rows]
