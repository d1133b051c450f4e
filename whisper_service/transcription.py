"""What is asked of the engine and what it answers. Times in seconds since the audio's first sample."""

from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
"""Mono, at `SAMPLE_RATE_HZ`, full scale ±1."""

SAMPLE_RATE_HZ = 16_000


class Word(msgspec.Struct, frozen=True):
    """One recognised word, without the blanks around it."""

    word: str
    start: float
    end: float
    probability: float


class Segment(msgspec.Struct, frozen=True):
    """A span as the decoder produced it, with what it says about its own certainty. Members as in OpenAI's answer."""

    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: tuple[int, ...]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float


class Transcription(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. `words` is empty unless they were asked for."""

    language: str
    """ISO 639 code."""
    duration_s: float
    segments: tuple[Segment, ...]
    words: tuple[Word, ...] = ()

    @property
    def text(self) -> str:
        """All that was said."""
        return "".join(segment.text for segment in self.segments).strip()


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """How to transcribe. `language` is an ISO 639 code, or empty to detect it; `prompt` may be empty."""

    language: str = ""
    prompt: str = ""
    word_times: bool = False
    segment_times: bool = True
    """False: the caller has no use for the decoder's own segments; it does better without looking for them."""


class Engine(Protocol):
    """Speech to words."""

    def transcribe(self, samples: Samples, request: Request) -> Transcription:
        """The words of `samples`. Same samples, same answer.

        Raises `Permanent` (reason `unsupported_language`) for a language that the model does not know, `Retryable`
        while no model is loaded.
        """
        ...

    def check(self) -> None:
        """Raise `Retryable` while no transcription is possible (readiness)."""
        ...
