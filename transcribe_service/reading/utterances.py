"""Segments to utterances: consecutive words of one speaker inside a segment, on the meeting's clock. Pure.

The meeting's clock counts milliseconds from the earliest beginning of any of its connections, so that what was said on
several connections stands in one order. Captions and documents are made of utterances; see `captions` and `transcript`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

import msgspec

from common.ports.transcript_store import SegmentTranscript, Word
from transcribe_service.connections.presence import Connected, present
from transcribe_service.reading.selection import EVERYTHING, Selection

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: an uploader's clock may say anything, and calendars end there."""
NOT_RENAMED: Final[Mapping[str, str]] = {}
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
    """As the meeting's `speaker_names` have it. None: nobody is known to have spoken."""
    speaker_key: str | None
    """The name that the uploader gave. Where several speakers were given one name: that of the first one heard here."""
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
    present: tuple[str, ...] = ()
    """The users who were connected at that time, in order of name."""


def word_joint(language: str) -> str:
    """What stands between two words: a space, or nothing in languages that are written without."""
    return "" if language.lower().partition("-")[0] in _UNSPACED else " "


def meeting_epoch_ms(segments: Iterable[SegmentTranscript]) -> int:
    """Epoch milliseconds at which the meeting's clock is 0: the earliest connection's first sample. 0 without segments."""
    return min((segment.epoch_offset_ms for segment in segments), default=0)


def utterances(
    segments: Sequence[SegmentTranscript],
    epoch_ms: int,
    names: Mapping[str, str] = NOT_RENAMED,
    wanted: Selection = EVERYTHING,
    connected: Sequence[Connected] = (),
) -> tuple[Utterance, ...]:
    """The wanted utterances of `segments`, in order of time. `epoch_ms` is the meeting's; see `meeting_epoch_ms`.

    `names` says what speakers are called, by the name that the uploader gave; those of one name are one speaker. `connected` says
    which users are `present`.
    """
    spoken = [
        utterance for segment in segments for utterance in _of_segment(segment, epoch_ms, names, wanted, connected)
    ]
    return tuple(sorted(spoken, key=lambda each: (each.start_ms, each.connection_id, each.segment_id)))


def _of_segment(
    segment: SegmentTranscript,
    epoch_ms: int,
    names: Mapping[str, str],
    wanted: Selection,
    connected: Sequence[Connected],
) -> Iterator[Utterance]:
    shift_ms = segment.epoch_offset_ms - epoch_ms

    def shown(word: Word) -> str | None:
        return None if word.speaker is None else names.get(word.speaker, word.speaker)

    for speaker, group in groupby(segment.words, key=shown):
        spoken = tuple(group)
        began_ms = min(word.start_ms for word in spoken) + segment.epoch_offset_ms
        if not (wanted.has_speaker(speaker, (word.speaker for word in spoken)) and wanted.has_beginning(began_ms)):
            continue
        moved = (
            msgspec.structs.replace(
                word, start_ms=word.start_ms + shift_ms, end_ms=word.end_ms + shift_ms, speaker=speaker
            )
            for word in spoken
        )
        words = tuple(filter(wanted.has_word, moved))
        if not words:
            continue
        start_ms, end_ms = min(word.start_ms for word in words), max(word.end_ms for word in words)
        yield Utterance(
            speaker=speaker,
            speaker_key=spoken[0].speaker,
            text=word_joint(segment.language).join(word.text for word in words),
            start_ms=start_ms,
            end_ms=end_ms,
            start_at=wall_clock(epoch_ms + start_ms),
            connection_id=segment.connection_id,
            segment_id=segment.segment_id,
            final=segment.final,
            language=segment.language,
            words=words,
            present=present(connected, start_ms + epoch_ms, end_ms + epoch_ms),
        )


def wall_clock(epoch_ms: int) -> str:
    """Epoch milliseconds as ISO 8601 in UTC; what no calendar has becomes the first or the last moment that it has."""
    moment = _EPOCH + timedelta(milliseconds=min(max(epoch_ms, 0), _LATEST_MS))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
