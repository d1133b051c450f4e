"""From what Whisper heard in a segment's audio to words in stream time. Pure; who said them is `attribution`."""

from collections.abc import Iterable
from typing import Final

from common.events import SegmentReady
from common.ports.transcript_store import Word
from transcribe_service.whisper.client import WhisperResult, WhisperSegment, WhisperWord
from transcribe_service.whisper.word_times import interpolated

NO_SPEECH_PROB: Final = 0.6
AVG_LOGPROB: Final = -1.0
"""Whisper's own rule for silence: it holds a span for no speech and is unsure of the words that it put there all the same."""


def is_invented(segment: WhisperSegment) -> bool:
    """True when Whisper's own numbers say that it heard no speech in this span."""
    return (
        segment.no_speech_prob is not None
        and segment.avg_logprob is not None
        and segment.no_speech_prob > NO_SPEECH_PROB
        and segment.avg_logprob < AVG_LOGPROB
    )


def heard_words(result: WhisperResult, event: SegmentReady) -> tuple[Word, ...]:
    """The words of `result` in stream time, in order, each inside the segment, without empty ones and invented spans.

    Whisper's times are off by a tenth of a second or two. A word that it puts into the padding was heard all the same:
    it is moved to the segment's edge and keeps its length.
    """
    invented = [segment for segment in result.segments if is_invented(segment)]
    heard = (word for word in _timed_words(result, event) if not _within(word, invented))
    return tuple(_in_order(_placed(word, event) for word in heard if word.text.strip()))


def _timed_words(result: WhisperResult, event: SegmentReady) -> tuple[WhisperWord, ...]:
    if result.words or result.segments:
        return result.words
    start_s = event.padding_ms / 1000
    return interpolated(result.text, start_s, start_s + (event.end_ms - event.start_ms) / 1000, probability=0.0)


def _within(word: WhisperWord, spans: Iterable[WhisperSegment]) -> bool:
    middle_s = (word.start_s + word.end_s) / 2
    return any(span.start_s <= middle_s <= span.end_s for span in spans)


def _placed(word: WhisperWord, event: SegmentReady) -> Word:
    start_ms = event.start_ms - event.padding_ms + round(word.start_s * 1000)
    length_ms = max(0, round((word.end_s - word.start_s) * 1000))
    if start_ms + length_ms <= event.start_ms:
        start_ms = event.start_ms
    elif start_ms >= event.end_ms:
        start_ms = event.end_ms - length_ms
    end_ms = min(start_ms + length_ms, event.end_ms)
    return Word(word.text.strip(), max(start_ms, event.start_ms), max(end_ms, event.start_ms), word.probability)


def _in_order(words: Iterable[Word]) -> Iterable[Word]:
    """Words as they were heard, none beginning before the one before it."""
    latest_ms = 0
    for word in words:
        latest_ms = max(latest_ms, word.start_ms)
        yield Word(word.text, latest_ms, max(latest_ms, word.end_ms), word.probability)
