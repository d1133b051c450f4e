"""OpenAI's `diarized_json`: who said what, times in seconds."""

from typing import Literal

import msgspec

from transcribe_service.captions.spoken_length import audio_s, seconds, whole_text
from transcribe_service.captions.verbose_json import AudioUsage
from transcribe_service.transcript import Transcript


class DiarizedSegment(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive words of one speaker."""

    type: Literal["transcript.text.segment"] = "transcript.text.segment"
    id: str
    """`seg_0`, `seg_1` …"""
    start: float
    end: float
    text: str
    speaker: str
    """The name; empty where nobody is known to have spoken: OpenAI's clients want text, and blank beats a guess."""


class DiarizedTranscription(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer."""

    task: Literal["transcribe"] = "transcribe"
    duration: float
    text: str
    segments: tuple[DiarizedSegment, ...]
    usage: AudioUsage


def diarized_json(transcript: Transcript) -> str:
    """The transcript in OpenAI's format with speakers."""
    length_s = audio_s(transcript)
    answer = DiarizedTranscription(
        duration=length_s,
        text=whole_text(transcript),
        segments=tuple(
            DiarizedSegment(
                id=f"seg_{number}",
                start=seconds(said.start_ms),
                end=seconds(said.end_ms),
                text=said.text,
                speaker=said.speaker or "",
            )
            for number, said in enumerate(transcript.utterances)
        ),
        usage=AudioUsage(seconds=length_s),
    )
    return msgspec.json.encode(answer).decode()
