"""The `TranscriptStore` port over Firestore: `tenants/{tenant}/meetings/{meeting}/segments/{segment}`.

One document for each segment, because a document takes about one write a second. No transactions: `create` and the precondition
`last_update_time` decide between writers, and a loser looks again. The segment itself is not indexed (`common/firestore_indexes.json`).

Changes are ordered by the time of their commit (`update_time`), which Firestore keeps in step with what can be seen: a query that
was answered as of T has seen every commit up to T, and none that comes later gets a time below T. But no query can ask for it. So
each change carries the time at which its request was processed (`changed_at`), which trails no further behind its commit than a
request may take; queries ask from as much earlier on, and leave out what was committed before. A deleted segment stays as a
document that says nothing but its id, until the meeting is deleted.
"""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from common.adapters.google.firestore_calls import FIRESTORE, TIMEOUT_S, check, once
from common.adapters.google.firestore_search import FOUND_NO_MORE, search, search_fields
from common.adapters.google.google_errors import translated
from common.errors import Retryable
from common.ports.transcript_store import (
    POSITION_DIGITS,
    Change,
    Changes,
    SearchPage,
    SearchPlace,
    SegmentTranscript,
    Stored,
    rank_of,
)
from common.search_words import SearchQuery

MAX_RACES: Final = 10
"""So often may another writer be faster: there are a few revisions of a segment, and each wins once."""
_SEGMENT: Final = msgspec.json.Decoder(SegmentTranscript)
DELETED_AT_ONCE: Final = 300
"""Documents in one commit; Firestore takes 500."""
_RANK: Final = ("rank",)
_READ: Final = ("segment",)
_DELETED_RANK: Final = -1
"""Every segment's rank is higher."""
REQUEST_S: Final = 20.0
"""Longer than any request is under way that can still commit: they have a deadline of TIMEOUT_S, and the server knows it."""


class FirestoreTranscriptStore:
    """Transcripts of all tenants. Safe to use from many threads."""

    def __init__(self, client: firestore.Client, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._once = once(timeout_s)

    def put(self, segment: SegmentTranscript) -> Stored:
        """Store a revision unless one that is at least as new is there. Raises the three errors."""
        document = self._document(segment.tenant, segment.meeting_id, segment.segment_id)
        fields = _fields(segment)
        with translated(FIRESTORE):
            for _ in range(MAX_RACES):
                stored = document.get(field_paths=_RANK, **self._once)
                try:
                    if not stored.exists:
                        document.create(fields, **self._once)
                        return Stored.STORED
                    if fields["rank"] <= stored.get("rank"):
                        return Stored.SUPERSEDED
                    unchanged = self._client.write_option(last_update_time=stored.update_time)
                    document.update(fields, option=unchanged, **self._once)
                except (exceptions.Conflict, exceptions.FailedPrecondition, exceptions.NotFound):
                    continue  # another writer was faster
                return Stored.STORED
        raise Retryable("other writers were always faster", reason="firestore_contended")

    def stored_rank(self, tenant: str, meeting_id: str, segment_id: str) -> int | None:
        """The rank of what is stored, or None."""
        document = self._document(tenant, meeting_id, segment_id)
        with translated(FIRESTORE):
            found = document.get(field_paths=_RANK, **self._once).to_dict()
        return found["rank"] if found and found["rank"] != _DELETED_RANK else None

    def get(self, tenant: str, meeting_id: str, segment_id: str) -> SegmentTranscript | None:
        """What is stored of one segment, or None."""
        document = self._document(tenant, meeting_id, segment_id)
        with translated(FIRESTORE):
            found = document.get(field_paths=_READ, **self._once).to_dict()
        return _segment(found) if found else None

    def segments(self, tenant: str, meeting_id: str) -> list[SegmentTranscript]:
        """The newest revision of every segment of a meeting, in order of time (epoch), then segment id."""
        query = self._segments(tenant, meeting_id).select(_READ)
        with translated(FIRESTORE):
            found = [_segment(fields) for each in query.get(**self._once) if (fields := each.to_dict())]
        return sorted(found, key=lambda each: (each.start_ms + each.epoch_offset_ms, each.segment_id))

    def changes(self, tenant: str, meeting_id: str, *, after: str) -> Changes:
        """Everything that was stored or deleted after `after`."""
        query = self._segments(tenant, meeting_id).select(_READ)
        if after:  # documents of earlier versions have no `changed_at`: they come from the beginning only
            since = datetime.fromtimestamp(int(after) / 1e6 - REQUEST_S, UTC)
            query = query.where(filter=FieldFilter("changed_at", ">=", since))
        with translated(FIRESTORE):
            found = query.get(**self._once)
        changes = [
            Change(position, each.id, _segment(fields) if (fields := each.to_dict()) else None)
            for each in found
            if (position := _position(each.update_time)) > after
        ]
        changes.sort(key=lambda each: each.position)
        # As of when it was read, the documents say; where there are none, nobody does.
        as_of = _position(min(each.read_time for each in found)) if found else after
        return Changes(tuple(changes), max(after, as_of))

    def search(self, tenant: str, query: SearchQuery, *, limit: int, after: SearchPlace | None = None) -> SearchPage:
        """Final segments of a tenant that have all of `query`; what was said last comes first."""
        with translated(FIRESTORE):
            return search(self._client, self._once, tenant, query, limit=limit, after=after)

    def delete_segment(self, tenant: str, meeting_id: str, segment_id: str) -> None:
        """Remove a segment; removing what is not there is no error."""
        nothing = {
            "rank": _DELETED_RANK,
            "segment": firestore.DELETE_FIELD,
            "changed_at": firestore.SERVER_TIMESTAMP,
            **FOUND_NO_MORE,
        }
        with translated(FIRESTORE), suppress(exceptions.NotFound):
            self._document(tenant, meeting_id, segment_id).update(nothing, **self._once)

    def delete_meeting(self, tenant: str, meeting_id: str) -> None:
        """Remove all segments of a meeting; removing what is not there is no error."""
        some = self._segments(tenant, meeting_id).select(()).limit(DELETED_AT_ONCE)
        with translated(FIRESTORE):
            while found := some.get(**self._once):
                batch = self._client.batch()
                for each in found:
                    batch.delete(each.reference)
                batch.commit(**self._once)

    def check(self) -> None:
        """Raise `Retryable` when Firestore does not answer."""
        check(self._client, self._timeout_s)

    def _segments(self, tenant: str, meeting_id: str) -> Any:
        return self._client.collection("tenants", tenant, "meetings", meeting_id, "segments")

    def _document(self, tenant: str, meeting_id: str, segment_id: str) -> Any:
        return self._segments(tenant, meeting_id).document(segment_id)


def _fields(segment: SegmentTranscript) -> dict[str, Any]:
    """The document: the segment as one string of JSON, since thousands of maps are slow to read and dear to index; and what is
    asked for without it."""
    return {
        "rank": rank_of(segment),
        "segment": msgspec.json.encode(segment).decode(),
        "changed_at": firestore.SERVER_TIMESTAMP,
        **search_fields(segment),
    }


def _segment(document: dict[str, Any]) -> SegmentTranscript:
    return _SEGMENT.decode(document["segment"])


def _position(at: Any) -> str:
    """Microseconds since the epoch: as fine as Firestore's times are."""
    return f"{round(at.timestamp() * 1e6):0{POSITION_DIGITS}d}"
