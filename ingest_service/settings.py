"""What ingest reads from the environment."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from common.ids import InvalidId, checked_id
from common.object_names import MAX_SEQ
from common.pipeline_settings import PushedSettings
from common.settings import SECONDS
from ingest_service.intake.connection_limits import DEFAULT_MAX_AGE_S, DEFAULT_MAX_CHUNKS, ConnectionLimits
from ingest_service.intake.recordings import PIECE_BYTES
from ingest_service.pubsub.trust import ANY_TENANT, UploadTrust, bucket_problem

PCM_BYTES_PER_SECOND: Final = 192_000
"""Uncompressed stereo, 16 bits at 48 kHz: the most that a recorder sends."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class IngestSettings(PushedSettings, frozen=True, kw_only=True):
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
            description=(
                "Largest recording that is accepted, in one request or as a resumable upload. Over HTTP/1 Cloud Run takes no request of "
                "more than 32 MiB; larger recordings come through /v1/uploads there, in pieces."
            ),
        ),
    ] = 2 * 1024**3
    max_chunks_per_connection: Annotated[
        int,
        Meta(
            ge=1,
            le=MAX_SEQ + 1,
            description="Most chunks of one connection, recordings included (1 MiB each). Then uploaders are told to begin a new connection.",
        ),
    ] = DEFAULT_MAX_CHUNKS
    max_connection_age_sec: Annotated[
        int,
        Meta(
            ge=60,
            le=31 * 86_400,
            description="Age at which a connection takes nothing new any more, and uploaders are told to begin a new one.",
        ),
    ] = DEFAULT_MAX_AGE_S
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
            ge=0,
            le=3_500,
            description=(
                "Longest that POST /v1/audio/transcriptions waits for a transcript; then it answers 504, and goes on waiting when it is "
                "asked again. Cloud Run's request timeout must be longer."
            ),
        ),
    ] = 540.0
    websocket_max_sec: Annotated[
        float,
        SECONDS,
        Meta(
            description=(
                "Longest life of a WebSocket; then its client is asked to reconnect, and goes on where it was. Cloud Run ends "
                "requests at its timeout, at most 3,600 s, without a word."
            )
        ),
    ] = 3_300.0
    tenant_requests_per_sec: Annotated[
        float,
        Meta(
            ge=0,
            description=(
                "Requests a second that one tenant may send to one process of ingest; twice as many at once after a pause. Beyond: 429. "
                "0: any number."
            ),
        ),
    ] = 500.0
    tenant_concurrent_requests: Annotated[
        int,
        Meta(
            ge=0,
            description=(
                "Requests of one tenant that one process of ingest works on at a time, WebSockets and waits for transcripts included. "
                "Beyond: 429. 0: any number. With several tenants, set it below GUNICORN_THREADS: only then can none of them hold all threads "
                "of a process."
            ),
        ),
    ] = 0
    cors_allowed_origins: Annotated[
        str,
        Meta(
            description="Origins of web pages that may upload, separated by commas, such as https://meet.example; * for any."
        ),
    ] = ""

    upload_tenants: Annotated[
        str,
        Meta(
            description=(
                "Tenants, besides `default`, for which whoever may publish to the topic audio-uploads or write below DROPBOX_PATH may send "
                "audio; separated by commas, * for any."
            )
        ),
    ] = ""
    upload_source_buckets: Annotated[
        str,
        Meta(
            description=(
                "Buckets, besides GCS_BUCKET's DROPBOX_PATH, whose objects messages may name (gs://bucket/object); separated by commas. This "
                "service's account must be able to read them. Every tenant of UPLOAD_TENANTS may name each of their objects."
            )
        ),
    ] = ""
    dropbox_path: Annotated[
        str,
        Meta(
            pattern="^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$",
            description=(
                "First part of the names of objects that become meetings by being there; on the local runner, the folder below DATA_DIR."
            ),
        ),
    ] = "dropbox"

    @property
    def push_proof(self) -> Literal["token", "oidc", "none", "refused"]:
        """As elsewhere, but where nothing at all is said about pushes, this service takes none: most uploads come over HTTP."""
        said = (self.push_auth, self.push_token, self.push_audience, self.push_service_accounts)
        return super().push_proof if any(said) else "refused"

    @property
    def trust(self) -> UploadTrust:
        """UPLOAD_TENANTS, UPLOAD_SOURCE_BUCKETS and DROPBOX_PATH."""
        return UploadTrust(
            tenants=_listed(self.upload_tenants),
            source_buckets=_listed(self.upload_source_buckets),
            own_bucket=self.gcs_bucket,
            dropbox_path=self.dropbox_path,
        )

    @property
    def allowed_origins(self) -> frozenset[str]:
        """CORS_ALLOWED_ORIGINS as a set."""
        return _listed(self.cors_allowed_origins)

    @property
    def connection_limits(self) -> ConnectionLimits:
        """MAX_CHUNKS_PER_CONNECTION and MAX_CONNECTION_AGE_SEC."""
        return ConnectionLimits(self.max_chunks_per_connection, self.max_connection_age_sec)

    def problems(self) -> Iterator[str]:
        """What is accepted in one way must not fail on another limit; origins must look as browsers send them."""
        yield from super().problems()
        if self.max_recording_bytes > self.max_chunks_per_connection * PIECE_BYTES:
            yield (
                f"MAX_RECORDING_BYTES: {self.max_recording_bytes} bytes are more than MAX_CHUNKS_PER_CONNECTION "
                f"({self.max_chunks_per_connection}) chunks of {PIECE_BYTES} hold"
            )
        if self.audio_chunk_duration_sec * PCM_BYTES_PER_SECOND > self.max_chunk_bytes:
            yield (
                f"AUDIO_CHUNK_DURATION_SEC: {self.audio_chunk_duration_sec:g} s of uncompressed stereo do not fit into "
                f"MAX_CHUNK_BYTES ({self.max_chunk_bytes}); ask for shorter chunks or allow larger ones"
            )
        yield from self._problems_of_other_ways_in()
        for origin in sorted(self.allowed_origins):
            if origin != "*" and not _is_origin(origin):
                yield f"CORS_ALLOWED_ORIGINS: {origin!r} is no origin; write scheme://host or scheme://host:port"

    def _problems_of_other_ways_in(self) -> Iterator[str]:
        for tenant in sorted(self.trust.tenants - {ANY_TENANT}):
            try:
                checked_id(tenant, "UPLOAD_TENANTS")
            except InvalidId as error:
                yield f"UPLOAD_TENANTS: {tenant!r}: {error}"
        for bucket in sorted(self.trust.source_buckets):
            if problem := bucket_problem(bucket):
                yield f"UPLOAD_SOURCE_BUCKETS: {bucket!r} {problem}"
        if self.gcs_bucket in self.trust.source_buckets:
            yield "UPLOAD_SOURCE_BUCKETS: must not name GCS_BUCKET, where everybody's audio is; what lies below DROPBOX_PATH may be named anyway"
        dropbox = f"{self.dropbox_path}/"
        for name in ("raw_audio_path", "segments_path"):
            other = f"{getattr(self, name)}/"
            if dropbox.startswith(other) or other.startswith(dropbox):
                yield f"DROPBOX_PATH: must differ from {name.upper()}, and neither may lie below the other"


def _listed(value: str) -> frozenset[str]:
    return frozenset(each.strip() for each in value.split(",") if each.strip())


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
