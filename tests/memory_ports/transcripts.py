"""The transcripts."""

import msgspec

from common.ports.transcript_store import (
    POSITION_DIGITS,
    Change,
    Changes,
    SearchPage,
    SearchPlace,
    SegmentTranscript,
    Stored,
    TranscriptStore,
    place_of_segment,
    rank_of,
    searchable_words,
    supersedes,
)
from common.search_words import SearchQuery
from tests.memory_ports.faults import Faults


class FakeTranscripts(TranscriptStore):
    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, str], SegmentTranscript] = {}
        self.positions: dict[tuple[str, str, str], int] = {}
        self.faults = Faults()
        self._position = 0

    def put(self, segment: SegmentTranscript) -> Stored:
        self.faults.strike_before()
        key = (segment.tenant, segment.meeting_id, segment.segment_id)
        if key in self.stored and not supersedes(segment, self.stored[key]):
            return Stored.SUPERSEDED
        self.stored[key] = segment
        self._changed(key)
        self.faults.strike_after()
        return Stored.STORED

    def stored_rank(self, tenant: str, meeting_id: str, segment_id: str) -> int | None:
        found = self.get(tenant, meeting_id, segment_id)
        return rank_of(found) if found else None

    def get(self, tenant: str, meeting_id: str, segment_id: str) -> SegmentTranscript | None:
        return self.stored.get((tenant, meeting_id, segment_id))

    def segments(self, tenant: str, meeting_id: str) -> list[SegmentTranscript]:
        own = [each for (t, m, _), each in self.stored.items() if (t, m) == (tenant, meeting_id)]
        return sorted(own, key=lambda each: (each.epoch_offset_ms + each.start_ms, each.segment_id))

    def changes(self, tenant: str, meeting_id: str, *, after: str) -> Changes:
        self.faults.strike_before()
        own = sorted((at, key) for key, at in self.positions.items() if key[:2] == (tenant, meeting_id))
        changes = tuple(
            Change(f"{at:0{POSITION_DIGITS}d}", key[2], self.stored.get(key)) for at, key in own if at > int(after or 0)
        )
        return Changes(changes, changes[-1].position if changes else after)

    def _changed(self, key: tuple[str, str, str]) -> None:
        self._position += 1
        self.positions[key] = self._position

    def search(self, tenant: str, query: SearchQuery, *, limit: int, after: SearchPlace | None = None) -> SearchPage:
        self.faults.strike_before()
        found = [
            each for each in self.stored.values() if each.tenant == tenant and query.found_in(searchable_words(each))
        ]
        found.sort(key=_search_order, reverse=True)
        left = [each for each in found if after is None or _search_order(each) < msgspec.structs.astuple(after)]
        return SearchPage(tuple(left[:limit]), place_of_segment(left[limit - 1]) if len(left) > limit else None)

    def delete_segment(self, tenant: str, meeting_id: str, segment_id: str) -> None:
        key = (tenant, meeting_id, segment_id)
        if self.stored.pop(key, None) is not None:
            self._changed(key)

    def delete_meeting(self, tenant: str, meeting_id: str) -> None:
        for kept in (self.stored, self.positions):
            for key in [key for key in kept if key[:2] == (tenant, meeting_id)]:
                del kept[key]

    def check(self) -> None:
        self.faults.strike_before()


def _search_order(segment: SegmentTranscript) -> tuple[object, ...]:
    return msgspec.structs.astuple(place_of_segment(segment))
