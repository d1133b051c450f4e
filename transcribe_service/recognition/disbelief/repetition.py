"""Loops: the same words again and again, in which Whisper's decoder may be caught. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from transcribe_service.recognition.comparable import comparable
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


def repetition(heard: Heard) -> frozenset[int]:
    """Positions of the words that only repeat; what was said once stays.

    Not so where Whisper half takes the loop for no speech: then its first round was not said either.
    """
    doubtful = heard.only_in(_is_doubtful)
    found: set[int] = set()
    for loop in loops([word.text for word in heard.words]):
        first = loop.start + loop.step
        found.update(loop if doubtful.issuperset(loop) else range(first, loop.stop))
    return frozenset(found)


def loops(texts: Sequence[str]) -> Iterator[range]:
    """The loops among consecutive words, in order: `range(first word, end, words that are repeated)`.

    A last round that broke off where the words end belongs to its loop.
    """
    words = [comparable(text) for text in texts]
    at = 0
    while at < len(words):
        longest = max((_loop_at(words, at, size) for size in range(1, LONGEST + 1)), key=len_in_words)
        if longest:
            yield longest
        at = longest.stop if longest else at + 1


def len_in_words(loop: range) -> int:
    """How many words a loop takes."""
    return loop.stop - loop.start


def _loop_at(words: Sequence[str], start: int, size: int) -> range:
    """The loop of `size` words that begins at `start`; empty where there is none."""
    end = start + size
    while end < len(words) and words[end] == words[end - size]:
        end += 1
    whole = (end - start) // size * size
    times = whole // size
    if times < (LEAST_TIMES_LONG if size >= LONG else LEAST_TIMES) or whole < LEAST_WORDS:
        return range(start, start, size)
    return range(start, end if end == len(words) else start + whole, size)


def _is_doubtful(span: WhisperSegment) -> bool:
    return span.no_speech_prob is not None and span.no_speech_prob > DOUBTFUL
