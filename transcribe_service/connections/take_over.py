"""Where one connection takes over from another: which of the two's words are shown there. Pure; times are epoch milliseconds.

Around the moment both have words: the audio of one ends (or begins again) in the middle of a word perhaps, and their clocks are off
by some tenths of a second. So words that both heard are looked for there, and the change is made behind the last one (or before the
first one) that they agree on. What was cut off with the audio gives way to what the other one heard at that time. Where they agree on
nothing, time alone decides.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from statistics import median_low
from typing import Final, NamedTuple

from common.ports.transcript_store import SegmentTranscript
from transcribe_service.comparable import comparable
from transcribe_service.connections.spans import Span, Spans

REACH_MS: Final = 4_000
"""So far from the take-over words are compared."""
CLOCKS_MS: Final = 1_000
"""So much may the times of the same word on two connections differ."""
WHISPER_MS: Final = 400
"""So much may they differ from how much the connections' clocks do."""
Place = tuple[str, int]
"""A word: its segment, and its number therein."""


class Spoken(NamedTuple):
    """A word on the wall clock."""

    start_ms: int
    end_ms: int
    place: Place
    text: str
    """Without what Whisper writes now so and now otherwise: case and punctuation."""

    @property
    def middle_ms(self) -> int:
        """The moment that it belongs to."""
        return (self.start_ms + self.end_ms) // 2


def spoken(segment: SegmentTranscript) -> Iterator[Spoken]:
    """The words of a segment."""
    for index, word in enumerate(segment.words):
        start_ms, end_ms = word.start_ms + segment.epoch_offset_ms, word.end_ms + segment.epoch_offset_ms
        yield Spoken(start_ms, end_ms, (segment.segment_id, index), comparable(word.text))


def at_take_overs(taken: Spans, earlier: Sequence[Spoken], own: Sequence[Spoken]) -> Mapping[Place, bool]:
    """For words of both sides near an edge of `taken`, whether they are shown, where something else than their middle decides.

    `taken` is what earlier connections cover, `earlier` their shown words, `own` the words of the next one; both in order of time.
    """
    decided: dict[Place, bool] = {}
    if not own or not earlier:
        return decided
    for span in taken:
        decided |= _one_edge(span, earlier, own, begins=True)
        decided |= _one_edge(span, earlier, own, begins=False)
    return decided


def _one_edge(span: Span, earlier: Sequence[Spoken], own: Sequence[Spoken], *, begins: bool) -> dict[Place, bool]:
    """One edge, at which the audio of `earlier` begins or ends while `own` goes on."""
    edge_ms = span[0] if begins else span[1]
    theirs = [each for each in _near(earlier, edge_ms, REACH_MS) if span[0] <= each.middle_ms <= span[1]]
    mine = _near(own, edge_ms, REACH_MS + CLOCKS_MS)
    agreed = _agreed(theirs, mine)
    if not agreed:
        return {}
    last_theirs, last_mine = agreed[0] if begins else agreed[-1]
    skew_ms = median_low(mine[j].start_ms - theirs[i].start_ms for i, j in agreed)
    if begins:
        cut_off, instead, covered = theirs[:last_theirs], mine[:last_mine], mine[last_mine:]
    else:
        cut_off, instead, covered = theirs[last_theirs + 1 :], mine[last_mine + 1 :], mine[: last_mine + 1]
    hidden = [each for each in cut_off if any(_overlap(each, other, skew_ms) for other in instead)]
    return {
        **{each.place: False for each in hidden},
        **{each.place: False for each in covered if (each.middle_ms < edge_ms) == begins},
        **{each.place: True for each in instead if (each.middle_ms >= edge_ms) == begins},
    }


def _near(words: Sequence[Spoken], edge_ms: int, reach_ms: int) -> Sequence[Spoken]:
    first = bisect_left(words, edge_ms - reach_ms, key=lambda word: word.start_ms)
    return words[first : bisect_left(words, edge_ms + reach_ms, lo=first, key=lambda word: word.start_ms)]


def _agreed(theirs: Sequence[Spoken], mine: Sequence[Spoken]) -> list[tuple[int, int]]:
    """Which words are the same one, in order: the same text, at times that differ as much as the clocks do."""
    texts = [each.text for each in theirs], [each.text for each in mine]
    pairs = [
        (block.a + offset, block.b + offset)
        for block in SequenceMatcher(None, *texts, autojunk=False).get_matching_blocks()
        for offset in range(block.size)
    ]
    near = [(i, j) for i, j in pairs if texts[0][i] and abs(mine[j].start_ms - theirs[i].start_ms) <= CLOCKS_MS]
    if not near:
        return []
    skew_ms = median_low(mine[j].start_ms - theirs[i].start_ms for i, j in near)
    return [(i, j) for i, j in near if abs(mine[j].start_ms - theirs[i].start_ms - skew_ms) <= WHISPER_MS]


def _overlap(theirs: Spoken, mine: Spoken, skew_ms: int) -> bool:
    return theirs.start_ms + skew_ms < mine.end_ms and mine.start_ms < theirs.end_ms + skew_ms
