"""Port: what the worker asks of Whisper, and what it gets, whatever the server's dialect."""

from typing import Protocol

import msgspec


class WhisperWord(msgspec.Struct, frozen=True):
    """One word; times in seconds since the first sample of the audio that was sent, its padding included."""

    text: str
    start_s: float
    end_s: float
    probability: float
    """0 to 1; 0 where the server tells nothing that it could be taken from."""


class WhisperSegment(msgspec.Struct, frozen=True):
    """One span as Whisper decoded it (not ours), with what it says about its own certainty. None: not told."""

    start_s: float
    end_s: float
    text: str
    avg_logprob: float | None = None
    no_speech_prob: float | None = None
    compression_ratio: float | None = None


class WhisperResult(msgspec.Struct, frozen=True, kw_only=True):
    """What Whisper heard. `words` is empty where it heard nothing, or where it gave neither word nor segment times."""

    text: str
    language: str = ""
    duration_s: float | None = None
    words: tuple[WhisperWord, ...] = ()
    segments: tuple[WhisperSegment, ...] = ()


class WhisperClient(Protocol):
    """Speech to words."""

    def transcribe(self, audio: bytes, *, language: str, prompt: str, model: str = "") -> WhisperResult:
        """Recognise FLAC `audio`. `language` is an ISO 639 code or empty (detect it); `prompt` may be empty, and so may `model`:
        the installation's, as always where the server has but one.

        Returns or raises within the client's time budget, its own retries included. Raises `Backpressure` when the server
        is saturated, `Permanent` when it refuses this audio for good, `Retryable` on everything else.
        """
        ...
