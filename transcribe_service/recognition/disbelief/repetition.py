"""Loops: the same words again and again, in which Whisper's decoder may be caught. Pure."""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from transcribe_service.comparable import comparable
from transcribe_service.recognition.disbelief.heard import Heard
from transcribe_service.whisper.client import WhisperSegment

LONGEST: Final = 20
"""Words that are repeated together."""
LEAST_TIMES: Final = 4
LEAST_TIMES_LONG: Final = 3
LONG: Final = 4
"""Nobody says four words or more three times in a row."""
LEAST_WORDS: Final = 6
"""In all: people do say "no, no, no, no, no"."""
DOUBTFUL: Final = 0.3
"""No-speech probability that no span which was spoken has reached; see `no_speech`."""
LEAST_TIMES_DOUBTFUL: Final = 3


def repetition(heard: Heard) -> frozenset[int]:
    """Positions of the words that only repeat; what was said once stays.

    Not so where Whisper half takes the loop for no speech: then its first round was not said either, and it takes less to be one.
    """
    texts = [word.text for word in heard.words]
    repeats = {position for loop in loops(texts) for position in _rounds(loop, after=1)}
    doubtful = heard.only_in(_is_doubtful)
    for loop in loops(texts, in_doubt=True):
        if doubtful.issuperset(_rounds(loop)):
            repeats.update(_rounds(loop))
    return frozenset(repeats)


class Loop(NamedTuple):
    """Words `[start, end)` are the same `size` words again and again."""

    start: int
    end: int
    size: int

    @property
    def words(self) -> int:
        """How many it takes."""
        return self.end - self.start


def loops(texts: Sequence[str], *, in_doubt: bool = False) -> Iterator[Loop]:
    """The loops among consecutive words, in order. A last round that broke off where the words end belongs to its loop.

    `in_doubt` asks for shorter ones, too.
    """
    words = [comparable(text) for text in texts]
    at = 0
    while at < len(words):
        longest = max((_loop_at(words, at, size, in_doubt) for size in range(1, LONGEST + 1)), key=attrgetter("words"))
        if longest.words:
            yield longest
        at = max(longest.end, at + 1)


def _loop_at(words: Sequence[str], start: int, size: int, in_doubt: bool) -> Loop:
    """The loop of `size` words that begins at `start`; empty where there is none."""
    end = start + size
    while end < len(words) and words[end] == words[end - size]:
        end += 1
    times = (end - start) // size
    if not (times >= LEAST_TIMES_DOUBTFUL if in_doubt else _is_loop(times, size)):
        return Loop(start, start, size)
    return Loop(start, end if end == len(words) else start + times * size, size)


def _is_loop(times: int, size: int) -> bool:
    return times >= (LEAST_TIMES_LONG if size >= LONG else LEAST_TIMES) and times * size >= LEAST_WORDS


def _rounds(loop: Loop, *, after: int = 0) -> range:
    """Positions of a loop's words after its first `after` rounds."""
    return range(loop.start + after * loop.size, loop.end)


def _is_doubtful(span: WhisperSegment) -> bool:
    return span.no_speech_prob is not None and span.no_speech_prob > DOUBTFUL
