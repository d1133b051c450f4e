"""Full-text search over the segments of `SqliteTranscriptStore`, in its file and in its transactions: SQLite's FTS5.

What is a word is decided in `common.search_words`, not here: FTS5 gets words that are made so already, with every character that its
tokenizer could take for something else spelled out.
"""

import sqlite3
from typing import Final

from common.ports.transcript_store import SearchPlace, SegmentTranscript, place_of_segment, searchable_words
from common.search_words import Part, SearchQuery

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS searchable_segments (
    id             INTEGER PRIMARY KEY, -- rowid in segment_words
    tenant         TEXT NOT NULL,
    meeting_id     TEXT NOT NULL,
    segment_id     TEXT NOT NULL,
    start_epoch_ms INTEGER NOT NULL,
    UNIQUE (tenant, meeting_id, segment_id)
);
CREATE VIRTUAL TABLE IF NOT EXISTS segment_words USING fts5 (owner, words, tokenize = "ascii tokenchars '_'");
"""
NEVER_INDEXED: Final = "SELECT segment FROM segment_transcripts WHERE NOT EXISTS (SELECT 1 FROM searchable_segments)"
_FORGET: Final = "DELETE FROM searchable_segments WHERE tenant = ? AND meeting_id = ? AND segment_id = ? RETURNING id"
_FORGET_MEETING: Final = "DELETE FROM searchable_segments WHERE tenant = ? AND meeting_id = ? RETURNING id"
_FORGET_WORDS: Final = "DELETE FROM segment_words WHERE rowid = ?"
_KEEP: Final = (
    "INSERT INTO searchable_segments (tenant, meeting_id, segment_id, start_epoch_ms) VALUES (?, ?, ?, ?) RETURNING id"
)
_KEEP_WORDS: Final = "INSERT INTO segment_words (rowid, owner, words) VALUES (?, ?, ?)"
_FIND: Final = """
SELECT segment FROM segment_words
JOIN searchable_segments AS place ON place.id = segment_words.rowid
JOIN segment_transcripts USING (tenant, meeting_id, segment_id)
WHERE segment_words MATCH ? AND place.tenant = ? {behind}
ORDER BY place.start_epoch_ms DESC, place.meeting_id DESC, place.segment_id DESC LIMIT ?
"""
_BEHIND: Final = "AND (place.start_epoch_ms, place.meeting_id, place.segment_id) < (?, ?, ?)"


def index(connection: sqlite3.Connection, segment: SegmentTranscript) -> None:
    """Have `segment`, which is the stored version now, found by its words, and by no others."""
    forget(connection, segment.tenant, segment.meeting_id, segment.segment_id)
    words = searchable_words(segment)
    if not words:
        return
    row = (segment.tenant, segment.meeting_id, segment.segment_id, place_of_segment(segment).start_epoch_ms)
    ((rowid,),) = connection.execute(_KEEP, row).fetchall()
    connection.execute(_KEEP_WORDS, (rowid, _owner(segment.tenant), " ".join(map(_spelled, words))))


def forget(connection: sqlite3.Connection, tenant: str, meeting_id: str, segment_id: str) -> None:
    """Have a segment found no more."""
    connection.executemany(_FORGET_WORDS, connection.execute(_FORGET, (tenant, meeting_id, segment_id)).fetchall())


def forget_meeting(connection: sqlite3.Connection, tenant: str, meeting_id: str) -> None:
    """Have none of a meeting's segments found any more."""
    connection.executemany(_FORGET_WORDS, connection.execute(_FORGET_MEETING, (tenant, meeting_id)).fetchall())


def find(
    connection: sqlite3.Connection, tenant: str, query: SearchQuery, *, limit: int, after: SearchPlace | None
) -> list[bytes]:
    """Stored segments that have all of `query`, as they are stored, in the order of `SearchPlace`."""
    wanted = " AND ".join(map(_phrase, query.parts))
    match = f'owner : "{_owner(tenant)}" AND words : ({wanted})'
    behind = () if after is None else (after.start_epoch_ms, after.meeting_id, after.segment_id)
    rows = connection.execute(_FIND.format(behind=_BEHIND if behind else ""), (match, tenant, *behind, limit))
    return [segment for (segment,) in rows.fetchall()]


def _owner(tenant: str) -> str:
    """A tenant's name as one word: so what others have costs a search nothing."""
    return tenant.encode().hex()


def _phrase(part: Part) -> str:
    return f'"{" ".join(map(_spelled, part.words))}"{" *" if part.open_end else ""}'


def _spelled(word: str) -> str:
    """`word` in a-z, 0-9 and `_`. What a word begins with, its spelling begins with."""
    if word.isascii():
        return word
    return "".join(letter if letter.isascii() else f"_{ord(letter):x}_" for letter in word)
