"""Transcripts in the shapes of OpenAI's API: what the transcribe service writes and ingest hands on to OpenAI's clients.

Times are seconds. Where a client of OpenAI's wants a number that is not kept here, the field says what stands in its place.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType


class AudioUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What OpenAI would bill by. Nobody bills here; it is the audio's length."""

    type: Literal["duration"] = "duration"
    seconds: float


class TextTranscription(msgspec.Struct, frozen=True, kw_only=True):
    """`json`: the text alone."""

    text: str
    usage: AudioUsage


class VerboseWord(msgspec.Struct, frozen=True):
    """One word."""

    word: str
    start: float
    end: float


class VerboseSegment(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive words of one speaker, with the fields that OpenAI's clients expect."""

    id: int
    """From 0 on."""
    seek: int
    """The segment's beginning in hundredths of a second."""
    start: float
    end: float
    text: str
    tokens: tuple[int, ...] = ()
    """Always empty: tokens are not stored."""
    temperature: float = 0.0
    """At which Whisper is asked."""
    avg_logprob: float
    """Mean logarithm of the words' probabilities; OpenAI's is that of the tokens'."""
    compression_ratio: float
    """Bytes of the text divided by its bytes once compressed by zlib, as Whisper computes it."""
    no_speech_prob: float = 0.0
    """Always 0: not stored. What voice activity takes for silence does not come to Whisper at all."""


class VerboseTranscription(msgspec.Struct, frozen=True, kw_only=True):
    """`verbose_json`: segments and words with times."""

    task: Literal["transcribe"] = "transcribe"
    language: str
    """The language of most of the words, as Whisper calls it; empty where nothing was said."""
    duration: float
    text: str
    segments: tuple[VerboseSegment, ...] | UnsetType = UNSET
    words: tuple[VerboseWord, ...] | UnsetType = UNSET
    usage: AudioUsage


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
    """`diarized_json`: who said what."""

    task: Literal["transcribe"] = "transcribe"
    duration: float
    text: str
    segments: tuple[DiarizedSegment, ...]
    usage: AudioUsage
