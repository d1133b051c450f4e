"""What the Engine API is sent: one POST for each version of a segment, with an array of its utterances. Pure."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from common.ports.transcript_store import Word
from transcribe_service.delivery.content import Said
from transcribe_service.reading.utterances import Utterance, wall_clock

NO_SOURCE: Final = "unknown"
"""Stands in the path where the uploader did not say where the meeting takes place."""


class EngineWord(msgspec.Struct, frozen=True):
    """One word, with its times in ISO 8601."""

    word: str
    start: str
    end: str
    confidence: float


class EngineSegment(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive words of one speaker. Times in ISO 8601."""

    content: str
    start_timestamp: str
    end_timestamp: str
    speaker: str | None
    confidence: float
    """Mean of the words'."""
    words: tuple[EngineWord, ...]
    server_timestamp: str
    """When it was transcribed."""
    present_user_ids: tuple[str, ...]
    segment_id: str
    revision: int
    final: bool


def engine_url(base_url: str, source: str, meeting_id: str) -> str:
    """Where a meeting's segments are posted."""
    place, meeting = quote(source or NO_SOURCE, safe=""), quote(meeting_id, safe="")
    return f"{base_url.rstrip('/')}/api/transcripts/segments/{place}/{meeting}"


def engine_body(said: Said, happened_at_ms: int) -> bytes:
    """A segment without words is sent as one without content: it takes back what an earlier revision said."""
    spoken = [_segment(said, each, happened_at_ms) for each in said.utterances]
    return msgspec.json.encode(spoken or [_nothing(said, happened_at_ms)])


def _segment(said: Said, utterance: Utterance, happened_at_ms: int) -> EngineSegment:
    return EngineSegment(
        content=utterance.text,
        start_timestamp=wall_clock(said.epoch_ms + utterance.start_ms),
        end_timestamp=wall_clock(said.epoch_ms + utterance.end_ms),
        speaker=utterance.speaker,
        confidence=_mean_confidence(utterance.words),
        words=tuple(
            EngineWord(
                each.text,
                wall_clock(said.epoch_ms + each.start_ms),
                wall_clock(said.epoch_ms + each.end_ms),
                each.probability,
            )
            for each in utterance.words
        ),
        server_timestamp=wall_clock(happened_at_ms),
        present_user_ids=utterance.present,
        segment_id=said.segment.segment_id,
        revision=said.segment.revision,
        final=said.segment.final,
    )


def _nothing(said: Said, happened_at_ms: int) -> EngineSegment:
    segment = said.segment
    return EngineSegment(
        content="",
        start_timestamp=wall_clock(segment.epoch_offset_ms + segment.start_ms),
        end_timestamp=wall_clock(segment.epoch_offset_ms + segment.end_ms),
        speaker=None,
        confidence=0.0,
        words=(),
        server_timestamp=wall_clock(happened_at_ms),
        present_user_ids=(),
        segment_id=segment.segment_id,
        revision=segment.revision,
        final=segment.final,
    )


def _mean_confidence(words: Sequence[Word]) -> float:
    return sum(each.probability for each in words) / len(words) if words else 0.0
