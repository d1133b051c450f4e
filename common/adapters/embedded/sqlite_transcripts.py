"""The `TranscriptStore` port over SQLite."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from common.adapters.embedded import sqlite_search
from common.adapters.embedded.sqlite_database import SqliteDatabase
from common.ports.transcript_store import (
    POSITION_DIGITS,
    Change,
    Changes,
    SearchPage,
    SearchPlace,
    SegmentTranscript,
    Stored,
    place_of_segment,
    rank_of,
)
from common.search_words import SearchQuery

_SCHEMA = """
CREATE TABLE IF NOT EXISTS segment_transcripts (
    tenant         TEXT NOT NULL,
    meeting_id     TEXT NOT NULL,
    segment_id     TEXT NOT NULL,
    rank           INTEGER NOT NULL,
    start_epoch_ms INTEGER NOT NULL,
    segment        BLOB NOT NULL, -- SegmentTranscript as MessagePack
    PRIMARY KEY (tenant, meeting_id, segment_id)
);
CREATE TABLE IF NOT EXISTS segment_changes ( -- a segment's latest change, be it that it was deleted
    position   INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: what has one was committed after what has a lower one
    tenant     TEXT NOT NULL,
    meeting_id TEXT NOT NULL,
    segment_id TEXT NOT NULL,
    UNIQUE (tenant, meeting_id, segment_id)
);
CREATE INDEX IF NOT EXISTS changes_of_meeting ON segment_changes (tenant, meeting_id, position);
INSERT INTO segment_changes (tenant, meeting_id, segment_id) -- of a file that is older than this table
SELECT tenant, meeting_id, segment_id FROM segment_transcripts WHERE NOT EXISTS (SELECT 1 FROM segment_changes);
"""

# The condition is `supersedes` of the port, inside the statement that writes.
_PUT = """
INSERT INTO segment_transcripts VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, meeting_id, segment_id) DO UPDATE SET
    rank = excluded.rank, start_epoch_ms = excluded.start_epoch_ms, segment = excluded.segment
WHERE excluded.rank > segment_transcripts.rank
"""

_CHANGED = "INSERT OR REPLACE INTO segment_changes (tenant, meeting_id, segment_id) VALUES (?, ?, ?)"
_CHANGES = """
SELECT position, segment_id, segment
FROM segment_changes LEFT JOIN segment_transcripts USING (tenant, meeting_id, segment_id)
WHERE tenant = ? AND meeting_id = ? AND position > ? ORDER BY position
"""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(SegmentTranscript)


class SqliteTranscriptStore:
    """Transcripts in the file `path`, which other adapters may share. Usable from any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, _SCHEMA + sqlite_search.SCHEMA)
        self._index_older_segments()

    def put(self, segment: SegmentTranscript) -> Stored:
        """Store a revision unless one that is at least as new is there. Atomic. Raises `Retryable`."""
        row = (
            segment.tenant,
            segment.meeting_id,
            segment.segment_id,
            rank_of(segment),
            segment.start_ms + segment.epoch_offset_ms,
            _ENCODER.encode(segment),
        )

        def run(connection: sqlite3.Connection) -> int:
            stored = connection.execute(_PUT, row).rowcount
            if stored:
                connection.execute(_CHANGED, row[:3])
                sqlite_search.index(connection, segment)
            return stored

        return Stored.STORED if self._database.write(run) else Stored.SUPERSEDED

    def stored_rank(self, tenant: str, meeting_id: str, segment_id: str) -> int | None:
        """The rank of what is stored, or None."""
        row = self._row("rank", tenant, meeting_id, segment_id)
        return row[0] if row else None

    def get(self, tenant: str, meeting_id: str, segment_id: str) -> SegmentTranscript | None:
        """What is stored of one segment, or None."""
        row = self._row("segment", tenant, meeting_id, segment_id)
        return _DECODER.decode(row[0]) if row else None

    def segments(self, tenant: str, meeting_id: str) -> list[SegmentTranscript]:
        """The newest revision of every segment of a meeting, in order of time (epoch), then segment id."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT segment FROM segment_transcripts WHERE tenant = ? AND meeting_id = ? ORDER BY start_epoch_ms, segment_id",
                (tenant, meeting_id),
            ).fetchall()
        return [_DECODER.decode(segment) for (segment,) in rows]

    def changes(self, tenant: str, meeting_id: str, *, after: str) -> Changes:
        """Everything that was stored or deleted after `after`. Writers take turns, so nothing appears below a position that was read."""
        with self._database.reading() as connection:
            rows = connection.execute(_CHANGES, (tenant, meeting_id, int(after or 0))).fetchall()
        changes = tuple(
            Change(_position(position), segment_id, _DECODER.decode(segment) if segment is not None else None)
            for position, segment_id, segment in rows
        )
        return Changes(changes, changes[-1].position if changes else after)

    def search(self, tenant: str, query: SearchQuery, *, limit: int, after: SearchPlace | None = None) -> SearchPage:
        """Final segments of a tenant that have all of `query`; what was said last comes first."""
        with self._database.reading() as connection:
            rows = sqlite_search.find(connection, tenant, query, limit=limit + 1, after=after)
        found = tuple(_DECODER.decode(segment) for segment in rows[:limit])
        return SearchPage(found, place_of_segment(found[-1]) if len(rows) > limit else None)

    def delete_segment(self, tenant: str, meeting_id: str, segment_id: str) -> None:
        """Remove a segment; removing what is not there is no error."""

        def run(connection: sqlite3.Connection) -> None:
            key = (tenant, meeting_id, segment_id)
            deleted = connection.execute(
                "DELETE FROM segment_transcripts WHERE tenant = ? AND meeting_id = ? AND segment_id = ?", key
            ).rowcount
            if deleted:
                connection.execute(_CHANGED, key)
                sqlite_search.forget(connection, *key)

        self._database.write(run)

    def delete_meeting(self, tenant: str, meeting_id: str) -> None:
        """Remove all segments of a meeting; removing what is not there is no error."""

        def run(connection: sqlite3.Connection) -> None:
            for table in ("segment_transcripts", "segment_changes"):
                connection.execute(
                    f"DELETE FROM {table} WHERE tenant = ? AND meeting_id = ?",  # noqa: S608 -- constants above
                    (tenant, meeting_id),
                )
            sqlite_search.forget_meeting(connection, tenant, meeting_id)

        self._database.write(run)

    def check(self) -> None:
        """Raise `Retryable` when the store can't be used."""
        self._database.check()

    def close(self) -> None:
        """Close the file. Later calls raise `Retryable`."""
        self._database.close()

    def _index_older_segments(self) -> None:
        """Index what was stored before there was an index."""

        def run(connection: sqlite3.Connection) -> None:
            for (segment,) in connection.execute(sqlite_search.NEVER_INDEXED).fetchall():
                sqlite_search.index(connection, _DECODER.decode(segment))

        self._database.write(run)

    def _row(self, column: str, *key: str) -> Any:
        with self._database.reading() as connection:
            return connection.execute(
                f"SELECT {column} FROM segment_transcripts WHERE tenant = ? AND meeting_id = ? AND segment_id = ?",  # noqa: S608 -- constants above
                key,
            ).fetchone()


def _position(number: int) -> str:
    return f"{number:0{POSITION_DIGITS}d}"
