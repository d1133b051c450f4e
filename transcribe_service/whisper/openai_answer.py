"""Reading the answer of the OpenAI dialect. Pure; sending the request is `openai_dialect`.

Three shapes are in use: `verbose_json` with words at the top (OpenAI), with words inside the segments (faster-whisper
servers), and answers without word times. In the last case words are spread over the segments that have text; an answer
without segments keeps its text only, and the caller spreads it over the audio that it sent.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from common.errors import Retryable
from common.json_input import UNREADABLE_JSON
from transcribe_service.whisper.client import WhisperResult, WhisperSegment, WhisperWord
from transcribe_service.whisper.word_times import certainty, interpolated

_Seconds = Annotated[float, msgspec.Meta(ge=-86_400, le=86_400)]


class _Word(msgspec.Struct):
    word: str
    start: _Seconds
    end: _Seconds
    probability: float | None = None


class _Segment(msgspec.Struct):
    start: _Seconds = 0.0
    end: _Seconds = 0.0
    text: str = ""
    avg_logprob: float | None = None
    no_speech_prob: float | None = None
    compression_ratio: float | None = None
    words: list[_Word] | None = None


class _Answer(msgspec.Struct):
    text: str | None = None
    language: str | None = None
    duration: float | str | None = None
    """A string in OpenAI's own reference."""
    words: list[_Word] | None = None
    segments: list[_Segment] | None = None


def read_answer(body: bytes) -> WhisperResult:
    """Decode an answer. Raises `Retryable` (reason `whisper_invalid_answer`) when it is none: proxies answer with pages."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except UNREADABLE_JSON as error:
        raise _invalid(str(error)) from error
    if answer.text is None and answer.segments is None:
        raise _invalid("it has neither text nor segments")
    segments = answer.segments or []
    text = answer.text if answer.text is not None else "".join(segment.text for segment in segments)
    return WhisperResult(
        text=text.strip(),
        language=answer.language or "",
        duration_s=_seconds(answer.duration),
        words=_words(answer.words or [], segments),
        segments=tuple(
            WhisperSegment(
                segment.start,
                segment.end,
                segment.text,
                segment.avg_logprob,
                segment.no_speech_prob,
                segment.compression_ratio,
            )
            for segment in segments
        ),
    )


def _invalid(what: str) -> Retryable:
    return Retryable(f"Whisper's answer can't be read: {what}", reason="whisper_invalid_answer")


def _seconds(duration: float | str | None) -> float | None:
    try:
        seconds = float(duration) if duration is not None else None
    except ValueError:
        return None  # nothing depends on it
    return seconds if seconds is not None and math.isfinite(seconds) else None


def _words(top_level: Sequence[_Word], segments: Sequence[_Segment]) -> tuple[WhisperWord, ...]:
    if top_level:
        return tuple(_timed(top_level, segments))
    heard: list[WhisperWord] = []
    for segment in segments:
        if segment.words:
            heard += _timed(segment.words, [segment])
        else:
            heard += interpolated(segment.text, segment.start, segment.end, certainty(segment.avg_logprob))
    return tuple(heard)


def _timed(words: Iterable[_Word], segments: Sequence[_Segment]) -> Iterable[WhisperWord]:
    for word in words:
        probability = word.probability
        if probability is None:
            middle = (word.start + word.end) / 2
            around = next((segment for segment in segments if segment.start <= middle <= segment.end), None)
            probability = certainty(around.avg_logprob) if around else 0.0
        yield WhisperWord(word.word, word.start, word.end, min(1.0, max(0.0, probability)))
