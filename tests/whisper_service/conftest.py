"""What the tests of the Whisper service share: speech from the demo conversation, and an engine that only pretends."""

import io
import threading
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from common.errors import Retryable
from whisper_service.transcription import SAMPLE_RATE_HZ, Segment, Transcription, Word

CONVERSATION = Path(__file__).parents[2] / "turnscribe" / "demo" / "conversation.webm"


class FakeEngine:
    """Hears as many words as there are seconds, keeps what it was asked, and waits at `gate` when it is closed."""

    def __init__(self):
        self.ready = True
        self.requests = []
        self.samples = []
        self.gate = threading.Event()
        self.gate.set()

    def check(self):
        if not self.ready:
            raise Retryable("The model is being loaded.", reason="model_loading")

    def transcribe(self, samples, request):
        self.requests.append(request)
        self.samples.append(samples)
        assert self.gate.wait(30)
        seconds = len(samples) // SAMPLE_RATE_HZ
        words = tuple(Word(f"word{second}", float(second), second + 0.5, 0.9) for second in range(seconds))
        text = "".join(f" {word.word}" for word in words)
        segment = Segment(0, 0, 0.0, float(seconds), text, (1, 2), 0.0, -0.1, 1.0, 0.01)
        return Transcription(
            language=request.language or "en",
            duration_s=len(samples) / SAMPLE_RATE_HZ,
            segments=(segment,) if words else (),
            words=words if request.word_times else (),
        )


@pytest.fixture
def engine():
    fake = FakeEngine()
    yield fake
    fake.gate.set()


def wav(samples):
    """`samples` (int16, mono) as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


@pytest.fixture(scope="session")
def as_wav():
    return wav


@pytest.fixture(scope="session")
def tone_wav():
    """Two and a half seconds of a tone."""
    return wav(8000 * np.sin(np.arange(SAMPLE_RATE_HZ * 5 // 2) / 6))


@pytest.fixture(scope="session")
def conversation():
    """The demo conversation, int16, mono."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
    with av.open(str(CONVERSATION)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]])


@pytest.fixture(scope="session")
def speech(conversation):
    """The first two turns: eleven seconds that begin with `Good morning everyone`."""
    return conversation[: 12 * SAMPLE_RATE_HZ]


@pytest.fixture(scope="session")
def speech_wav(speech):
    return wav(speech)
