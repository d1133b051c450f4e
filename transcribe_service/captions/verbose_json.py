"""OpenAI's `verbose_json`: text, segments and words, times in seconds.

A segment is an utterance. Of Whisper's own numbers only the words' probabilities are stored, so some are worked out again and some
are not known: `tokens` is empty and `no_speech_prob` 0; `temperature` is 0, at which Whisper is asked.
"""

import math
import zlib
from collections import Counter
from typing import Final, Literal

import msgspec

from transcribe_service.captions.spoken_length import audio_s, seconds, whole_text
from transcribe_service.transcript import Transcript
from transcribe_service.utterances import Utterance

_LEAST_PROBABILITY: Final = 1e-9
"""The logarithm of 0 is no number that JSON has."""


class AudioUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What OpenAI would bill by. Nobody bills here; it is the audio's length."""

    type: Literal["duration"] = "duration"
    seconds: float


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
    avg_logprob: float
    """Mean logarithm of the words' probabilities; OpenAI's is that of the tokens'."""
    compression_ratio: float
    """Bytes of the text divided by its bytes once compressed by zlib, as Whisper computes it."""
    no_speech_prob: float = 0.0
    """Always 0: not stored. What voice activity takes for silence does not come to Whisper at all."""


class VerboseTranscription(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer."""

    task: Literal["transcribe"] = "transcribe"
    language: str
    """The language of most of the words, as Whisper calls it; empty where nothing was said."""
    duration: float
    text: str
    segments: tuple[VerboseSegment, ...]
    words: tuple[VerboseWord, ...]
    usage: AudioUsage


def verbose_json(transcript: Transcript) -> str:
    """The transcript in OpenAI's verbose format."""
    length_s = audio_s(transcript)
    answer = VerboseTranscription(
        language=_language(transcript),
        duration=length_s,
        text=whole_text(transcript),
        segments=tuple(_segment(number, said) for number, said in enumerate(transcript.utterances)),
        words=tuple(
            VerboseWord(word.text, seconds(word.start_ms), seconds(word.end_ms))
            for utterance in transcript.utterances
            for word in utterance.words
        ),
        usage=AudioUsage(seconds=length_s),
    )
    return msgspec.json.encode(answer).decode()


def _language(transcript: Transcript) -> str:
    words = Counter[str]()
    for utterance in transcript.utterances:
        words[utterance.language] += len(utterance.words)
    return max(words, key=words.__getitem__, default="")


def _segment(number: int, said: Utterance) -> VerboseSegment:
    text = said.text.encode()
    logarithms = [math.log(min(max(word.probability, _LEAST_PROBABILITY), 1.0)) for word in said.words]
    return VerboseSegment(
        id=number,
        seek=said.start_ms // 10,
        start=seconds(said.start_ms),
        end=seconds(said.end_ms),
        text=said.text,
        avg_logprob=round(math.fsum(logarithms) / len(logarithms), 4),
        compression_ratio=round(len(text) / len(zlib.compress(text)), 4),
    )
