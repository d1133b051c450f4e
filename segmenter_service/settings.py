"""What the segmenter reads from the environment."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from common.pipeline_settings import PushedSettings
from common.settings import SECONDS, Secret


class SegmenterSettings(PushedSettings, frozen=True, kw_only=True):
    """Hot state, cutting, speakers, waiting."""

    REQUIRED = ()

    redis_host: Annotated[
        str,
        Meta(
            description=(
                "Redis server of the hot state; must be set on Cloud Run. Empty: in this process, which can then be the only one of its kind."
            )
        ),
    ] = ""
    redis_port: Annotated[int, Meta(ge=1, le=65535, description="Port of the Redis server.")] = 6379
    redis_password: Annotated[Secret, Meta(description="Password (AUTH) of the Redis server.")] = Secret()
    redis_tls: Annotated[bool, Meta(description="Speak TLS with the Redis server; Memorystore does on port 6378.")] = (
        False
    )
    redis_ca_cert: Annotated[
        str,
        Meta(
            description=(
                "Certificate authority of the Redis server: PEM, or the path of a PEM file. Empty: those of the machine. "
                "REDIS_TLS only."
            )
        ),
    ] = ""
    hot_state_ttl_sec: Annotated[
        float,
        SECONDS,
        Meta(
            description="How long the hot state of a silent connection is kept; of one that was closed for its silence, an hour at most, of one "
            "that its uploader has ended, ten minutes. It is rebuilt from the bucket when it is gone."
        ),
    ] = 86_400.0

    tenant_streams: Annotated[
        int,
        Meta(
            ge=0,
            description="Streams of one tenant that may have a hot state at a time. Those that come beyond wait in the bucket, and are taken "
            "up by the sweep as others end. 0: any number.",
        ),
    ] = 5_000

    segment_size_sec: Annotated[float, Meta(ge=2, le=60, description="Length that segments aim at.")] = 10.0
    max_audio_length_sec: Annotated[float, Meta(ge=10, le=600, description="Longest segment.")] = 60.0
    transcriber_step_sec: Annotated[
        float,
        Meta(
            ge=1,
            le=60,
            description="How often the open segment is published as a provisional revision, in seconds of audio.",
        ),
    ] = 5.0

    speaker_delay_sec: Annotated[
        Annotated[float, Meta(ge=0, le=30)] | Literal["auto"],
        Meta(
            description=(
                "How far speaker indications trail the audio that they describe, in seconds from 0 to 30; or `auto`: found for each "
                "connection, from when voices set in and when somebody is shown to speak, up to 3 s."
            )
        ),
    ] = 0.0
    speaker_wait_sec: Annotated[
        float, Meta(ge=0, le=60, description="How long a cut waits for speaker information that has not arrived.")
    ] = 5.0

    speaker_relabel_sec: Annotated[
        float,
        Meta(
            ge=0,
            le=600,
            description=(
                "Speaker information that comes after its audio was cut still counts for the last so many seconds of cut audio. "
                "Later than this it is kept and changes nothing."
            ),
        ),
    ] = 120.0

    gap_deadline_sec: Annotated[
        float, SECONDS, Meta(description="How long a missing chunk is waited for before it is named as a gap.")
    ] = 30.0
    idle_flush_sec: Annotated[
        float, SECONDS, Meta(description="A stream silent for so long gets its open segment as final.")
    ] = 60.0
    idle_close_sec: Annotated[
        float, SECONDS, Meta(description="A stream silent for so long is closed without the uploader's end.")
    ] = 600.0
    check_and_process_connections_interval_sec: Annotated[
        float,
        SECONDS,
        Meta(
            description="How often the sweep looks for streams that nobody pushes (embedded stack; Cloud Scheduler in the cloud)."
        ),
    ] = 10.0
    pcm_cache_mib: Annotated[
        int,
        Meta(
            ge=0,
            le=16_384,
            description="Decoded audio of open segments that one instance keeps at hand, MiB; what is not there is decoded again from the bucket.",
        ),
    ] = 256

    def problems(self) -> Iterator[str]:
        """The cap must leave room for a segment of the aimed size, and instances that come and go need one hot state."""
        yield from super().problems()
        if self.k_service and not self.redis_host:
            yield "REDIS_HOST: must be set on Cloud Run, whose instances come and go: without it each has a hot state of its own"
        if self.max_audio_length_sec < 1.6 * self.segment_size_sec:
            yield "MAX_AUDIO_LENGTH_SEC: must be at least 1.6 × SEGMENT_SIZE_SEC, the last place where a pause is looked for"
        if self.idle_close_sec < self.idle_flush_sec:
            yield "IDLE_CLOSE_SEC: must not be shorter than IDLE_FLUSH_SEC"
