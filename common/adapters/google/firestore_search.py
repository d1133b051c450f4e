"""Full-text search over the segments of `FirestoreTranscriptStore`, which Firestore has none of.

A final segment's document has a list of terms, each with the tenant's name before it; a query asks all segments of the database for
the one term that is likely to be rarest, the last said first, and looks at what comes whether it has the rest. That takes one index
over `terms` and `start_epoch_ms` (`common/firestore_indexes.json`), and nothing of another tenant's is ever read.
"""

from typing import Any, Final

import msgspec
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from common.ports.transcript_store import (
    SearchPage,
    SearchPlace,
    SegmentTranscript,
    place_of_segment,
    searchable_words,
)
from common.search_words import SearchQuery, index_terms

MOST_READ: Final = 500
"""Documents that one call looks at; then it says where to go on."""
_READ: Final = ("segment",)
_SEGMENT: Final = msgspec.json.Decoder(SegmentTranscript)


def search_fields(segment: SegmentTranscript) -> dict[str, Any]:
    """The fields of its document by which `segment` is found: terms only once it is final."""
    terms = sorted(_term(segment.tenant, term) for term in index_terms(searchable_words(segment)))
    return {"terms": terms, "start_epoch_ms": place_of_segment(segment).start_epoch_ms}


FOUND_NO_MORE: Final = {"terms": firestore.DELETE_FIELD, "start_epoch_ms": firestore.DELETE_FIELD}
"""What takes a document out of every search."""


def search(
    client: firestore.Client,
    once: dict[str, Any],
    tenant: str,
    query: SearchQuery,
    *,
    limit: int,
    after: SearchPlace | None,
) -> SearchPage:
    """See `TranscriptStore.search`. `once` are the arguments of each call."""
    rarest = FieldFilter("terms", "array_contains", _term(tenant, query.rarest_term))
    down = firestore.Query.DESCENDING
    candidates: Any = client.collection_group("segments").where(filter=rarest)
    candidates = candidates.order_by("start_epoch_ms", direction=down).order_by("__name__", direction=down)
    page = min(limit + 1 if _is_one_term(query) else MOST_READ, MOST_READ)
    found: list[SegmentTranscript] = []
    looked_at = 0
    while True:
        place = None if after is None else _cursor(client, tenant, after)
        some = (candidates if place is None else candidates.start_after(place)).select(_READ).limit(page).get(**once)
        for document in some:
            segment = _SEGMENT.decode(document.to_dict()["segment"])
            if segment.tenant == tenant and query.found_in(searchable_words(segment)):
                if len(found) == limit:
                    return SearchPage(tuple(found), place_of_segment(found[-1]))
                found.append(segment)
            after = place_of_segment(segment)
        looked_at += len(some)
        if len(some) < page:
            return SearchPage(tuple(found), None)
        if looked_at >= MOST_READ:
            return SearchPage(tuple(found), after)


def _is_one_term(query: SearchQuery) -> bool:
    """Whether everything that has the rarest term has all of the query."""
    return len(query.parts) == 1 and query.parts[0].words == (query.rarest_term,)


def _cursor(client: firestore.Client, tenant: str, place: SearchPlace) -> dict[str, Any]:
    name = client.document("tenants", tenant, "meetings", place.meeting_id, "segments", place.segment_id)
    return {"start_epoch_ms": place.start_epoch_ms, "__name__": name}


def _term(tenant: str, term: str) -> str:
    return f"{tenant}/{term}"  # no tenant has a slash, and no term
