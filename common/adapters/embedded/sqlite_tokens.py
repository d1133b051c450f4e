"""The `TokenStore` port over SQLite."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from common.adapters.embedded.sqlite_database import SqliteDatabase
from common.ports.token_store import TokenRecord

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens (
    token_hash    TEXT PRIMARY KEY,
    tenant        TEXT NOT NULL,
    token_id      TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    record        BLOB NOT NULL     -- TokenRecord as JSON
);
CREATE INDEX IF NOT EXISTS tokens_of_tenant ON tokens (tenant, created_at_ms, token_id);
CREATE INDEX IF NOT EXISTS tokens_by_id ON tokens (tenant, token_id);
CREATE INDEX IF NOT EXISTS tokens_of_user ON tokens (tenant, user_id, created_at_ms, token_id);
"""

_DECODER = msgspec.json.Decoder(TokenRecord)


class SqliteTokenStore:
    """Tokens in the file `path`, which other adapters may share. Usable from any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, _SCHEMA)

    def put(self, record: TokenRecord) -> None:
        """Store a token; one of the same hash is replaced. Raises `Retryable`."""
        row = (
            record.token_hash,
            record.tenant,
            record.token_id,
            record.user_id,
            record.created_at_ms,
            msgspec.json.encode(record),
        )

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?, ?, ?)", row)

        self._database.write(run)

    def by_hash(self, token_hash: str) -> TokenRecord | None:
        """The token with that hash, or None."""
        return _first(self._select("WHERE token_hash = ?", token_hash))

    def by_id(self, tenant: str, token_id: str) -> TokenRecord | None:
        """A tenant's token, or None: also where it is another tenant's."""
        return _first(self._select("WHERE tenant = ? AND token_id = ?", tenant, token_id))

    def of_tenant(self, tenant: str) -> list[TokenRecord]:
        """All tokens of a tenant, in the order in which they were created, then by id."""
        return self._select("WHERE tenant = ? ORDER BY created_at_ms, token_id", tenant)

    def of_user(self, tenant: str, user_id: str) -> list[TokenRecord]:
        """All tokens of a tenant's user, in the same order."""
        return self._select("WHERE tenant = ? AND user_id = ? ORDER BY created_at_ms, token_id", tenant, user_id)

    def check(self) -> None:
        """Raise `Retryable` when the store can't be used."""
        self._database.check()

    def close(self) -> None:
        """Close the file. Later calls raise `Retryable`."""
        self._database.close()

    def _select(self, condition: str, *values: Any) -> list[TokenRecord]:
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT record FROM tokens {condition}", values).fetchall()  # noqa: S608 -- the conditions above
        return [_DECODER.decode(record) for (record,) in rows]


def _first(found: list[TokenRecord]) -> TokenRecord | None:
    return found[0] if found else None
