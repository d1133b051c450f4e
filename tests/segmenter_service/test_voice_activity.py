import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter_service.voice_activity import FRAME_SAMPLES, SAMPLE_RATE, VoiceActivity, VoiceActivityState

VAD = VoiceActivity()


def voice_like(seconds: float) -> np.ndarray:
    """Bursts of a buzzing vowel between noise: enough to move the network up and down."""
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 120 + 20 * np.sin(2 * np.pi * 3 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    buzz = sum(np.sin(k * phase) * np.exp(-(((k * 120 - 700) / 600) ** 2)) for k in range(1, 30))
    noise = np.random.default_rng(1).standard_normal(len(t))
    return (4_000 * buzz * (np.sin(2 * np.pi * 0.7 * t) > 0) + 60 * noise).clip(-32_768, 32_767).astype(np.int16)


SOUND = voice_like(6.0)
WHOLE = VAD.frames(VoiceActivityState(), SOUND)


def test_one_value_per_complete_frame() -> None:
    assert len(WHOLE) == len(SOUND) // FRAME_SAMPLES
    assert max(WHOLE) > 150
    assert min(WHOLE) < 30


@given(st.lists(st.integers(0, len(SOUND)), max_size=12))
@settings(max_examples=25, deadline=None)
def test_any_split_gives_the_same_bytes(at: list[int]) -> None:
    state = VoiceActivityState()
    values = b""
    for part in np.split(SOUND, sorted(at)):
        values += VAD.frames(state, part)
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=VoiceActivityState)
    assert values == WHOLE


def test_the_state_is_small() -> None:
    state = VoiceActivityState()
    VAD.frames(state, SOUND[: 10 * FRAME_SAMPLES - 1])
    assert len(msgspec.msgpack.encode(state)) < 2_300


def test_silence_is_no_speech() -> None:
    assert max(VAD.frames(VoiceActivityState(), np.zeros(3 * SAMPLE_RATE, np.int16))) < 128


def test_the_runtime_of_the_model_tells_nobody_that_it_runs(tmp_path: Path) -> None:
    scored = (
        "import numpy\n"
        "from segmenter_service.voice_activity import VoiceActivity, VoiceActivityState\n"
        "print(len(VoiceActivity().frames(VoiceActivityState(), numpy.zeros(5120, numpy.int16))))"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")}
    command = [sys.executable, "-c", scored]
    done = subprocess.run(
        command, env={**environ, "TMPDIR": str(tmp_path)}, cwd=Path.cwd(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "10"
    assert list(tmp_path.iterdir()) == []  # where telemetry would keep the identifier of its session
