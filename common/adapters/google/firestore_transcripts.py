"""The `TranscriptStore` port over Firestore: `tenants/{tenant}/meetings/{meeting}/segments/{segment}`.

One document for each segment, because a document takes about one write a second. No transactions: `create` and the precondition
`last_update_time` decide between writers, and a loser looks again. Text and words are not indexed (`common/firestore_indexes.json`).
"""

from typing import Any, Final

import msgspec
from google.api_core import exceptions
from google.cloud import firestore

from common.adapters.google.firestore_calls import FIRESTORE, TIMEOUT_S, check, once
from common.adapters.google.google_errors import translated
from common.errors import Retryable
from common.ports.transcript_store import SegmentTranscript, Stored, Word, supersedes

MAX_RACES: Final = 10
"""So often may another writer be faster: there are a few revisions of a segment, and each wins once."""
_WORDS: Final = msgspec.json.Decoder(tuple[Word, ...])
_SCALARS: Final = (
    "connection_id",
    "channel",
    "revision",
    "final",
    "start_ms",
    "end_ms",
    "epoch_offset_ms",
    "language",
    "refused",
)
_RANK: Final = ("final", "revision")
_READ: Final = ("tenant", "meeting_id", "segment_id", *_SCALARS, "words")


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
                    if not supersedes(segment, msgspec.structs.replace(segment, **stored.to_dict())):
                        return Stored.SUPERSEDED
                    unchanged = self._client.write_option(last_update_time=stored.update_time)
                    document.update(fields, option=unchanged, **self._once)
                except (exceptions.Conflict, exceptions.FailedPrecondition, exceptions.NotFound):
                    continue  # another writer was faster
                return Stored.STORED
        raise Retryable("other writers were always faster", reason="firestore_contended")

    def revision_of(self, tenant: str, meeting_id: str, segment_id: str) -> tuple[bool, int] | None:
        """`(final, revision)` of what is stored, or None."""
        document = self._document(tenant, meeting_id, segment_id)
        with translated(FIRESTORE):
            found = document.get(field_paths=_RANK, **self._once).to_dict()
        return (found["final"], found["revision"]) if found else None

    def segments(self, tenant: str, meeting_id: str) -> list[SegmentTranscript]:
        """The newest revision of every segment of a meeting, in order of time (epoch), then segment id."""
        query = self._segments(tenant, meeting_id).select(_READ)
        with translated(FIRESTORE):
            found = [_segment(each.to_dict()) for each in query.get(**self._once)]
        return sorted(found, key=lambda each: (each.start_ms + each.epoch_offset_ms, each.segment_id))

    def delete_segment(self, tenant: str, meeting_id: str, segment_id: str) -> None:
        """Remove a segment; removing what is not there is no error."""
        with translated(FIRESTORE):
            self._document(tenant, meeting_id, segment_id).delete(**self._once)

    def check(self) -> None:
        """Raise `Retryable` when Firestore does not answer."""
        check(self._client, self._timeout_s)

    def _segments(self, tenant: str, meeting_id: str) -> Any:
        return self._client.collection("tenants", tenant, "meetings", meeting_id, "segments")

    def _document(self, tenant: str, meeting_id: str, segment_id: str) -> Any:
        return self._segments(tenant, meeting_id).document(segment_id)


def _fields(segment: SegmentTranscript) -> dict[str, object]:
    """The document. The words are one string of JSON: thousands of maps are slow to read and dear to index."""
    scalars = {name: getattr(segment, name) for name in _SCALARS}
    return {
        "tenant": segment.tenant,
        "meeting_id": segment.meeting_id,
        "segment_id": segment.segment_id,
        **scalars,
        "text": " ".join(word.text for word in segment.words),
        "words": msgspec.json.encode(segment.words).decode(),
    }


def _segment(document: dict[str, Any]) -> SegmentTranscript:
    fields = {name: document[name] for name in _READ}
    return SegmentTranscript(**fields | {"words": _WORDS.decode(fields["words"])})
