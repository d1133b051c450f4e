"""The `StreamRegistry` port over SQLite."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from common.adapters.embedded.sqlite_database import SqliteDatabase
from common.errors import Retryable
from common.ports.stream_registry import StreamRecord, StreamSummary

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
"""

_RECORD = msgspec.json.Decoder(StreamRecord)
_SUMMARY = msgspec.json.Decoder(StreamSummary)


class SqliteStreamRegistry:
    """Streams in the file `path`, which other adapters may share. Usable from any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, _SCHEMA)

    def open(self, record: StreamRecord) -> None:
        """Register a stream; one that is registered already stays as it is. Raises `Retryable`."""
        row = (
            _key(record.tenant, record.connection_id),
            record.tenant,
            record.meeting_id,
            record.opened_at_ms,
            msgspec.json.encode(msgspec.structs.replace(record, summary=None)),
            None if record.summary is None else msgspec.json.encode(record.summary),
            None if record.summary is None else record.summary.closed_at_ms,
        )

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO streams VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row)

        self._database.write(run)

    def close(self, tenant: str, connection_id: str, summary: StreamSummary) -> None:
        """Store the account; a later one replaces it. An account of a stream that is not registered (yet) is `Retryable`."""
        row = (msgspec.json.encode(summary), summary.closed_at_ms, _key(tenant, connection_id))

        def run(connection: sqlite3.Connection) -> int:
            return connection.execute("UPDATE streams SET summary = ?, due_ms = ? WHERE stream = ?", row).rowcount

        if not self._database.write(run):
            raise Retryable("the stream to close is not registered", reason="stream_unknown")

    def get(self, tenant: str, connection_id: str) -> StreamRecord | None:
        """One stream, or None."""
        found = self._select("WHERE stream = ?", _key(tenant, connection_id))
        return found[0] if found else None

    def of_meeting(self, tenant: str, meeting_id: str) -> list[StreamRecord]:
        """All streams of a meeting, in the order in which they were opened."""
        return self._select("WHERE tenant = ? AND meeting_id = ? ORDER BY opened_at_ms, stream", tenant, meeting_id)

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


def _stream(record: bytes, summary: Any) -> StreamRecord:
    stream = _RECORD.decode(record)
    return stream if summary is None else msgspec.structs.replace(stream, summary=_SUMMARY.decode(summary))
