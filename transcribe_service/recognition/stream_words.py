"""From the times of Whisper to stream time. Pure; which words are believed is `disbelief`, who said them is `attribution`."""

from collections.abc import Iterable

from common.events import SegmentReady
from common.ports.transcript_store import Word
from transcribe_service.whisper.client import WhisperWord


def in_stream_time(words: Iterable[WhisperWord], event: SegmentReady) -> tuple[Word, ...]:
    """`words` (seconds since the first sample that was sent) in stream time, in the same order, each inside the segment.

    Whisper's times are off by a tenth of a second or two. A word that it puts into the padding was heard all the same:
    it is moved to the segment's edge and keeps its length.
    """
    return tuple(_in_order(_placed(word, event) for word in words))


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
