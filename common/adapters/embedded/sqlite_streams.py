"""The `StreamRegistry` port over SQLite."""

import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import msgspec

from common.adapters.embedded.sqlite_database import SqliteDatabase
from common.errors import Retryable
from common.events import StreamOptions
from common.ports.stream_registry import StreamRecord, StreamSummary, accounted, described

_SCHEMA = """
CREATE TABLE IF NOT EXISTS streams (
    stream       TEXT PRIMARY KEY, -- {tenant}/{connection_id}
    tenant       TEXT NOT NULL,
    meeting_id   TEXT NOT NULL,
    opened_at_ms INTEGER NOT NULL,
    record       BLOB NOT NULL,    -- StreamRecord as JSON, without its summary
    summary      BLOB,             -- StreamSummary as JSON; NULL while the stream is open
    due_ms       INTEGER           -- NULL while the stream is open, and once it is settled
);
CREATE INDEX IF NOT EXISTS streams_of_meeting ON streams (tenant, meeting_id, opened_at_ms);
CREATE INDEX IF NOT EXISTS streams_open ON streams (stream) WHERE summary IS NULL;
CREATE INDEX IF NOT EXISTS streams_due ON streams (due_ms) WHERE due_ms IS NOT NULL;
CREATE TABLE IF NOT EXISTS erased_streams (
    stream TEXT PRIMARY KEY, -- {tenant}/{connection_id}
    record BLOB NOT NULL     -- StreamRecord as JSON
);
"""

_RECORD = msgspec.json.Decoder(StreamRecord)
_SUMMARY = msgspec.json.Decoder(StreamSummary)


class SqliteStreamRegistry:
    """Streams in the file `path`, which other adapters may share. Usable from any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, _SCHEMA)

    def open(self, record: StreamRecord) -> None:
        """Register a stream; one that is registered already, or was erased, stays as it is. Raises `Retryable`."""
        key = _key(record.tenant, record.connection_id)

        def run(connection: sqlite3.Connection) -> None:
            if _find(connection, key) is None:
                _write(connection, record, None if record.summary is None else record.summary.closed_at_ms)

        self._database.write(run)

    def describe(self, tenant: str, connection_id: str, options: StreamOptions) -> None:
        """Say what the first chunk says. A stream that is not registered (yet) is `Retryable`."""
        if self.change(tenant, connection_id, lambda record: described(record, options)) is None:
            raise Retryable("the stream to describe is not registered", reason="stream_unknown")

    def close(self, tenant: str, connection_id: str, summary: StreamSummary) -> None:
        """Store the account; a later one replaces it. An account of a stream that is not registered (yet) is `Retryable`."""

        def run(connection: sqlite3.Connection) -> bool:
            record = _find(connection, _key(tenant, connection_id))
            if record is not None and (closed := accounted(record, summary)) is not None:
                _write(connection, closed, summary.closed_at_ms)
            return record is not None

        if not self._database.write(run):
            raise Retryable("the stream to close is not registered", reason="stream_unknown")

    def change(
        self, tenant: str, connection_id: str, change: Callable[[StreamRecord], StreamRecord]
    ) -> StreamRecord | None:
        """Replace a record by what `change` makes of it, in one transaction. None when there is none. Raises `Retryable`."""
        key = _key(tenant, connection_id)

        def run(connection: sqlite3.Connection) -> StreamRecord | None:
            record = _find(connection, key)
            if record is None:
                return None
            changed = change(record)
            if changed.summary == record.summary:
                (due_ms,) = connection.execute("SELECT due_ms FROM streams WHERE stream = ?", (key,)).fetchone() or (
                    None,
                )
            else:
                due_ms = changed.summary.closed_at_ms if changed.summary else None
            _write(connection, changed, None if changed.without_audio else due_ms)
            return changed

        return self._database.write(run)

    def forget(self, tenant: str, connection_id: str) -> None:
        """Remove an erased stream's record. Raises `Retryable`."""

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM erased_streams WHERE stream = ?", (_key(tenant, connection_id),))

        self._database.write(run)

    def get(self, tenant: str, connection_id: str) -> StreamRecord | None:
        """One stream, or None."""
        with self._database.reading() as connection:
            return _find(connection, _key(tenant, connection_id))

    def of_meeting(self, tenant: str, meeting_id: str) -> list[StreamRecord]:
        """All streams of a meeting, in the order in which they were opened."""
        return self._select("WHERE tenant = ? AND meeting_id = ? ORDER BY opened_at_ms, stream", tenant, meeting_id)

    def of_meetings(self, tenant: str, meeting_ids: Collection[str]) -> list[StreamRecord]:
        """All streams of some meetings, in no order."""
        wanted = msgspec.json.encode(list(meeting_ids)).decode()
        return self._select("WHERE tenant = ? AND meeting_id IN (SELECT value FROM json_each(?))", tenant, wanted)

    def open_streams(self, *, limit: int, start_after: str = "") -> list[StreamRecord]:
        """Streams without an account, of all tenants, by `{tenant}/{connection_id}` from after `start_after`."""
        return self._select("WHERE summary IS NULL AND stream > ? ORDER BY stream LIMIT ?", start_after, limit)

    def unsettled(self, *, due_ms: int, limit: int) -> list[StreamRecord]:
        """Closed streams that are not settled and due, the one due longest first."""
        return self._select("WHERE due_ms <= ? ORDER BY due_ms, stream LIMIT ?", due_ms, limit)

    def look_again(self, record: StreamRecord, at_ms: int | None) -> None:
        """Make the stream due at `at_ms`, or settled; nothing where it has another account than `record`. Raises `Retryable`."""
        row = (at_ms, _key(record.tenant, record.connection_id), msgspec.json.encode(record.summary))

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE streams SET due_ms = ? WHERE stream = ? AND summary = ?", row)

        self._database.write(run)

    def check(self) -> None:
        """Raise `Retryable` when the registry can't be used."""
        self._database.check()

    def close_file(self) -> None:
        """Close the file. Later calls raise `Retryable`."""
        self._database.close()

    def _select(self, clauses: str, *values: object) -> list[StreamRecord]:
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT record, summary FROM streams {clauses}", values).fetchall()  # noqa: S608 -- constants above
        return [_stream(*row) for row in rows]


def _key(tenant: str, connection_id: str) -> str:
    return f"{tenant}/{connection_id}"


def _find(connection: sqlite3.Connection, key: str) -> StreamRecord | None:
    """One stream, erased or not."""
    known = "SELECT record, summary FROM streams WHERE stream = ? UNION ALL SELECT record, NULL FROM erased_streams WHERE stream = ?"
    row = connection.execute(known, (key, key)).fetchone()
    return _stream(*row) if row else None


def _write(connection: sqlite3.Connection, record: StreamRecord, due_ms: int | None) -> None:
    """Put a record into the one table that it belongs to."""
    key = _key(record.tenant, record.connection_id)
    content = msgspec.json.encode(msgspec.structs.replace(record, summary=None))
    if record.erased_at_ms is not None:
        connection.execute("DELETE FROM streams WHERE stream = ?", (key,))
        connection.execute("INSERT OR REPLACE INTO erased_streams VALUES (?, ?)", (key, content))
        return
    summary = None if record.summary is None else msgspec.json.encode(record.summary)
    row = (key, record.tenant, record.meeting_id, record.opened_at_ms, content, summary, due_ms)
    connection.execute("INSERT OR REPLACE INTO streams VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def _stream(record: bytes, summary: Any) -> StreamRecord:
    stream = _RECORD.decode(record)
    return stream if summary is None else msgspec.structs.replace(stream, summary=_SUMMARY.decode(summary))
