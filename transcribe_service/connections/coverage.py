"""What each connection of a meeting heard, and whose words are shown at any time. Pure; times are epoch milliseconds.

Connections that are `shared` each hear the whole meeting. One of them is primary at any time: the one opened earliest of those whose
audio covers that time. Coverage is audio and not speech: where the primary heard silence, nothing was said. When the primary ends,
stalls or has a gap, the next one that covers takes over from exactly where coverage ended. Words belong to the moment of their middle.
At such a moment both connections may have heard the same words at slightly different times; see `take_over`.
Connections that are `per_participant` cover for nobody, and all their words are shown; so do recordings of which nobody said when they
were made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from common.events import SegmentReady
from common.ports.stream_registry import StreamRecord
from common.ports.transcript_store import SegmentTranscript
from transcribe_service.connections.spans import NONE, Span, Spans, contains, covers, united, without
from transcribe_service.connections.take_over import REACH_MS, Place, Spoken, at_take_overs, spoken

Heard = SegmentReady | SegmentTranscript
"""A segment, as an event or as a transcript."""


def heard(segment: Heard) -> Span:
    """What a connection is known to have heard once this segment of it is there: its audio, and the silence before it."""
    start_ms = segment.start_ms if segment.whole_from_ms is None else min(segment.start_ms, segment.whole_from_ms)
    return start_ms + segment.epoch_offset_ms, segment.end_ms + segment.epoch_offset_ms


def span_of(segment: Heard) -> Span:
    """A segment's own time."""
    return segment.start_ms + segment.epoch_offset_ms, segment.end_ms + segment.epoch_offset_ms


def account_of(record: StreamRecord) -> Spans:
    """What a closed stream heard, by its account: all but its gaps. Nothing while it is open, or where the account has no clock."""
    summary = record.summary
    if summary is None or summary.epoch_offset_ms is None:
        return NONE
    offset_ms = summary.epoch_offset_ms
    gaps = united((gap.start_ms + offset_ms, gap.end_ms + offset_ms) for gap in summary.gaps)
    return without(united([(offset_ms, offset_ms + summary.length_ms)]), gaps)


def sharing(streams: Iterable[StreamRecord]) -> list[StreamRecord]:
    """The connections that stand in for one another, those first that are primary before others."""
    shared = [
        each
        for each in streams
        if each.options.connections == "shared" and not each.options.untimed and each.erased_at_ms is None
    ]
    return sorted(shared, key=lambda each: (each.opened_at_ms, each.connection_id))


@dataclass(frozen=True)
class Primacy:
    """Which words of a meeting are shown. `taken` is, by connection, what the connections before it cover."""

    taken: Mapping[str, Spans] = field(default_factory=dict)
    decided: Mapping[Place, bool] = field(default_factory=dict)
    """Words around a take-over for which time alone does not decide."""

    def shown(self, segment: SegmentTranscript) -> SegmentTranscript:
        """The segment with the words that are shown of it; itself where those are all."""
        taken = self.taken.get(segment.connection_id, NONE)
        if not taken and not self.decided:
            return segment
        words = tuple(
            word
            for index, word in enumerate(segment.words)
            if self.decided.get(
                (segment.segment_id, index),
                not contains(taken, (word.start_ms + word.end_ms) // 2 + segment.epoch_offset_ms),
            )
        )
        return segment if len(words) == len(segment.words) else msgspec.structs.replace(segment, words=words)

    def is_covered(self, segment: Heard, connection_id: str) -> bool:
        """Whether all of a segment's time is covered by connections before its own."""
        return covers(self.taken.get(connection_id, NONE), span_of(segment))


def primacy(
    streams: Sequence[StreamRecord], segments: Sequence[SegmentTranscript], shown: Sequence[SegmentTranscript]
) -> Primacy:
    """Who is primary when, by all `segments` that are stored; `shown` are those that readers see (without provisional ones, perhaps).

    The order of the arguments' elements changes nothing. A meeting with one connection costs next to nothing.
    """
    shared = sharing(streams)
    if len(shared) < 2:
        return Primacy()
    covered = _coverage(shared, segments)
    words: dict[str, list[Spoken]] = {each.connection_id: [] for each in shared}
    for segment in shown:
        if segment.connection_id in words:
            words[segment.connection_id] += spoken(segment)
    taken: dict[str, Spans] = {}
    decided: dict[Place, bool] = {}
    before, earlier_words = NONE, list[Spoken]()
    for each in shared:
        own = sorted(words[each.connection_id])
        taken[each.connection_id] = before
        decided |= at_take_overs(before, earlier_words, own)
        earlier_words = sorted(
            [word for word in earlier_words if decided.get(word.place, True)]
            + [word for word in own if decided.get(word.place, not contains(before, word.middle_ms))]
        )
        before = united(before, covered[each.connection_id])
    return Primacy(taken, decided)


def shown_words(
    streams: Sequence[StreamRecord], segments: Sequence[SegmentTranscript], shown: Sequence[SegmentTranscript]
) -> list[SegmentTranscript]:
    """`shown` with the words that readers see of them; see `primacy`."""
    decided = primacy(streams, segments, shown)
    return [decided.shown(segment) for segment in shown]


def waiting_for_words(
    streams: Sequence[StreamRecord], segments: Sequence[SegmentTranscript]
) -> list[SegmentTranscript]:
    """The segments that were not transcribed and that no other connection covers (any more): their words are still to come."""
    standing_by = [segment for segment in segments if segment.standby]
    if not standing_by:
        return []
    decided = primacy(streams, segments, ())
    return [segment for segment in standing_by if not decided.is_covered(segment, segment.connection_id)]


def touched_by(
    changed: SegmentTranscript, streams: Sequence[StreamRecord], segments: Sequence[SegmentTranscript]
) -> set[str]:
    """Ids of the other segments whose shown words may differ once `changed` is stored, in place of its revision before or anew.

    `segments` are the meeting's, with or without `changed`. Nothing where the meeting has one shared connection. Where a stream is
    opened or closed, any may differ.
    """
    shared = sharing(streams)
    if len(shared) < 2 or changed.connection_id not in {each.connection_id for each in shared}:
        return set()
    others = [each for each in segments if each.segment_id != changed.segment_id]
    known = _coverage([each for each in shared if each.connection_id == changed.connection_id], others)
    new = without(united([heard(changed)]), known[changed.connection_id])
    spans = united(
        (start - 2 * REACH_MS, end + 2 * REACH_MS) for part in (new, (span_of(changed),)) for start, end in part
    )
    return {each.segment_id for each in others if any(_overlap(span_of(each), span) for span in spans)}


def _coverage(shared: Sequence[StreamRecord], segments: Iterable[SegmentTranscript]) -> dict[str, Spans]:
    found: dict[str, list[Span]] = {each.connection_id: [] for each in shared}
    for segment in segments:
        if segment.connection_id in found:
            found[segment.connection_id].append(heard(segment))
    return {each.connection_id: united(account_of(each), found[each.connection_id]) for each in shared}


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
