"""Adapter: the plain dialect of the earlier system's Whisper server: the audio as the body, everything else in the query.

`POST` to the URL as it is given, `prefix`, `language` and `task` in its query; the answer is faster-whisper's segments as arrays.
The server has one model and says no language.
"""

from typing import Annotated, Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
from msgspec import Meta

from common.errors import Permanent, Retryable
from common.json_input import UNREADABLE_JSON
from common.logs import get_logger
from transcribe_service.whisper.calls import Call, WhisperCalls
from transcribe_service.whisper.client import WhisperResult, WhisperSegment, WhisperWord
from transcribe_service.whisper.word_times import certainty, interpolated

log = get_logger(__name__)

_Seconds = Annotated[float, Meta(ge=-86_400, le=86_400)]
TRANSCRIBE: Final = "transcribe"


class PlainDialect:
    """A `WhisperClient`. Thread-safe. Which model it asks for is the server's business."""

    def __init__(self, service_url: str, *, calls: WhisperCalls) -> None:
        self._url = service_url
        self._calls = calls

    def transcribe(self, audio: bytes, *, language: str, prompt: str, model: str = "") -> WhisperResult:  # noqa: ARG002 -- the port's
        """See `WhisperClient`; as in the other dialect, a language that is refused with the audio is left out once."""
        deadline_s = self._calls.deadline_s()
        try:
            return self._calls.within(deadline_s, self._call(audio, language, prompt))
        except Permanent as refused:
            if not language:
                raise
            log.warning("whisper_refused_with_language", language=language, reason=refused.reason)
            return self._calls.within(deadline_s, self._call(audio, "", prompt))

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._calls.close()

    def _call(self, audio: bytes, language: str, prompt: str) -> Call:
        asked = {"task": TRANSCRIBE, "language": language, "prefix": prompt}
        query = urlencode({name: value for name, value in asked.items() if value})
        parts = urlsplit(self._url)
        url = urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))
        return Call(url, audio, "audio/flac", read_answer)


class _Word(msgspec.Struct, array_like=True):
    start: _Seconds
    end: _Seconds
    word: str
    probability: float = 0.0


class _Segment(msgspec.Struct, array_like=True):
    """faster-whisper's order of fields; what later versions append is left alone."""

    id: int
    seek: int
    start: _Seconds
    end: _Seconds
    text: str
    tokens: Any = None
    temperature: float | None = None
    avg_logprob: float | None = None
    compression_ratio: float | None = None
    no_speech_prob: float | None = None
    words: list[_Word] | None = None


class _Answer(msgspec.Struct):
    segments: list[_Segment]
    language: str = ""


def read_answer(body: bytes) -> WhisperResult:
    """Decode an answer. Raises `Retryable` (reason `whisper_invalid_answer`) when it is none."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except UNREADABLE_JSON as error:
        raise Retryable(f"Whisper's answer can't be read: {error}", reason="whisper_invalid_answer") from error
    words: list[WhisperWord] = []
    for segment in answer.segments:
        if segment.words is None:
            words += interpolated(segment.text, segment.start, segment.end, certainty(segment.avg_logprob))
        words += [
            WhisperWord(word.word, word.start, word.end, min(1.0, max(0.0, word.probability)))
            for word in segment.words or ()
        ]
    return WhisperResult(
        text="".join(segment.text for segment in answer.segments).strip(),
        language=answer.language,
        words=tuple(words),
        segments=tuple(
            WhisperSegment(
                each.start, each.end, each.text, each.avg_logprob, each.no_speech_prob, each.compression_ratio
            )
            for each in answer.segments
        ),
    )
