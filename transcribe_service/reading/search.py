"""Finding what was said in a tenant's meetings: as readers see it, of the shown transcription alone, and only what is final."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from common.ports.meeting_store import Meeting
from common.ports.stream_registry import StreamRecord
from common.ports.transcript_store import SearchPlace, SegmentTranscript
from common.search_words import SearchQuery, words_in
from transcribe_service.reading.cursors import cursor_of
from transcribe_service.reading.stored_meeting import StoredMeetings, unrecorded
from transcribe_service.reading.transcript import transcript
from transcribe_service.reading.utterances import Utterance, utterances

MAX_ROUNDS: Final = 5
"""So often does one request ask the store; where all that it finds is not shown, the page stays short."""
_ID: Final = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}"


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """A segment that has what was looked for: the utterance of it that has it, or begins to."""

    meeting_id: str
    title: str
    """What people call the meeting; may be empty."""
    segment_id: str
    start_ms: int
    """Milliseconds since the meeting began."""
    start_at: str
    """Wall clock of the beginning, ISO 8601 in UTC."""
    speaker: str | None
    """As the meeting's `speaker_names` have it. None: nobody is known to have spoken."""
    text: str


class SearchResults(msgspec.Struct, frozen=True, kw_only=True):
    """Some of what was found, the last said first."""

    hits: tuple[SearchHit, ...]
    """May be fewer than `limit`, or none, though more come behind."""
    next: str | None
    """The `cursor` of the page behind this one; None: there is none."""


class SearchCursor(msgspec.Struct, frozen=True, array_like=True):
    """A `SearchPlace` as it comes back from a reader, with the rules that it must keep."""

    start_epoch_ms: Annotated[int, Meta(ge=-(2**62), le=2**62)]
    meeting_id: Annotated[str, Meta(pattern=f"^(?!__.*__$){_ID}(~[A-Za-z0-9._~-]{{1,128}})?$")]
    segment_id: Annotated[str, Meta(pattern=f"^{_ID}:[0-9]{{1,9}}:[0-9]{{1,15}}$")]


@dataclass(frozen=True, slots=True)
class Search:
    """Searches what is stored. Vendor failures surface as `Retryable`."""

    stored: StoredMeetings

    def page(self, tenant: str, query: SearchQuery, *, limit: int, after: SearchPlace | None) -> SearchResults:
        """Up to `limit` hits behind `after`. `query` has a part at least."""
        seen, hits = _Seen(self.stored, tenant), list[SearchHit]()
        for _ in range(MAX_ROUNDS):
            found = self.stored.transcripts.search(tenant, query, limit=limit - len(hits), after=after)
            hits += [hit for segment in found.segments if (hit := _hit(seen, segment, query)) is not None]
            after = found.next
            if after is None or len(hits) >= limit:
                break
        return SearchResults(hits=tuple(hits), next=None if after is None else cursor_of(after))


@dataclass(slots=True)
class _Seen:
    """The meetings that one search came across."""

    stored: StoredMeetings
    tenant: str
    meetings: dict[str, tuple[Meeting, Sequence[StreamRecord]]] = field(default_factory=dict)
    documents: dict[str, tuple[Utterance, ...]] = field(default_factory=dict)

    def meeting(self, meeting_id: str) -> tuple[Meeting, Sequence[StreamRecord]]:
        """A meeting and its streams."""
        if meeting_id not in self.meetings:
            streams = self.stored.streams.of_meeting(self.tenant, meeting_id)
            found = self.stored.meetings.get(self.tenant, meeting_id)
            self.meetings[meeting_id] = found or unrecorded(self.tenant, meeting_id, streams, ()), streams
        return self.meetings[meeting_id]

    def utterances(self, segment: SegmentTranscript, meeting_id: str) -> Sequence[Utterance]:
        """What readers see of a segment. Only where connections or replays take each other's place is more needed than itself."""
        meeting, streams = self.meeting(meeting_id)
        if len(streams) == 1 and not streams[0].generation:
            return utterances([segment], segment.epoch_offset_ms, meeting.speaker_names)
        if meeting_id not in self.documents:
            whole = self.stored.read(self.tenant, meeting_id)
            document = transcript(
                meeting_id, whole.streams, whole.segments, provisional=False, names=meeting.speaker_names
            )
            self.documents[meeting_id] = document.utterances
        return [each for each in self.documents[meeting_id] if each.segment_id == segment.segment_id]


def _hit(seen: _Seen, segment: SegmentTranscript, query: SearchQuery) -> SearchHit | None:
    """What a reader is shown of `segment`; None where it is not shown: another transcription, or words that another connection has."""
    meeting_id = segment.meeting_id.partition("~")[0]
    meeting, _ = seen.meeting(meeting_id)
    if segment.meeting_id != meeting.stored_as:
        return None
    said = seen.utterances(segment, meeting_id)
    if not query.found_in(words_in(" ".join(each.text for each in said))):
        return None
    words = [(each, words_in(each.text)) for each in said]
    best = (
        next((each for each, found in words if query.found_in(found)), None)
        or next((each for each, found in words if query.partly_in(found)), None)
        or said[0]
    )
    return SearchHit(
        meeting_id=meeting_id,
        title=meeting.title,
        segment_id=best.segment_id,
        start_ms=best.start_ms,
        start_at=best.start_at,
        speaker=best.speaker,
        text=best.text,
    )
