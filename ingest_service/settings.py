"""What ingest reads from the environment."""

from collections.abc import Iterator
from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta

from common.pipeline_settings import PipelineSettings
from common.settings import SECONDS

PCM_BYTES_PER_SECOND: Final = 192_000
"""Uncompressed stereo, 16 bits at 48 kHz: the most that a recorder sends."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class IngestSettings(PipelineSettings, frozen=True, kw_only=True):
    """Limits of what is accepted, and which web pages may send it."""

    max_chunk_bytes: Annotated[
        int,
        Meta(
            ge=1_024,
            le=256 * 1024**2,
            description="Largest chunk that is accepted. Each request in work holds one in memory; Cloud Run ends at 32 MiB.",
        ),
    ] = 16 * 1024**2
    audio_chunk_duration_sec: Annotated[
        float,
        SECONDS,
        Meta(
            description="Length of the chunks that uploaders are asked to send (recommended_chunk_ms); others are accepted too."
        ),
    ] = 3.0
    max_recording_bytes: Annotated[
        int,
        Meta(
            ge=1024**2,
            le=1024**4,
            description="Largest recording that is accepted in one request. Cloud Run takes no more than 32 MiB over HTTP/1.",
        ),
    ] = 2 * 1024**3
    transcript_api_url: Annotated[
        str,
        Meta(
            pattern="^(https?://[^/].*)?$",
            description=(
                "Base URL of the transcribe service, which POST /v1/audio/transcriptions reads its answers from. The local runner and the "
                "stack set it; without it that route answers 501."
            ),
        ),
    ] = ""
    transcription_wait_sec: Annotated[
        float,
        Meta(
            gt=0,
            le=3_500,
            description=(
                "Longest that POST /v1/audio/transcriptions waits for a transcript; then it answers 504, and goes on waiting when it is "
                "asked again. Cloud Run's request timeout must be longer."
            ),
        ),
    ] = 540.0
    cors_allowed_origins: Annotated[
        str,
        Meta(
            description="Origins of web pages that may upload, separated by commas, such as https://meet.example; * for any."
        ),
    ] = ""

    @property
    def allowed_origins(self) -> frozenset[str]:
        """CORS_ALLOWED_ORIGINS as a set."""
        return frozenset(origin.strip() for origin in self.cors_allowed_origins.split(",") if origin.strip())

    def problems(self) -> Iterator[str]:
        """A recommended chunk must pass the limit in any format; origins must look as browsers send them."""
        yield from super().problems()
        if self.audio_chunk_duration_sec * PCM_BYTES_PER_SECOND > self.max_chunk_bytes:
            yield (
                f"AUDIO_CHUNK_DURATION_SEC: {self.audio_chunk_duration_sec:g} s of uncompressed stereo do not fit into "
                f"MAX_CHUNK_BYTES ({self.max_chunk_bytes}); ask for shorter chunks or allow larger ones"
            )
        for origin in sorted(self.allowed_origins):
            if origin != "*" and not _is_origin(origin):
                yield f"CORS_ALLOWED_ORIGINS: {origin!r} is no origin; write scheme://host or scheme://host:port"


def _is_origin(value: str) -> bool:
    """True when `value` is written exactly as browsers send it: lower case, no path, no default port."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    if not parts.scheme or not parts.hostname or port == _DEFAULT_PORTS.get(parts.scheme, 0):
        return False
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return value == f"{parts.scheme}://{host}" + (f":{port}" if port else "")
