"""Port: transcripts of segments, by meeting; the newest revision of each segment wins."""

from collections.abc import Mapping
from enum import Enum
from typing import Final, Protocol

import msgspec

from common.search_words import SearchQuery, words_in


class Word(msgspec.Struct, frozen=True):
    """One recognised word, in stream time. `speaker` is None where nobody is known to have spoken: blank beats a guess."""

    text: str
    start_ms: int
    end_ms: int
    probability: float
    speaker: str | None = None
    confirmed: bool = False
    """Two revisions in a row agree on it, or it is final: readers may take it for firm."""


class SegmentTranscript(msgspec.Struct, frozen=True, kw_only=True):
    """What Whisper heard in one revision of a segment. Without words where it heard nothing."""

    tenant: str
    meeting_id: str
    connection_id: str
    segment_id: str
    channel: int
    revision: int
    final: bool
    start_ms: int
    end_ms: int
    epoch_offset_ms: int
    """Epoch milliseconds = stream time + this."""
    language: str
    words: tuple[Word, ...]
    whole_from_ms: int | None = None
    """Stream time from which on its connection heard everything up to this segment; see `SegmentReady`."""
    generation: int = 0
    """How often its connection had been replayed from its chunks before; see `SegmentReady`."""
    labels: int = 0
    """How often its words were given speakers anew, because who spoke became known late."""
    standby: bool = False
    """Not transcribed, because another connection of its meeting covers the same time; it has no words."""
    dropped: Mapping[str, int] = {}
    """How many words of Whisper were not believed, by reason."""
    refused: str = ""
    """Why Whisper will never answer for this audio; the segment then has no words, and is settled all the same."""


class Change(msgspec.Struct, frozen=True):
    """A segment was stored anew, or deleted: as it is now, not as it was on the way."""

    position: str
    """Where it stands among the changes of its meeting: later ones compare greater, in every process. Of two that compare equal
    neither is later. POSITION_DIGITS long; what else it says is the store's own matter."""
    segment_id: str
    segment: SegmentTranscript | None
    """None: it was deleted."""


class Changes(msgspec.Struct, frozen=True):
    """What has changed in a meeting since some cursor."""

    changes: tuple[Change, ...]
    """By position. Each segment at most once."""
    cursor: str
    """From where to ask for what comes later. As long as a position, and comparable with them."""


POSITION_DIGITS: Final = 19


class Stored(Enum):
    """How a write ended."""

    STORED = "stored"
    SUPERSEDED = "superseded"
    """A revision at least as new was there already; nothing changed."""


_REVISION_BITS: Final = 24
_LABELS_BITS: Final = 16


def rank(*, generation: int, final: bool, revision: int, transcribed: bool = True, labels: int = 0) -> int:
    """Which of two versions of one segment wins: the one of higher rank. At most 63 bits.

    A later replay beats an earlier one, a final every provisional, the higher revision the lower one, words beat a place that is
    kept free for them, and newer speakers older ones.
    """
    ranked = generation
    ranked = ranked << 1 | final
    ranked = ranked << _REVISION_BITS | min(revision, (1 << _REVISION_BITS) - 1)
    ranked = ranked << 1 | transcribed
    return ranked << _LABELS_BITS | min(labels, (1 << _LABELS_BITS) - 1)


def rank_of(segment: SegmentTranscript) -> int:
    """The `rank` of a version that is, or may be, stored."""
    return rank(
        generation=segment.generation,
        final=segment.final,
        revision=segment.revision,
        transcribed=not segment.standby,
        labels=segment.labels,
    )


def is_same_but_for_labels(one: int, other: int) -> bool:
    """True when two ranks are those of one version, whose words may have been given speakers anew since."""
    return one >> _LABELS_BITS == other >> _LABELS_BITS


def supersedes(new: SegmentTranscript, old: SegmentTranscript) -> bool:
    """True when `new` may replace `old`."""
    return rank_of(new) > rank_of(old)


class SearchPlace(msgspec.Struct, frozen=True, array_like=True):
    """A place in what a search finds: right behind the segment with these. All three go down."""

    start_epoch_ms: int
    meeting_id: str
    """As the segment has it."""
    segment_id: str


class SearchPage(msgspec.Struct, frozen=True):
    """Some of what a search finds."""

    segments: tuple[SegmentTranscript, ...]
    next: SearchPlace | None
    """Where to go on; None: nothing comes behind. A store that looks at a bounded number at a time may have found nothing so far."""


def place_of_segment(segment: SegmentTranscript) -> SearchPlace:
    """Where `segment` comes in a search."""
    return SearchPlace(segment.start_ms + segment.epoch_offset_ms, segment.meeting_id, segment.segment_id)


def searchable_words(segment: SegmentTranscript) -> list[str]:
    """The words by which a segment is found: none before it is final."""
    return words_in(" ".join(word.text for word in segment.words)) if segment.final else []


class TranscriptStore(Protocol):
    """Durable on return. Vendor failures surface as `Retryable`."""

    def put(self, segment: SegmentTranscript) -> Stored:
        """Store a revision unless `supersedes` says that what is there stays. Atomic."""
        ...

    def stored_rank(self, tenant: str, meeting_id: str, segment_id: str) -> int | None:
        """The rank of what is stored, or None. Cheap: asked before every call to Whisper."""
        ...

    def get(self, tenant: str, meeting_id: str, segment_id: str) -> SegmentTranscript | None:
        """What is stored of one segment, or None."""
        ...

    def segments(self, tenant: str, meeting_id: str) -> list[SegmentTranscript]:
        """The newest revision of every segment of a meeting, in order of time (epoch), then segment id."""
        ...

    def changes(self, tenant: str, meeting_id: str, *, after: str) -> Changes:
        """Everything that was stored or deleted after the cursor, or after the position, `after`; empty: from the beginning.

        Never skips a change, whoever writes at the same time. What `delete_meeting` removed is not told.
        """
        ...

    def search(self, tenant: str, query: SearchQuery, *, limit: int, after: SearchPlace | None = None) -> SearchPage:
        """Final segments of a tenant, of every transcription of its meetings, whose `searchable_words` have all of `query`.

        What was said last comes first; see `SearchPlace`. `query` has a part at least.
        """
        ...

    def delete_segment(self, tenant: str, meeting_id: str, segment_id: str) -> None:
        """Remove a segment; removing what is not there is no error."""
        ...

    def delete_meeting(self, tenant: str, meeting_id: str) -> None:
        """Remove all segments of a meeting; removing what is not there is no error."""
        ...

    def check(self) -> None:
        """Raise `Retryable` when the store can't be reached (readiness)."""
        ...
