"""A Whisper that knows the shipped conversation by heart: it finds where in it a segment lies, and says the words that are loud in it.

What it says does not depend on where segments are cut, so transcripts can be compared word for word. It keeps account of what it was sent.
"""

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.whisper_stand_in import WhisperStandIn
from turnscribe.demo.command import CONVERSATION, CONVERSATION_TRUTH
from turnscribe.demo.speakers import load_ground_truth

RATE_HZ = 16_000
PADDING_S = 0.2
LOUD = 0.0003
Pcm = NDArray[np.float32]


@dataclass(frozen=True)
class SaidWord:
    """A word of the conversation and its time in it, as long as its letters."""

    text: str
    start_s: float
    end_s: float
    speaker: str


def said_words() -> list[SaidWord]:
    """In order of time."""
    words = []
    for turn in load_ground_truth(CONVERSATION_TRUTH).turns:
        texts = turn.text.split()
        a_letter_s = (turn.end - turn.start) / sum(map(len, texts))
        at_s = turn.start
        for text in texts:
            words.append(SaidWord(text, at_s, at_s + a_letter_s * len(text), turn.speaker))
            at_s += a_letter_s * len(text)
    return sorted(words, key=lambda word: (word.start_s, word.end_s))


def conversation_pcm() -> Pcm:
    """Mono, at RATE_HZ, from -1 to 1."""
    parts = []
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    with av.open(str(CONVERSATION)) as container:
        for frame in container.decode(audio=0):
            parts += [each.to_ndarray()[0] for each in resampler.resample(frame)]
        parts += [each.to_ndarray()[0] for each in resampler.resample(None)]
    return np.concatenate(parts)


@dataclass
class Asked:
    """What Whisper was sent: `(start_s, end_s)` in the conversation, without padding."""

    spans: list[tuple[float, float]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return sum(end_s - start_s for start_s, end_s in self.spans)


class KnowingWhisper(WhisperStandIn):
    """See `WhisperStandIn`."""

    def __init__(self) -> None:
        super().__init__(lambda form: self.heard(_audio_of(form)))
        self.asked = Asked()
        self._reference = conversation_pcm()
        self._words = said_words()
        self._lock = threading.Lock()

    def heard(self, audio: Pcm) -> dict[str, Any]:
        """The answer for a segment with its padding."""
        speech = audio[round(PADDING_S * RATE_HZ) : -round(PADDING_S * RATE_HZ)]
        begin_s = self._place_of(speech) / RATE_HZ
        end_s = begin_s + len(speech) / RATE_HZ
        with self._lock:
            self.asked.spans.append((begin_s, end_s))
        words = [
            {
                "word": f" {word.text}",
                "start": word.start_s - begin_s + PADDING_S,
                "end": word.end_s - begin_s + PADDING_S,
                "probability": 0.9,
            }
            for word in self._words
            if begin_s <= (word.start_s + word.end_s) / 2 < end_s and _is_loud(speech, word, begin_s)
        ]
        text = "".join(str(word["word"]) for word in words)
        segments = [_segment(words, text)] if words else []
        return {
            "task": "transcribe",
            "language": "en",
            "duration": 1.0,
            "text": text,
            "segments": segments,
            "words": words,
        }

    def _place_of(self, speech: Pcm) -> int:
        """Where in the conversation it fits best."""
        size = 1 << (len(self._reference) + len(speech)).bit_length()
        fit = np.fft.irfft(np.fft.rfft(self._reference, size) * np.conj(np.fft.rfft(speech, size)), size)
        return int(np.argmax(fit[: len(self._reference)]))


def _segment(words: Sequence[dict[str, Any]], text: str) -> dict[str, Any]:
    return {
        "id": 0,
        "seek": 0,
        "start": words[0]["start"],
        "end": words[-1]["end"],
        "text": text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": -0.1,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.01,
    }


def _is_loud(speech: Pcm, word: SaidWord, begin_s: float) -> bool:
    first = max(0, round((word.start_s - begin_s) * RATE_HZ))
    heard = speech[first : max(first + 1, round((word.end_s - begin_s) * RATE_HZ))]
    return bool(len(heard)) and float(np.sqrt(np.mean(heard**2))) > LOUD


def _audio_of(form: bytes) -> Pcm:
    """The FLAC in a multipart form."""
    samples, rate_hz = soundfile.read(io.BytesIO(form[form.index(b"fLaC") :]), dtype="float32")
    assert rate_hz == RATE_HZ
    return samples
