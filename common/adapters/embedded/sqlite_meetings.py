"""The `MeetingStore` port over SQLite."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from common.adapters.embedded.sqlite_database import SqliteDatabase
from common.ports.meeting_store import Cursor, Meeting

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meetings (
    tenant       TEXT NOT NULL,
    meeting_id   TEXT NOT NULL,
    opened_at_ms INTEGER NOT NULL,
    meeting      BLOB NOT NULL, -- Meeting as JSON
    PRIMARY KEY (tenant, meeting_id)
);
CREATE INDEX IF NOT EXISTS meetings_by_age ON meetings (tenant, opened_at_ms, meeting_id);
"""
_SELECT = "SELECT meeting FROM meetings WHERE tenant = ? AND "

_DECODER = msgspec.json.Decoder(Meeting)


class SqliteMeetingStore:
    """Meetings in the file `path`, which other adapters may share. Usable from any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, _SCHEMA)

    def open(self, tenant: str, meeting_id: str, opened_at_ms: int) -> None:
        """Make a meeting; one that is there already stays as it is. Raises `Retryable`."""
        meeting = Meeting(tenant=tenant, meeting_id=meeting_id, opened_at_ms=opened_at_ms)
        row = (tenant, meeting_id, opened_at_ms, msgspec.json.encode(meeting))

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO meetings VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row)

        self._database.write(run)

    def get(self, tenant: str, meeting_id: str) -> Meeting | None:
        """One meeting, or None."""
        found = self._select("meeting_id = ?", tenant, meeting_id)
        return found[0] if found else None

    def change(self, tenant: str, meeting_id: str, change: Callable[[Meeting], Meeting]) -> Meeting | None:
        """Replace a meeting by what `change` makes of it, in one transaction. None when there is none. Raises `Retryable`."""

        def run(connection: sqlite3.Connection) -> Meeting | None:
            row = connection.execute(f"{_SELECT}meeting_id = ?", (tenant, meeting_id)).fetchone()
            if row is None:
                return None
            changed = change(_DECODER.decode(row[0]))
            connection.execute(
                "UPDATE meetings SET meeting = ? WHERE tenant = ? AND meeting_id = ?",
                (msgspec.json.encode(changed), tenant, meeting_id),
            )
            return changed

        return self._database.write(run)

    def page(self, tenant: str, *, limit: int, after: Cursor | None = None) -> list[Meeting]:
        """A tenant's meetings, the newest first, from right behind `after`."""
        order = "ORDER BY opened_at_ms DESC, meeting_id DESC LIMIT ?"
        if after is None:
            return self._select(f"TRUE {order}", tenant, limit)
        return self._select(
            f"(opened_at_ms, meeting_id) < (?, ?) {order}", tenant, *msgspec.structs.astuple(after), limit
        )

    def opened_before(self, tenant: str, at_ms: int, *, limit: int, after: Cursor | None = None) -> list[Meeting]:
        """A tenant's meetings that were opened before `at_ms`, the oldest first, from right behind `after`."""
        place = msgspec.structs.astuple(after or Cursor(-1, ""))
        older = "opened_at_ms < ? AND (opened_at_ms, meeting_id) > (?, ?) ORDER BY opened_at_ms, meeting_id LIMIT ?"
        return self._select(older, tenant, at_ms, *place, limit)

    def tenants(self) -> list[str]:
        """Every tenant that has meetings."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT DISTINCT tenant FROM meetings ORDER BY tenant").fetchall()
        return [tenant for (tenant,) in rows]

    def delete(self, tenant: str, meeting_id: str) -> None:
        """Forget a meeting; forgetting what is not there is no error. Raises `Retryable`."""

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM meetings WHERE tenant = ? AND meeting_id = ?", (tenant, meeting_id))

        self._database.write(run)

    def check(self) -> None:
        """Raise `Retryable` when the store can't be used."""
        self._database.check()

    def close(self) -> None:
        """Close the file. Later calls raise `Retryable`."""
        self._database.close()

    def _select(self, condition: str, *values: Any) -> list[Meeting]:
        with self._database.reading() as connection:
            rows = connection.execute(f"{_SELECT}{condition}", values).fetchall()
        return [_DECODER.decode(meeting) for (meeting,) in rows]
