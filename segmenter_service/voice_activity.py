"""Voice activity: one value per 32-ms frame, from Silero (ONNX). Resumable; what the values mean for cutting is in `cutting`.

The model is the file that the faster-whisper wheel carries; the package itself is not imported, for it would load CTranslate2.
"""

import importlib.util
import os
import threading
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

# Else importing it begins a session of telemetry: an identifier is written beside temporary files, and its maker may be told.
os.putenv("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

SAMPLE_RATE: Final = 16_000
FRAME_SAMPLES: Final = 512
FRAME_MS: Final = 32
_CONTEXT_SAMPLES: Final = 64
"""The model sees this many samples before each frame."""
_FLOAT_OF_INT16: Final = np.float32(1 / 32768)

Samples = npt.NDArray[np.int16]


class VoiceActivityState(msgspec.Struct, array_like=True):
    """What must be kept between two calls: at most 2.2 KB. A new one stands at the start of a stream."""

    hidden: bytes = bytes(512)
    """LSTM state h, 128 float32."""
    cell: bytes = bytes(512)
    """LSTM state c, 128 float32."""
    context: bytes = bytes(2 * _CONTEXT_SAMPLES)
    """The last 64 samples of the last complete frame, int16."""
    tail: bytes = b""
    """Fewer than 512 samples that do not fill a frame yet, int16."""


class VoiceActivity:
    """Silero behind one ONNX session with one thread, loaded on first use and shared by all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: Any = None

    def frames(self, state: VoiceActivityState, samples: Samples) -> bytes:
        """The activity of every frame that `samples` (16 kHz, mono, shape (n,)) completes; moves `state` on.

        One byte per frame: round(255 · probability of speech). Any split of a stream gives the same bytes, because the model
        works through the frames of a call one after the other.
        """
        waiting = np.concatenate([np.frombuffer(state.tail, np.int16), samples])
        count = len(waiting) // FRAME_SAMPLES
        complete, tail = waiting[: count * FRAME_SAMPLES], waiting[count * FRAME_SAMPLES :]
        state.tail = tail.tobytes()
        if not count:
            return b""
        with_context = np.concatenate([np.frombuffer(state.context, np.int16), complete])
        windows = np.lib.stride_tricks.sliding_window_view(with_context, _CONTEXT_SAMPLES + FRAME_SAMPLES)[
            ::FRAME_SAMPLES
        ]
        probabilities, hidden, cell = self._loaded().run(
            None,
            {
                "input": windows * _FLOAT_OF_INT16,
                "h": np.frombuffer(state.hidden, np.float32).reshape(1, 1, 128),
                "c": np.frombuffer(state.cell, np.float32).reshape(1, 1, 128),
            },
        )
        state.hidden, state.cell = hidden.tobytes(), cell.tobytes()
        state.context = complete[-_CONTEXT_SAMPLES:].tobytes()
        values: bytes = np.rint(probabilities.ravel() * 255).astype(np.uint8).tobytes()
        return values

    def _loaded(self) -> Any:
        with self._lock:
            if self._session is None:
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = options.inter_op_num_threads = 1
                self._session = onnxruntime.InferenceSession(
                    str(_model_file()), options, providers=["CPUExecutionProvider"]
                )
            return self._session


def _model_file() -> Path:
    spec = importlib.util.find_spec("faster_whisper")
    if spec is None or spec.origin is None:
        raise RuntimeError("the Silero model is missing: install faster-whisper, whose wheel carries it")
    return next(Path(spec.origin).parent.joinpath("assets").glob("silero_vad*.onnx"))
