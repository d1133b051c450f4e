"""The engine: a Whisper model under faster-whisper (CTranslate2), on the CPU or on a GPU.

Deterministic: beam search at temperature 0, never sampling, nothing carried from one request to the next; on the CPU each
transcription runs on one thread, so sums are made in the same order however many run beside it. Whether a GPU keeps the
order of its sums has not been tested here.
"""

import threading
from typing import TYPE_CHECKING, Final

import numpy as np

from common.clock import Clock
from common.errors import Permanent, Retryable
from common.logs import get_logger
from whisper_service.device import ComputeType, DeviceChoice, chosen_compute_type, chosen_device
from whisper_service.transcription import SAMPLE_RATE_HZ, Request, Samples, Segment, Transcription, Word

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment as DecodedSegment

log = get_logger(__name__)

ONE_WINDOW_S: Final = 30.0
"""What Whisper hears at once. Longer audio needs the decoder's own time marks to move on."""
WARM_UP: Final = np.zeros(SAMPLE_RATE_HZ, np.float32)


class WhisperEngine:
    """An `Engine`. Thread-safe; `workers` transcriptions run at a time, others wait inside.

    Not usable before `load` has returned; `load_in_background` lets the process answer health checks meanwhile.
    """

    def __init__(
        self,
        model: str,
        *,
        workers: int,
        beam_size: int,
        clock: Clock,
        device: DeviceChoice = "cpu",
        compute_type: ComputeType = "auto",
    ) -> None:
        """`model` is a folder or a name that faster-whisper downloads; see `model_location`. `device` and `compute_type`: see `device`."""
        self._model_name = model
        self._device = device
        self._compute_type = compute_type
        self._workers = workers
        self._beam_size = beam_size
        self._clock = clock
        self._model: WhisperModel | None = None
        self._failed = False

    def load_in_background(self) -> threading.Thread:
        """Load on a thread of its own, which is returned."""

        def run() -> None:
            try:
                self.load()
            except Exception:
                self._failed = True
                log.exception("model_not_loaded")
                raise

        thread = threading.Thread(target=run, name="load-model", daemon=True)
        thread.start()
        return thread

    def load(self) -> None:
        """Load the model and transcribe a second of silence, which takes what only the first call costs.

        Raises `NoSuchDevice` where the device is not there or cannot compute so.
        """
        began_s = self._clock.monotonic_s()
        import ctranslate2
        from faster_whisper import WhisperModel  # here: half a second in which /health already answers

        device = chosen_device(self._device, devices=ctranslate2.get_cuda_device_count())
        compute_type = chosen_compute_type(
            self._compute_type, device, supported=ctranslate2.get_supported_compute_types(device)
        )
        model = WhisperModel(
            self._model_name, device=device, compute_type=compute_type, cpu_threads=1, num_workers=self._workers
        )
        loaded_s = self._clock.monotonic_s()
        self._run(model, WARM_UP, Request(word_times=True, segment_times=False))
        self._model = model
        log.info(
            "model_loaded",
            load_ms=round((loaded_s - began_s) * 1000),
            warm_up_ms=round((self._clock.monotonic_s() - loaded_s) * 1000),
            workers=self._workers,
            device=device,
            compute_type=compute_type,
        )

    def check(self) -> None:
        """See `Engine`."""
        self._loaded()

    def transcribe(self, samples: Samples, request: Request) -> Transcription:
        """See `Engine`."""
        return self._run(self._loaded(), samples, request)

    def _loaded(self) -> "WhisperModel":
        if self._failed:
            raise Retryable("The model could not be loaded; the log says why.", reason="model_not_loaded")
        if self._model is None:
            raise Retryable("The model is being loaded.", reason="model_loading")
        return self._model

    def _run(self, model: "WhisperModel", samples: Samples, request: Request) -> Transcription:
        known = model.supported_languages
        if request.language and request.language not in known:
            raise Permanent(
                f"The model does not know the language {request.language!r}; it knows {', '.join(sorted(known))}.",
                reason="unsupported_language",
            )
        duration_s = len(samples) / SAMPLE_RATE_HZ
        decoded, info = model.transcribe(
            samples,
            language=request.language or None,
            initial_prompt=request.prompt or None,
            beam_size=self._beam_size,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=request.word_times,
            without_timestamps=not request.segment_times and duration_s <= ONE_WINDOW_S,
        )
        found = list(decoded)  # the decoding itself
        return Transcription(
            language=info.language,
            duration_s=duration_s,
            segments=tuple(_segment(index, segment) for index, segment in enumerate(found)),
            words=tuple(word for segment in found for word in _words(segment)),
        )


def _segment(index: int, segment: "DecodedSegment") -> Segment:
    return Segment(
        id=index,
        seek=segment.seek,
        start=round(float(segment.start), 3),
        end=round(float(segment.end), 3),
        text=segment.text,
        tokens=tuple(segment.tokens),
        temperature=float(segment.temperature or 0.0),
        avg_logprob=float(segment.avg_logprob),
        compression_ratio=float(segment.compression_ratio),
        no_speech_prob=float(segment.no_speech_prob),
    )


def _words(segment: "DecodedSegment") -> list[Word]:
    return [
        Word(text, round(float(word.start), 3), round(float(word.end), 3), round(float(word.probability), 6))
        for word in segment.words or []
        if (text := word.word.strip())
    ]
