"""The five response formats of OpenAI's transcription route. Pure."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from whisper_service.transcription import Request, Segment, Transcription


class Format(msgspec.Struct, frozen=True):
    """`media_type` of the answer and how it is written."""

    media_type: str
    write: Callable[[Transcription, Request], str]


def _json(body: dict[str, Any]) -> str:
    return msgspec.json.encode(body).decode()


def as_json(transcription: Transcription, _request: Request) -> str:
    """The text and nothing else."""
    return _json({"text": transcription.text})


def as_verbose_json(transcription: Transcription, request: Request) -> str:
    """Text, segments with the decoder's certainty, and words when their times were asked for.

    `language` is the ISO code, where OpenAI's own server writes the English name; words have a `probability` more.
    """
    body: dict[str, Any] = {
        "task": "transcribe",
        "language": transcription.language,
        "duration": round(transcription.duration_s, 3),
        "text": transcription.text,
        "segments": transcription.segments,
    }
    if request.word_times:
        body["words"] = transcription.words
    return _json(body)


def as_text(transcription: Transcription, _request: Request) -> str:
    """The text and a newline."""
    return transcription.text + "\n"


def as_srt(transcription: Transcription, _request: Request) -> str:
    """SubRip, a cue a segment."""
    return "".join(
        f"{number}\n{_cue(segment, ',')}\n{_one_line(segment.text)}\n\n"
        for number, segment in enumerate(transcription.segments, start=1)
    )


def as_vtt(transcription: Transcription, _request: Request) -> str:
    """WebVTT, a cue a segment."""
    cues = (f"{_cue(segment, '.')}\n{_one_line(segment.text)}\n\n" for segment in transcription.segments)
    return "WEBVTT\n\n" + "".join(cues)


FORMATS: Final = {
    "json": Format("application/json", as_json),
    "text": Format("text/plain; charset=utf-8", as_text),
    "srt": Format("text/plain; charset=utf-8", as_srt),
    "verbose_json": Format("application/json", as_verbose_json),
    "vtt": Format("text/vtt; charset=utf-8", as_vtt),
}
"""By the name that `response_format` gives."""


def timestamp(seconds: float, fraction_mark: str) -> str:
    """`HH:MM:SS,mmm`, with the format's own mark before the milliseconds."""
    total_ms = max(0, round(seconds * 1000))
    minutes, ms = divmod(total_ms, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}{fraction_mark}{ms % 1000:03}"


def _cue(segment: Segment, fraction_mark: str) -> str:
    return f"{timestamp(segment.start, fraction_mark)} --> {timestamp(segment.end, fraction_mark)}"


def _one_line(text: str) -> str:
    """As Whisper's own writer does: an arrow in the text would read as a cue's times, an empty line as its end."""
    return " ".join(text.split()).replace("-->", "->")
