"""What the transcribe service reads from the environment."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from common.pipeline_settings import PushedSettings
from common.settings import SECONDS, Secret


class TranscribeSettings(PushedSettings, frozen=True, kw_only=True):
    """Whisper's address and limits. The defaults fit a subscription with an acknowledgement deadline of 60 s."""

    REQUIRED: ClassVar[tuple[str, ...]] = ("API_TOKEN", "WHISPER_SERVICE_URL")

    whisper_service_url: Annotated[
        str,
        Meta(
            pattern="^https?://[^/]",
            description=(
                "Base URL of a Whisper server that speaks the OpenAI dialect; /v1/audio/transcriptions is added where it is missing."
            ),
        ),
    ] = ""
    whisper_api_token: Annotated[Secret, Meta(description="Bearer token of the Whisper server, if it wants one.")] = (
        Secret()
    )
    whisper_model_name: Annotated[
        str, Meta(min_length=1, description="Model to ask the Whisper server for; servers with one model ignore it.")
    ] = "whisper-1"
    whisper_language: Annotated[
        str,
        Meta(
            pattern="^([A-Za-z]{2,3}(-[A-Za-z0-9]+)*)?$",
            description="Language of connections that name none, e.g. en. Empty: Whisper detects it.",
        ),
    ] = ""
    whisper_timeout_sec: Annotated[float, SECONDS, Meta(description="Longest wait for one answer of Whisper.")] = 40.0
    whisper_budget_sec: Annotated[
        float, SECONDS, Meta(description="Longest time for one segment at Whisper, all attempts and waits included.")
    ] = 50.0
    processing_threads: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Segments that one instance has at Whisper at a time; the queue keeps the others.",
        ),
    ] = 2
    processing_wait_sec: Annotated[
        float,
        Meta(ge=0, description="How long a final segment waits for one of these places before the queue gets it back."),
    ] = 5.0
    provisional_max_age_sec: Annotated[
        float,
        SECONDS,
        Meta(description="Live revisions that waited longer than this in the queue are not transcribed."),
    ] = 15.0
    republish_after_sec: Annotated[
        float,
        SECONDS,
        Meta(
            description=(
                "A closed stream may miss transcripts for so long; then the sweep publishes their segments again. Later sweeps take "
                "longer and longer pauses, so that a backlog at Whisper does not grow by it."
            )
        ),
    ] = 300.0
    push_ack_deadline_sec: Annotated[
        float,
        Meta(
            ge=10, le=600, description="Acknowledgement deadline of the segments subscription (also its push timeout)."
        ),
    ] = 60.0

    def problems(self) -> Iterator[str]:
        """Adds: one segment must be done, or given back, before its push times out."""
        yield from super().problems()
        if self.processing_wait_sec + self.whisper_budget_sec >= self.push_ack_deadline_sec:
            yield (
                "WHISPER_BUDGET_SEC: together with PROCESSING_WAIT_SEC it must stay below PUSH_ACK_DEADLINE_SEC "
                f"({self.push_ack_deadline_sec:g}), or the queue delivers a segment again while it is being worked on"
            )
        if self.whisper_timeout_sec > self.whisper_budget_sec:
            yield "WHISPER_TIMEOUT_SEC: must not be longer than WHISPER_BUDGET_SEC"
