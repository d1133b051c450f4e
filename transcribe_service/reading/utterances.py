"""Segments to utterances: consecutive words of one speaker inside a segment, on the meeting's clock. Pure.

The meeting's clock counts milliseconds from the earliest beginning of any of its connections, so that what was said on
several connections stands in one order. Captions and documents are made of utterances; see `captions` and `transcript`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

import msgspec

from common.ports.transcript_store import SegmentTranscript, Word

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: an uploader's clock may say anything, and calendars end there."""
_UNSPACED: Final = {
    "zh",
    "yue",
    "ja",
    "th",
    "lo",
    "my",
    "km",
    "chinese",
    "cantonese",
    "japanese",
    "thai",
    "lao",
    "myanmar",
    "khmer",
}
"""Languages written without spaces between words, by Whisper's codes and names."""


class Utterance(msgspec.Struct, frozen=True, kw_only=True):
    """What people read. All times but `start_at` are milliseconds since the meeting began, those of the words too."""

    speaker: str | None
    text: str
    start_ms: int
    end_ms: int
    start_at: str
    """Wall clock of the beginning, ISO 8601 in UTC."""
    connection_id: str
    segment_id: str
    final: bool
    """False: live, may still change."""
    language: str
    words: tuple[Word, ...]


def word_joint(language: str) -> str:
    """What stands between two words: a space, or nothing in languages that are written without."""
    return "" if language.lower().partition("-")[0] in _UNSPACED else " "


def meeting_epoch_ms(segments: Iterable[SegmentTranscript]) -> int:
    """Epoch milliseconds at which the meeting's clock is 0: the earliest connection's first sample. 0 without segments."""
    return min((segment.epoch_offset_ms for segment in segments), default=0)


def utterances(segments: Sequence[SegmentTranscript], epoch_ms: int) -> tuple[Utterance, ...]:
    """All utterances of `segments`, in order of time. `epoch_ms` is the meeting's; see `meeting_epoch_ms`."""
    spoken = [utterance for segment in segments for utterance in _of_segment(segment, epoch_ms)]
    return tuple(sorted(spoken, key=lambda each: (each.start_ms, each.connection_id, each.segment_id)))


def _of_segment(segment: SegmentTranscript, epoch_ms: int) -> Iterator[Utterance]:
    shift_ms = segment.epoch_offset_ms - epoch_ms
    for speaker, group in groupby(segment.words, key=lambda word: word.speaker):
        words = tuple(
            msgspec.structs.replace(word, start_ms=word.start_ms + shift_ms, end_ms=word.end_ms + shift_ms)
            for word in group
        )
        start_ms = min(word.start_ms for word in words)
        yield Utterance(
            speaker=speaker,
            text=word_joint(segment.language).join(word.text for word in words),
            start_ms=start_ms,
            end_ms=max(word.end_ms for word in words),
            start_at=_iso(epoch_ms + start_ms),
            connection_id=segment.connection_id,
            segment_id=segment.segment_id,
            final=segment.final,
            language=segment.language,
            words=words,
        )


def _iso(epoch_ms: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=min(max(epoch_ms, 0), _LATEST_MS))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
