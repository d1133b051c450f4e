"""The `WorkStore` port over SQLite."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from common.adapters.embedded.sqlite_database import SqliteDatabase
from common.ports.work_store import Work

_SCHEMA = """
CREATE TABLE IF NOT EXISTS work (
    tenant  TEXT NOT NULL,
    work_id TEXT NOT NULL,
    due_ms  INTEGER,
    work    BLOB NOT NULL, -- Work as JSON
    PRIMARY KEY (tenant, work_id)
);
CREATE INDEX IF NOT EXISTS work_due ON work (due_ms) WHERE due_ms IS NOT NULL;
"""
_DECODER = msgspec.json.Decoder(Work)


class SqliteWorkStore:
    """Work in the file `path`, which other adapters may share. Usable from any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, _SCHEMA)

    def add(self, work: Work) -> bool:
        """Store new work; False where there is some with its id. Raises `Retryable`."""
        row = (work.tenant, work.work_id, work.due_ms, msgspec.json.encode(work))

        def run(connection: sqlite3.Connection) -> int:
            return connection.execute("INSERT INTO work VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row).rowcount

        return bool(self._database.write(run))

    def get(self, tenant: str, work_id: str) -> Work | None:
        """One piece of work, or None."""
        with self._database.reading() as connection:
            return _find(connection, tenant, work_id)

    def change(self, tenant: str, work_id: str, change: Callable[[Work], Work]) -> Work | None:
        """Replace work by what `change` makes of it, in one transaction. None when there is none. Raises `Retryable`."""

        def run(connection: sqlite3.Connection) -> Work | None:
            work = _find(connection, tenant, work_id)
            if work is None:
                return None
            changed = change(work)
            row = (changed.due_ms, msgspec.json.encode(changed), tenant, work_id)
            connection.execute("UPDATE work SET due_ms = ?, work = ? WHERE tenant = ? AND work_id = ?", row)
            return changed

        return self._database.write(run)

    def due(self, *, now_ms: int, limit: int) -> list[Work]:
        """Work of all tenants that is due at `now_ms`, the one due longest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT work FROM work WHERE due_ms <= ? ORDER BY due_ms LIMIT ?", (now_ms, limit)
            ).fetchall()
        return [_DECODER.decode(work) for (work,) in rows]

    def remove(self, tenant: str, work_id: str) -> None:
        """Forget work; forgetting what is not there is no error. Raises `Retryable`."""

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM work WHERE tenant = ? AND work_id = ?", (tenant, work_id))

        self._database.write(run)

    def check(self) -> None:
        """Raise `Retryable` when the store can't be used."""
        self._database.check()

    def close(self) -> None:
        """Close the file. Later calls raise `Retryable`."""
        self._database.close()


def _find(connection: sqlite3.Connection, tenant: str, work_id: str) -> Work | None:
    row = connection.execute("SELECT work FROM work WHERE tenant = ? AND work_id = ?", (tenant, work_id)).fetchone()
    return _DECODER.decode(row[0]) if row else None
