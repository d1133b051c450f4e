"""Words to speakers. Pure; what Whisper heard comes from `worker`, who spoke when from the segment's event."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import msgspec

from common.events import SegmentReady, SegmentRelabelled, Turn
from common.ports.transcript_store import Word

REACH_MS: Final = 500
"""A word farther than this from every turn stays without a speaker: blank beats a guess."""


def attributed_words(event: SegmentReady | SegmentRelabelled, words: Sequence[Word]) -> tuple[Word, ...]:
    """`words` with their speakers: the channel's own where every channel is one speaker, by the event's turns elsewhere.

    Words for which no turn names one are the participant's own, where a connection is one person's audio.
    """
    if event.options.channels == "mix":
        attributed = assign_speakers(words, event.turns)
        alone = event.options.participant or event.options.user_id
        if event.options.connections == "shared" or not alone:
            return attributed
        return tuple(
            msgspec.structs.replace(word, speaker=alone) if word.speaker is None else word for word in attributed
        )
    names = event.options.channel_speakers
    named = names[event.channel] if event.channel < len(names) else ""
    speaker = named or f"channel-{event.channel}"
    return tuple(msgspec.structs.replace(word, speaker=speaker) for word in words)


def assign_speakers(words: Sequence[Word], turns: Sequence[Turn]) -> tuple[Word, ...]:
    """Give each of `words` (in order of time) the speaker whose turns overlap it most; both in stream time.

    A word that no turn overlaps goes to the nearest turn within `REACH_MS`, and to nobody (None) beyond. Where two speakers
    are equally good, the previous word's speaker goes on; where that is neither, it is who began last, because the onsets
    of speaker activity can be trusted and its offsets carry hang-over.
    """
    speakers = _presences(turns)
    attributed: list[Word] = []
    previous: str | None = None
    for word in words:
        previous = _speaker_of(word, speakers, previous)
        attributed.append(msgspec.structs.replace(word, speaker=previous))
    return tuple(attributed)


@dataclass(frozen=True, slots=True)
class _Presence:
    """When one speaker spoke: spans in order of time that neither overlap nor touch."""

    speaker: str
    spans: tuple[tuple[int, int], ...]

    def overlap_ms(self, word: Word) -> int:
        """How much of `word` falls into the spans."""
        return sum(max(0, min(end, word.end_ms) - max(start, word.start_ms)) for start, end in self.spans)

    def distance_ms(self, word: Word) -> int:
        """From `word` to the nearest span; 0 where they overlap or touch."""
        return min(max(0, start - word.end_ms, word.start_ms - end) for start, end in self.spans)

    def onset_ms(self, word: Word) -> int:
        """Start of the last span that begins before `word` ends, or of the first one where none does."""
        return max((start for start, _ in self.spans if start < word.end_ms), default=self.spans[0][0])


def _presences(turns: Iterable[Turn]) -> list[_Presence]:
    """One for each speaker, in order of name. Turns that end before they start count as empty."""
    ordered = sorted(turns, key=lambda turn: (turn.speaker, turn.start_ms))
    return [
        _Presence(speaker, _union((turn.start_ms, max(turn.start_ms, turn.end_ms)) for turn in own))
        for speaker, own in groupby(ordered, key=lambda turn: turn.speaker)
    ]


def _union(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Join spans (in order of start) that overlap or touch, so that nothing counts twice."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def _speaker_of(word: Word, speakers: Sequence[_Presence], previous: str | None) -> str | None:
    within_reach = [each for each in speakers if each.distance_ms(word) <= REACH_MS]
    if not within_reach:
        return None
    best = max(
        within_reach,
        key=lambda each: (
            each.overlap_ms(word),
            -each.distance_ms(word),
            each.speaker == previous,
            each.onset_ms(word),
        ),
    )
    return best.speaker
