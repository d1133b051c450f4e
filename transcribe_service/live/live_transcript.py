"""What is shown of one meeting, kept up to date change by change, and who needs which part of it. Pure.

A change is looked at together with its neighbourhood alone, so it costs the same in a meeting's third hour as in its first minute.
What is shown of each segment is an entry: the event as bytes, made once for all readers. Entries are kept in two orders.

- By when they last looked different in this process: for readers that are here. Of an entry that changed twice before a reader came
  to it, the reader gets the newest only, so slow readers cost no memory.
- By the position of the last change that may have made them look different, whatever was there before: for readers that come back,
  perhaps from another process that had seen versions in between. Everything within reach of a change counts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from common.ports.stream_registry import StreamRecord
from common.ports.transcript_store import Change, SegmentTranscript
from transcribe_service.connections.coverage import heard, shown_words
from transcribe_service.connections.spans import Span
from transcribe_service.connections.take_over import REACH_MS
from transcribe_service.live.event_ids import BEGINNING, EventId, Look
from transcribe_service.live.messages import LiveRemoved, LiveSegment, event_body
from transcribe_service.live.timeline import Timeline
from transcribe_service.reading.generations import without_replaced
from transcribe_service.reading.transcript import settled_segments
from transcribe_service.reading.utterances import utterances

AFFECTED_MS: Final = 2 * REACH_MS
"""So far from a change other segments may look different by it; in a replay also those near a whole segment that is replaced."""
DECIDING_MS: Final = 3 * REACH_MS
"""So far from those lies what decides how they look."""
FORMER_MS: Final = 60_000
"""So long a segment may be: so much further an earlier version may have reached, of which nothing is known any more."""
MEETING: Final = ""
"""The key of the entry that is no segment."""


class Entry(msgspec.Struct, frozen=True):
    """What is shown of a segment, or that nothing is; or the meeting."""

    seq: int
    """When it last looked different, in changes of this process."""
    event_id: str
    body: bytes
    shown: SegmentTranscript | None
    """What the body was made of."""


class LiveTranscript:
    """One transcription of one meeting, as of the changes that were applied. Not thread-safe."""

    def __init__(self) -> None:
        self.seq = 0
        """Of the newest entry."""
        self.position = BEGINNING
        """Of the last change that was applied."""
        self.current: dict[str, SegmentTranscript] = {}
        """The segments that no later replay has replaced."""
        self.first_of_each: Sequence[SegmentTranscript] = ()
        """Of them, one of each connection for each of its clocks: what `meeting_epoch_ms` and `connections` need of all."""
        self._segments: dict[str, SegmentTranscript] = {}
        self.look = Look()
        """Of everything that is shown."""
        self.state = self.look.state()
        """What ids say of it."""
        self._streams: Sequence[StreamRecord] = ()
        self._timeline = Timeline()
        self._entries: dict[str, Entry] = {}
        """In the order of `seq`."""
        self._touched: dict[str, str] = {}
        """Position by segment id, in that order."""

    def apply(self, changes: Sequence[Change]) -> None:
        """Take in changes, the earliest first. Call `show` when the clock is another one now."""
        for change in changes:
            self._apply(change)

    def load(self, changes: Sequence[Change]) -> None:
        """Take in the changes of a meeting of which nothing is known here yet: as `apply`, at the price of one look at all of it."""
        for change in changes:
            self._put(change.segment_id, change.segment)
        for change in changes:
            self.position = change.position
            if change.segment is None:  # where it was is not known any more
                self._touch(self._entries.keys() | self._segments.keys())
            else:
                self._touch(self._timeline.near(heard(change.segment), _reach_ms(change.segment) + FORMER_MS))
            self._touch((change.segment_id,))
        self._replace(self._segments, list(self._segments.values()))

    def show(self, look: Look, streams: Sequence[StreamRecord]) -> None:
        """How everything looks from now on. What looks different because of it is an entry anew, under ids of the old look."""
        rendered_by = self.look.epoch_ms, self.look.speaker_names, self.look.connected
        before = self.state
        self.look, self._streams = look, streams
        anew = rendered_by != (look.epoch_ms, look.speaker_names, look.connected)
        shown = self._shown(list(self.current.values()))
        for segment_id in self._touched:
            self._enter(segment_id, shown.get(segment_id), before, anew=anew)
        self.state = look.state()

    def tell(self, body: bytes) -> None:
        """The meeting itself, where it is another one than at the last call. Its id has the look of now."""
        told = self._entries.get(MEETING)
        if told is None or told.body != body:
            self._keep(MEETING, body, None, self.state)

    def since(self, seq: int) -> list[Entry]:
        """The entries after the one with this `seq`, in order. Costs as much as there are."""
        found = []
        for entry in reversed(self._entries.values()):
            if entry.seq <= seq:
                break
            found.append(entry)
        return found[::-1]

    def everything(self) -> Iterator[tuple[EventId, bytes]]:
        """For who has nothing: the meeting, and all that is shown."""
        return self._catching_up(self._touched, BEGINNING, with_removed=False)

    def after(self, position: str) -> Iterator[tuple[EventId, bytes]]:
        """For who has what there was at a position: the meeting, and what may look different since."""
        found: dict[str, str] = {}
        for segment_id in reversed(self._touched):
            if self._touched[segment_id] < position:
                break
            found[segment_id] = self._touched[segment_id]
        return self._catching_up(dict(reversed(found.items())), position, with_removed=True)

    def _catching_up(
        self, touched: Mapping[str, str], position: str, *, with_removed: bool
    ) -> Iterator[tuple[EventId, bytes]]:
        """Reads nothing later: what is shown now, not what will be."""
        state = self.state
        entries = [(at, self._entries[segment_id]) for segment_id, at in touched.items()]
        meeting = self._entries[MEETING].body

        def told() -> Iterator[tuple[EventId, bytes]]:
            yield EventId(position, state), meeting
            for at, entry in entries:
                if with_removed or entry.shown is not None:
                    yield EventId(at, state), entry.body

        return told()

    def _apply(self, change: Change) -> None:
        before, now = self._segments.get(change.segment_id), change.segment
        if now == before and change.segment_id in self._touched:
            return  # told twice
        self.position = max(self.position, change.position)
        spans = [heard(each) for each in (before, now) if each is not None]
        self._put(change.segment_id, now)
        affected = {change.segment_id: None}
        if spans:
            span = min(start for start, _ in spans), max(end for _, end in spans)
            affected |= dict.fromkeys(self._timeline.near(span, _reach_ms(before, now)))
            self._touch(self._timeline.near(span, _reach_ms(before, now) + FORMER_MS))
        self._touch((change.segment_id,))
        shown = self._shown(self._replace(affected, self._deciding(affected)))
        for segment_id in affected:
            self._enter(segment_id, shown.get(segment_id), self.state)

    def _put(self, segment_id: str, segment: SegmentTranscript | None) -> None:
        if segment is None:
            self._segments.pop(segment_id, None)
            self._timeline.take_out(segment_id)
        else:
            self._segments[segment_id] = segment
            self._timeline.put(segment_id, heard(segment))

    def _replace(self, segment_ids: Iterable[str], deciding: Sequence[SegmentTranscript]) -> list[SegmentTranscript]:
        """Find out which of these segments are current, by those that decide it; returns those of them that are."""
        current = without_replaced(deciding)
        found = {each.segment_id: each for each in current}
        is_moved = False
        for segment_id in segment_ids:
            before, now = self.current.pop(segment_id, None), found.get(segment_id)
            if now is not None:
                self.current[segment_id] = now
            is_moved = is_moved or _clock(before) != _clock(now)
        if is_moved:
            self.first_of_each = list({_clock(each): each for each in self.current.values()}.values())
        return current

    def _touch(self, segment_ids: Iterable[str]) -> None:
        for segment_id in segment_ids:
            self._touched.pop(segment_id, None)
            self._touched[segment_id] = self.position

    def _deciding(self, segment_ids: Mapping[str, None]) -> list[SegmentTranscript]:
        """What decides how these segments look: they and their neighbours."""
        spans = [span for each in segment_ids if (span := self._timeline.span(each))]
        if not spans:
            return []
        around: Span = min(start for start, _ in spans), max(end for _, end in spans)
        return [self._segments[each] for each in self._timeline.near(around, DECIDING_MS)]

    def _shown(self, segments: Sequence[SegmentTranscript]) -> dict[str, SegmentTranscript]:
        """As readers of the whole transcript see them."""
        shown = shown_words(self._streams, segments, settled_segments(segments))
        return {each.segment_id: each for each in shown}

    def _enter(self, segment_id: str, shown: SegmentTranscript | None, state: str, *, anew: bool = False) -> None:
        entry = self._entries.get(segment_id)
        if entry is not None and entry.shown == shown and not (anew and shown):
            return
        body = event_body("segment", self._rendered(shown)) if shown else event_body("removed", LiveRemoved(segment_id))
        if entry is None or entry.body != body:
            self._keep(segment_id, body, shown, state)
        else:
            self._entries[segment_id] = msgspec.structs.replace(entry, shown=shown)

    def _keep(self, key: str, body: bytes, shown: SegmentTranscript | None, state: str) -> None:
        self.seq += 1
        self._entries.pop(key, None)
        self._entries[key] = Entry(self.seq, str(EventId(self.position, state)), body, shown)

    def _rendered(self, segment: SegmentTranscript) -> LiveSegment:
        shift_ms = segment.epoch_offset_ms - self.look.epoch_ms
        return LiveSegment(
            segment_id=segment.segment_id,
            connection_id=segment.connection_id,
            channel=segment.channel,
            revision=segment.revision,
            final=segment.final,
            start_ms=segment.start_ms + shift_ms,
            end_ms=segment.end_ms + shift_ms,
            utterances=utterances(
                [segment], self.look.epoch_ms, self.look.speaker_names, connected=self.look.connected
            ),
        )


def _clock(segment: SegmentTranscript | None) -> tuple[str, int] | None:
    return (segment.connection_id, segment.epoch_offset_ms) if segment else None


def _reach_ms(*versions: SegmentTranscript | None) -> int:
    return AFFECTED_MS + (FORMER_MS if any(each and each.generation for each in versions) else 0)
